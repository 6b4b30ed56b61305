"""Where a relay is, as people write it."""

import ipaddress
import re
from typing import NamedTuple

_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(.*))?")


class ServerAddress(NamedTuple):
    """A relay's host name or numeric address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class BadServerError(ValueError):
    """A text is no server address; ``str()`` says it to a person."""

    def __init__(self, text: str, port: str | None = None) -> None:
        super().__init__(
            f"{text!r} is no relay address: write HOST, HOST:PORT or [IPv6]:PORT."
            if port is None
            else f"{port!r} in {text!r} is no port: use a number from 1 to 65535."
        )
        self.text = text
        self.port = port
        """What stands for the port, if that is what is wrong."""


def parse_server(text: str, default_port: int) -> ServerAddress:
    """Read ``HOST``, ``HOST:PORT``, ``[V6]``, ``[V6]:PORT`` or a bare IPv6 address.

    Raises:
        BadServerError: the text is none of these; ``str()`` says what is wrong and what to do.

    """
    host, port = _split(text)
    if not host or re.search(r"[\s\[\]/]", host) or (":" in host and not _is_ipv6(host)):
        raise BadServerError(text)
    if port is None:
        return ServerAddress(host, default_port)
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= 0xFFFF:
        raise BadServerError(text, port)
    return ServerAddress(host, int(port))


def _split(text: str) -> tuple[str, str | None]:
    if found := _BRACKETED.fullmatch(text):
        return found[1], found[2]
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
