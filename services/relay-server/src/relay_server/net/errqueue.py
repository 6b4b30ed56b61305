"""The kernel's queue of errors that came back for datagrams: who was not reached, and what was quoted."""

import errno
import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay_server.core.address import parse_ip
from relay_server.net.address import UdpAddress, make_address

_MSG_ERRQUEUE: Final = 0x2000
_QUOTE_BYTES, _CONTROL_BYTES = 600, 512
_RECVERR = ((0, 11), (41, 25))  # level and option, and then level and type of the control message
_ERROR = struct.Struct("=IB")  # struct sock_extended_err begins with the errno and the origin
_ICMP_ORIGINS = {2, 3}
_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What says that nobody is there; a path too narrow for a datagram, for one, says no such thing."""


class Undelivered(NamedTuple):
    """An ICMP error: where the datagram was going, and the beginning of what it said."""

    target: UdpAddress
    quoted: bytes


def ask_for_errors(sock: socket.socket) -> None:
    """Let the kernel queue the ICMP errors of a dual-stack socket.

    Only who drains the queue may ask: an error that stays there wakes the loop for ever, and a waiting one
    fails the next datagram, whoever that is for.
    """
    for level, option in _RECVERR:
        sock.setsockopt(level, option, 1)


def drain_errors(sock: socket.socket) -> Iterator[Undelivered | None]:
    """Empty the queue; yields None for an error that isn't an ICMP message of an unreachable peer."""
    while True:
        try:
            quoted, control, _, target = sock.recvmsg(_QUOTE_BYTES, _CONTROL_BYTES, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:  # EAGAIN: the queue is empty
            return
        if target and any((level, kind) in _RECVERR and _says_unreachable(data) for level, kind, data in control):
            host, port, *rest = target
            yield Undelivered(make_address(parse_ip(host), port, scope=rest[1] if rest else 0), quoted)
        else:
            yield None


def _says_unreachable(error: bytes) -> bool:
    reason, origin = _ERROR.unpack_from(error)
    return origin in _ICMP_ORIGINS and reason in _UNREACHABLE
