"""Who asks over HTTP, by which name, and whether a page of that origin may chat (WEB-03, WEB-06)."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from relay_server.core.address import parse_ip
from relay_server.net.hosts import OwnNames
from relay_server.web_settings import Network, read_origin

Headers = Iterable[tuple[bytes, bytes]]
"""With lower-case names."""

_HTTPS: Final = "https"


class ForwardedError(Exception):
    """A trusted proxy named an address that is none."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    ip: bytes
    """16 bytes (see `core.address`)."""
    encrypted: bool
    """Whether TLS carries what it says, to us or to a trusted proxy."""


class Callers:
    """Tells who asks by where a connection comes from, and by what a trusted proxy says of it."""

    def __init__(self, trusted: tuple[Network, ...], origins: frozenset[str], names: OwnNames) -> None:
        """``origins`` may chat beside the relay's own one; it is called by ``names``."""
        self._trusted = trusted
        self._origins = origins
        self._names = names
        self.trusts = lru_cache(maxsize=1024)(self._trusts)
        """Whether what an address says of others counts."""

    def find(self, ip: bytes, headers: Headers, *, encrypted: bool) -> Caller:
        """Return who asks; from anybody but a trusted proxy the headers don't count.

        Raises:
            ForwardedError: the proxy's header can't be read.

        """
        if not self.trusts(ip):
            return Caller(ip, encrypted)
        scheme = _listed(headers, b"x-forwarded-proto")[-1:]
        return Caller(self._member(ip, headers), encrypted if not scheme else scheme[0].lower() == _HTTPS)

    def knows_name(self, caller: Caller, headers: Headers) -> bool:
        """Tell whether a request calls this machine by a name of its own, where a page could have given it another.

        DNS rebinding lets a page on the web reach what only its reader's own network can. By TLS the browser has
        checked the name, and from the Internet whoever makes pages can come here anyway.
        """
        return caller.encrypted or _address(caller.ip).is_global or self._names.accept(headers)

    def may_chat(self, headers: Headers, *, encrypted: bool) -> bool:
        """Tell whether a page may chat: it is of the relay's own origin, or of one that its operator named."""
        origins = [value for name, value in headers if name == b"origin"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(origins) != 1 or len(hosts) != 1:
            return False
        origin = read_origin(origins[0].decode("latin-1"))
        own = read_origin(f"{'https' if encrypted else 'http'}://{hosts[0].decode('latin-1')}")
        return origin is not None and (origin == own or origin in self._origins)

    def _member(self, ip: bytes, headers: Headers) -> bytes:
        """Return the rightmost address that isn't a trusted proxy's; the leftmost if all are."""
        for text in reversed(_listed(headers, b"x-forwarded-for")):
            try:
                ip = parse_ip(_without_port(text))
            except ValueError:
                raise ForwardedError from None
            if not self.trusts(ip):
                break
        return ip

    def _trusts(self, ip: bytes) -> bool:
        one = _address(ip)
        return any(one in network for network in self._trusted)


def _address(ip: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.IPv6Address(ip)
    return address.ipv4_mapped or address


def _listed(headers: Headers, wanted: bytes) -> list[str]:
    """Return the members of a list that may be spread over several headers."""
    values = [value.decode("latin-1") for name, value in headers if name == wanted]
    return [member.strip() for member in ",".join(values).split(",")] if values else []


def _without_port(text: str) -> str:
    """Return an address; some proxies write a port behind it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
