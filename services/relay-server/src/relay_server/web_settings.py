"""What a relay's settings say of browsers: which origins may chat, and whose word on addresses counts (WEB-03)."""

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


def check_link(text: str) -> str:
    """Check that a setting is a page's address, whose scheme may be missing, or is empty."""
    if text and _origin_of_link(text, "https") is None:
        raise PydanticCustomError("link", "Write the page's address, such as https://chat.example.org, without a path")
    return text


def write_link(text: str, scheme: str) -> str:
    """Return a page's address as a browser takes it; ``scheme`` is for one that has none."""
    return f"{_origin_of_link(text, scheme)}/"


def host_of_link(text: str) -> str:
    """Return the host in a page's address, without its port; empty if there is no address."""
    return urlsplit(_origin_of_link(text, "https") or "").hostname or ""


def _origin_of_link(text: str, scheme: str) -> str | None:
    address = text.removesuffix("/")
    return read_origin(address if "://" in address else f"{scheme}://{address}")


def complete_page(text: str, tcp_port: int) -> str:
    """Return the page's address as completions tell it: with the TCP port, if that isn't the usual one (WEB-05)."""
    if not text:
        return ""
    address, _, port = text.partition("#")
    if not port and tcp_port != DEFAULT_TCP_PORT:
        port = f"port={tcp_port}"
    return f"{address.removesuffix('/')}/{'#' if port else ''}{port}"


def check_page(text: str) -> str:
    """Check that a setting is a page's address, or is empty."""
    if text and not read_page(complete_page(text, DEFAULT_TCP_PORT)):
        raise PydanticCustomError(
            "page",
            "Write the page's address such as https://chat.example.org/, without a path, perhaps with #port=9000",
        )
    return text


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
