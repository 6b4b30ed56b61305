"""Addresses, laid out as Linux's ``sendmmsg`` takes them, so that the data path never converts one.

An address is 64 bytes: a ``sockaddr_in6`` (28), padding (4), and the control message header (16) and
local IP (16) that make an answer leave from the very address the peer spoke to. IPv4 addresses stand in
their IPv6-mapped form, so each host has one spelling only. Two addresses are the same if their bytes are.
"""

import ipaddress
import struct
from functools import lru_cache
from typing import Final, TypeAlias

Address: TypeAlias = bytes
"""Where datagrams go and come from; see the module's text for the layout."""

ADDRESS_BYTES: Final = 64

_AF_INET6 = 10
_IPPROTO_IPV6, _IPV6_PKTINFO, _CMSG_BYTES = 41, 50, 36
_PORT_AND_FLOW = struct.Struct("=H2s4s")
_TAIL = struct.Struct("=I4x")
_CONTROL = struct.Struct("=QII")
_MAPPED = b"\0" * 10 + b"\xff\xff"
_NOT_PINNED = bytes(32)
_LOCAL_IP = slice(48, 64)
_PORT_0 = bytes(2)
_NO_IPV4_HOSTS = {0, *range(224, 240)}  # how "this network" and the multicast groups begin
_BROADCAST, _UNSPECIFIED, _IPV6_MULTICAST = b"\xff" * 4, bytes(16), 0xFF


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> bytes:
    """Turn an IP address in text into 16 bytes, IPv4 mapped into IPv6; a scope such as ``%eth0`` is dropped.

    Raises:
        ValueError: it is no IP address.

    """
    ip = ipaddress.ip_address(text.partition("%")[0])
    return _MAPPED + ip.packed if ip.version == 4 else ip.packed


def make_address(ip: bytes, port: int, *, scope: int = 0, local_ip: bytes | None = None) -> Address:
    """Build an address from 16 bytes of IP and a port; with ``local_ip`` datagrams to it leave from there."""
    head = _PORT_AND_FLOW.pack(_AF_INET6, port.to_bytes(2, "big"), b"\0" * 4) + ip + _TAIL.pack(scope)
    if local_ip is None:
        return head + _NOT_PINNED
    return head + _CONTROL.pack(_CMSG_BYTES, _IPPROTO_IPV6, _IPV6_PKTINFO) + local_ip


def ip_of(address: Address) -> bytes:
    """Return the 16 bytes of IP."""
    return address[8:24]


def port_of(address: Address) -> int:
    """Return the port."""
    return int.from_bytes(address[2:4], "big")


def remote_of(address: Address) -> bytes:
    """Return what names the peer alone: port, IP and scope, without the local IP."""
    return address[2:28]


def is_answerable(address: Address) -> bool:
    """Tell whether an answer can be sent there: to a port, of one host.

    Port 0 is no port, and no host has a multicast, broadcast or unspecified address (RFC 1122, 3.2.1.3; RFC 4291, 2.7):
    whoever sends from there has forged it, and the kernel refuses every answer.
    """
    ip = ip_of(address)
    if address[2:4] == _PORT_0:
        return False
    if ip.startswith(_MAPPED):
        return ip[12] not in _NO_IPV4_HOSTS and ip[12:] != _BROADCAST
    return ip[0] != _IPV6_MULTICAST and ip != _UNSPECIFIED


def is_own(address: Address, port: int, ip: bytes | None) -> bool:
    """Tell whether a source is the very socket that got the datagram: it is forged, and an answer would come back.

    Args:
        address: the source.
        port: the socket's.
        ip: the one that the socket is bound to; None if that is every one: then the source tells which was spoken to.

    """
    return port_of(address) == port and ip_of(address) == (ip or address[_LOCAL_IP])


def host_of(address: Address) -> bytes:
    """Return what names the peer's host alone: IP and scope."""
    return address[8:28]


def network_of(ip: bytes) -> bytes:
    """Return what limits per address count by: an IPv4 address, or the /64 of an IPv6 one (ROOM-05)."""
    return ip if ip.startswith(_MAPPED) else ip[:8]


def networks_around(network: bytes) -> tuple[bytes, ...]:
    """Return the larger networks that hold an IPv6 /64: its /56 and its /48; none for an IPv4 address."""
    return (network[:7], network[:6]) if len(network) == 8 else ()


def show_ip(ip: bytes) -> str:
    """Write 16 bytes of IP as people do, IPv4 in its own form."""
    address = ipaddress.IPv6Address(ip)
    return str(address.ipv4_mapped or address)


def show_network(network: bytes) -> str:
    """Write what `network_of` returns as people do."""
    return show_ip(network) if len(network) == 16 else f"{ipaddress.IPv6Address(network + bytes(8))}/64"
