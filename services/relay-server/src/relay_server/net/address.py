"""Addresses of UDP, laid out as Linux's ``recvmmsg`` and ``sendmmsg`` have them: the data path never converts one.

An address is 64 bytes: a ``sockaddr_in6`` (28), padding (4), and the control message header (16) and
local IP (16) that make an answer leave from the very address the peer spoke to. IPv4 addresses stand in
their IPv6-mapped form, so each host has one spelling only. Two addresses are the same if their bytes are.
"""

import struct
from collections.abc import Iterable
from typing import Final, TypeAlias, cast

from relay_server.core.endpoint import Address, Endpoint

UdpAddress: TypeAlias = bytes
"""See the module's text for the layout."""

ADDRESS_BYTES: Final = 64
TARGET_BYTES: Final = 96
"""An address among several in a row: 8 more bytes, zero, that end the control message (any interface), and a
second control message (24) that says how the kernel is to cut what it sends there."""
SEGMENT_OFFSET: Final = 88
"""Where in a target the size of such a piece stands (16 bits); 0: it isn't cut."""

_AF_INET6 = 10
_IPPROTO_IPV6, _IPV6_PKTINFO, _CMSG_BYTES = 41, 50, 36
_SOCKET_NAME = struct.Struct("=H2s4x16sI4x")
_CONTROL = struct.Struct("=QII")
_SOL_UDP, _UDP_SEGMENT, _SEGMENT_CMSG_BYTES = 17, 103, 18
_TAIL = bytes(8) + _CONTROL.pack(_SEGMENT_CMSG_BYTES, _SOL_UDP, _UDP_SEGMENT) + bytes(8)
_NOT_PINNED = bytes(32)
_REMOTE = slice(2, 28)  # port, flow, IP and scope
_CONTROL_MESSAGE, _LOCAL_IP = slice(32, 64), slice(48, 64)


def make_address(ip: bytes, port: int, *, scope: int = 0, local_ip: bytes | None = None) -> UdpAddress:
    """Build an address from 16 bytes of IP and a port; with ``local_ip`` datagrams to it leave from there."""
    head = _SOCKET_NAME.pack(_AF_INET6, port.to_bytes(2, "big"), ip, scope)
    if local_ip is None:
        return head + _NOT_PINNED
    return head + _CONTROL.pack(_CMSG_BYTES, _IPPROTO_IPV6, _IPV6_PKTINFO) + local_ip


def locate(address: Address) -> Endpoint:
    """Take an address of UDP apart."""
    raw = cast("UdpAddress", address)
    _, port, ip, scope = _SOCKET_NAME.unpack_from(raw)
    local_ip = raw[_LOCAL_IP] if raw[_CONTROL_MESSAGE] != _NOT_PINNED else None
    return Endpoint(ip, int.from_bytes(port, "big"), scope, raw[_REMOTE], local_ip)


def pack_targets(addresses: Iterable[UdpAddress]) -> bytes:
    """Put addresses in a row, 96 bytes each."""
    return b"".join(targets_of(addresses))


def targets_of(addresses: Iterable[UdpAddress]) -> list[bytes]:
    """Return a row of one for each address."""
    return [address + _TAIL for address in addresses]


def target_of(address: UdpAddress) -> bytes:
    """Return a row of one."""
    return address + _TAIL


def unpack_targets(targets: bytes) -> list[UdpAddress]:
    """Take a row of addresses apart."""
    return [targets[i : i + ADDRESS_BYTES] for i in range(0, len(targets), TARGET_BYTES)]


def targets_but(row: bytes, end: int) -> bytes:
    """Return a row without the target that ends at this offset; all of it for 0."""
    return row[: end - TARGET_BYTES] + row[end:] if end else row
