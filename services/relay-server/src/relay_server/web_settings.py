"""What a relay's settings say of browsers: where the page is, which origins may chat, and who names addresses."""

import ipaddress
import re
from enum import StrEnum
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from chatproto.constants import DEFAULT_TCP_PORT
from chatproto.page_address import read_page

WEB_CONNECTIONS: Final = 1024
"""Connections of browsers at once that carry no chat: each browser opens some six to load the page."""

MAX_PORT: Final = 65_535

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class WebTls(StrEnum):
    """Whether the web port speaks TLS."""

    AUTO = "auto"
    OFF = "off"


_ORIGIN: Final = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def read_origin(text: str) -> str | None:
    """Return an origin as it compares, without its scheme's default port; None if it is none that a page can have."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{host}:{port}"


def parse_origins(text: str) -> frozenset[str]:
    """Read a list with commas, such as ``https://chat.example.org,https://example.org:8443``."""
    origins = [read_origin(each.strip()) for each in text.split(",")] if text else []
    if None in origins:
        raise PydanticCustomError(
            "origins", "Write origins such as https://chat.example.org, without a path, with commas in between"
        )
    return frozenset(origin for origin in origins if origin)


def check_origins(text: str) -> str:
    """Check that a setting is a list of origins, or is empty."""
    parse_origins(text)
    return text


def check_web_url(text: str) -> str:
    """Check that a setting is where people open the page, whose scheme may be missing, or is empty."""
    if text and not _is_page(complete_page(text, "https", DEFAULT_TCP_PORT)):
        raise PydanticCustomError(
            "web_url",
            "Write the page's address, such as https://chat.example.org or chat.example.org:8080, without a path, "
            f"perhaps with #port=9000; ports end at {MAX_PORT}",
        )
    return text


def write_link(text: str, scheme: str) -> str:
    """Return where people open the page, as a browser takes it; ``scheme`` is for an address that has none."""
    address = text.partition("#")[0].removesuffix("/")
    origin = read_origin(address if "://" in address else f"{scheme}://{address}")
    return f"{origin}/" if origin else ""


def complete_page(text: str, scheme: str, tcp_port: int) -> str:
    """Return the link for invitations: with the TCP port, if that isn't the usual one (WEB-05)."""
    link, fragment = write_link(text, scheme), text.partition("#")[2]
    if not fragment and tcp_port != DEFAULT_TCP_PORT:
        fragment = f"port={tcp_port}"
    return f"{link}#{fragment}" if link and fragment else link


def host_of_link(link: str) -> str:
    """Return the host in a link, without its port; empty if there is no link."""
    return urlsplit(link).hostname or ""


def is_loopback(host: str) -> bool:
    """Tell whether a host is the machine itself wherever it is named (RFC 6761, section 6.3)."""
    name = host.removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or address.is_unspecified


def _is_page(page: str) -> bool:
    if not read_page(page):
        return False
    try:
        parts = urlsplit(page)
        _ = parts.port  # 0 is one: compose says localhost:0 if there is no page
    except ValueError:  # it is too high, or what is in brackets is no IPv6 address
        return False
    tcp_port = int(parts.fragment.removeprefix("port=") or DEFAULT_TCP_PORT)
    return 1 <= tcp_port <= MAX_PORT


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read a list with commas of IP addresses and networks, such as ``127.0.0.1,10.1.0.0/16,fd00::/8``."""
    try:
        networks = tuple(ipaddress.ip_network(each.strip()) for each in text.split(",")) if text else ()
    except ValueError:
        raise PydanticCustomError(
            "networks", "Write addresses or networks such as 127.0.0.1 or 10.1.0.0/16, with commas in between"
        ) from None
    if any(network.prefixlen == 0 for network in networks):
        raise PydanticCustomError("networks", "Name your proxies: whoever is trusted can forge every address")
    return networks


def check_networks(text: str) -> str:
    """Check that a setting is a list of networks, or is empty."""
    parse_networks(text)
    return text
