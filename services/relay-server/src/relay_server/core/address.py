"""IP addresses and networks: 16 bytes each, IPv4 mapped into IPv6, so each host has one spelling only."""

import ipaddress
from functools import lru_cache

from relay_server.core.endpoint import Endpoint

_MAPPED = b"\0" * 10 + b"\xff\xff"
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


def is_answerable(ip: bytes, port: int) -> bool:
    """Tell whether an answer can be sent there: to a port, of one host.

    Port 0 is no port, and no host has a multicast, broadcast or unspecified address (RFC 1122, 3.2.1.3; RFC 4291, 2.7):
    whoever sends from there has forged it, and the kernel refuses every answer.
    """
    if not port:
        return False
    if ip.startswith(_MAPPED):
        return ip[12] not in _NO_IPV4_HOSTS and ip[12:] != _BROADCAST
    return ip[0] != _IPV6_MULTICAST and ip != _UNSPECIFIED


def is_own(endpoint: Endpoint, port: int, ip: bytes | None) -> bool:
    """Tell whether a source is the very socket that got the datagram: it is forged, and an answer would come back.

    Args:
        endpoint: the source.
        port: the socket's.
        ip: the one that the socket is bound to; None if that is every one: then the source tells which was spoken to.

    """
    return endpoint.port == port and endpoint.ip == (ip or endpoint.local_ip)


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
