"""The same as `batch` for systems without ``sendmmsg``: one system call a datagram, and no error queue.

A dead peer is then noticed by its silence only, and a host with several addresses may answer from another
than it was spoken to.
"""

import socket
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.core.address import parse_ip, show_ip
from relay_server.net.address import UdpAddress, locate, make_address, unpack_targets
from relay_server.net.errqueue import Undelivered
from relay_server.net.fanout import GsoBatch
from relay_server.net.sending import RECEIVE_BATCH, SendError, Sent


class PortableSocket:
    """A bound, non-blocking datagram socket of either family; see `batch.BatchSocket` for the methods."""

    supports_gso: Final = False

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._mapped = sock.family == socket.AF_INET6

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._sock.fileno()

    def receive(self) -> list[tuple[bytes, UdpAddress]]:
        """Return a batch of datagrams with their sources; one longer than 4096 bytes comes as 4097."""
        received = []
        for _ in range(RECEIVE_BATCH):
            try:
                data, source = self._sock.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except OSError:  # nothing more, or another's ICMP error
                break
            received.append((data, _to_address(source[0], source[1])))
        return received

    def send(self, batches: Iterable[GsoBatch]) -> Sent:
        """Hand batches of one message each to the kernel; returns what it took and what it refused."""
        copies = volume = 0
        errors = []
        for payload, targets, _ in batches:
            for target in unpack_targets(targets):
                try:
                    self._sock.sendto(payload, _to_socket_name(target, self._mapped))
                except OSError as error:
                    errors.append(SendError(target, error.errno or 0, payload))
                else:
                    copies += 1
                    volume += len(payload)
        return Sent(copies, volume, errors)

    def undelivered(self) -> Iterator[Undelivered]:
        """Yield nothing: there is no portable way to learn who an ICMP error was for."""
        yield from ()

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


@lru_cache(maxsize=16_384)
def _to_address(host: str, port: int) -> UdpAddress:
    return make_address(parse_ip(host), port)


@lru_cache(maxsize=16_384)
def _to_socket_name(address: UdpAddress, mapped: bool) -> tuple[str, int]:
    endpoint = locate(address)
    host = show_ip(endpoint.ip)
    return (f"::ffff:{host}" if mapped and "." in host else host), endpoint.port
