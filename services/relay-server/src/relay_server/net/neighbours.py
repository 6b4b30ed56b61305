"""Hosts on our own links that the kernel asks for in vain (ARP, ND), as its table of neighbours tells.

What is sent to one of them waits in the kernel for up to three seconds and takes up the send buffer of the socket.
"""

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Final

from relay_server.core.address import parse_ip
from relay_server.core.endpoint import Host

_READ_BYTES: Final = 1 << 16
_MAX_READS: Final = 64
"""A table that is larger isn't read to its end: the relay has other work."""
_HEADER, _NEIGHBOUR, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=B3xiHBB"), struct.Struct("=HH")
_GET_ALL, _GET, _NEW = 0x301, 30, 28
_UNRESOLVED = 0x01 | 0x20  # the kernel is asking (NUD_INCOMPLETE), or has asked in vain (NUD_FAILED)
_DESTINATION = 1
_INET, _INET6 = 2, 10
_SCOPED = b"\xfe\x80"


def unresolved_hosts() -> frozenset[Host]:
    """Return the hosts that the kernel has no link address of; none where it doesn't tell."""
    if sys.platform != "linux":
        return frozenset()
    request = _HEADER.pack(_HEADER.size + _NEIGHBOUR.size, _GET, _GET_ALL, 1, 0) + bytes(_NEIGHBOUR.size)
    hosts: set[Host] = set()
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE) as sock:
            sock.send(request)
            for _ in range(_MAX_READS):
                answer = list(messages(sock.recv(_READ_BYTES)))
                hosts.update(filter(None, (unresolved_host(body) for kind, body in answer if kind == _NEW)))
                if any(kind != _NEW for kind, _ in answer):  # the end, or an error
                    break
    except OSError:  # some sandboxes have no such sockets
        return frozenset()
    return frozenset(hosts)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each netlink message."""
    start = 0
    while start + _HEADER.size <= len(data):
        size, kind, *_ = _HEADER.unpack_from(data, start)
        yield kind, data[start + _HEADER.size : start + size]
        start += max(_aligned(size), _HEADER.size)


def unresolved_host(neighbour: bytes) -> Host | None:
    """Return the host that an entry of the table is about if it is unresolved; else None."""
    family, interface, state, *_ = _NEIGHBOUR.unpack_from(neighbour)
    if not state & _UNRESOLVED or family not in {_INET, _INET6}:
        return None
    start = _NEIGHBOUR.size
    while start + _ATTRIBUTE.size <= len(neighbour):
        size, kind = _ATTRIBUTE.unpack_from(neighbour, start)
        if kind == _DESTINATION:
            raw = neighbour[start + _ATTRIBUTE.size : start + size]
            ip = parse_ip(socket.inet_ntop(family, raw))
            return Host(ip, interface if ip.startswith(_SCOPED) else 0)
        start += max(_aligned(size), _ATTRIBUTE.size)
    return None


def _aligned(size: int) -> int:
    return (size + 3) & ~3
