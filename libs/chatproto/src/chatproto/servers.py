"""Where the nodes of a cluster are, as completions and refusals tell it (CLU-01, CLU-02)."""

from dataclasses import dataclass
from typing import Any, Final

from chatproto.fingerprint import parse_fingerprint

MAX_SERVERS: Final = 8
"""A completion lists so many nodes at most: a client needs one that lives, not all."""
MAX_ADDRESS_CHARACTERS: Final = 280
"""A host name of DNS, and a port."""


@dataclass(frozen=True, slots=True)
class Server:
    """A node: where its TCP port is, and its certificate if it has one."""

    address: str
    """``HOST:PORT`` or ``[IPv6]:PORT``."""
    fingerprint: str = ""
    """The SHA-256 of its certificate; empty if it speaks no TLS."""


def server_fields(server: Server) -> dict[str, str]:
    """Return what JSON says of a node."""
    fields = {"server": server.address}
    return fields | {"fingerprint": server.fingerprint} if server.fingerprint else fields


def read_server(fields: Any) -> Server | None:
    """Read what JSON says of a node; None if that can't be used."""
    if not isinstance(fields, dict):
        return None
    address, fingerprint = fields.get("server"), fields.get("fingerprint", "")
    if not isinstance(address, str) or not isinstance(fingerprint, str):
        return None
    if not (0 < len(address) <= MAX_ADDRESS_CHARACTERS and address.isascii() and address.isprintable()):
        return None
    try:
        return Server(address, parse_fingerprint(fingerprint) if fingerprint else "")
    except ValueError:
        return None


def read_servers(listed: Any) -> tuple[Server, ...]:
    """Read a list of nodes, without those that can't be used."""
    if not isinstance(listed, list):
        return ()
    return tuple(server for each in listed[:MAX_SERVERS] if (server := read_server(each)))
