"""The kernel's queue of errors that came back for datagrams: who was not reached, and what was quoted."""

import socket
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay_server.core.address import Address, make_address, parse_ip

_MSG_ERRQUEUE: Final = 0x2000
_QUOTE_BYTES, _CONTROL_BYTES = 600, 512
_RECVERR = ((0, 11), (41, 25))  # level and option, and then level and type of the control message
_ICMP_ORIGINS = {2, 3}
_ORIGIN_OFFSET = 4  # struct sock_extended_err: errno (4), origin, type, code, pad, info, data


class Undelivered(NamedTuple):
    """An ICMP error: where the datagram was going, and the beginning of what it said."""

    target: Address
    quoted: bytes


def ask_for_errors(sock: socket.socket) -> None:
    """Let the kernel queue the ICMP errors of a dual-stack socket.

    Only who drains the queue may ask: an error that stays there wakes the loop for ever, and a waiting one
    fails the next datagram, whoever that is for.
    """
    for level, option in _RECVERR:
        sock.setsockopt(level, option, 1)


def drain_errors(sock: socket.socket) -> Iterator[Undelivered | None]:
    """Empty the queue; yields None for an error that no ICMP message brought."""
    while True:
        try:
            quoted, control, _, target = sock.recvmsg(_QUOTE_BYTES, _CONTROL_BYTES, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:  # EAGAIN: the queue is empty
            return
        came_by_icmp = any(
            (level, kind) in _RECVERR and data[_ORIGIN_OFFSET] in _ICMP_ORIGINS for level, kind, data in control
        )
        if came_by_icmp and target:
            host, port, *rest = target
            yield Undelivered(make_address(parse_ip(host), port, scope=rest[1] if rest else 0), quoted)
        else:
            yield None
