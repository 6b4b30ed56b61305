"""The first line on a link: what the node that opened it wants, and the proof that it is of the cluster (CLU-04)."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from chatproto.constants import MAX_NAME_BYTES
from relay_server.core.address import parse_ip, show_ip

MAX_HELLO_BYTES: Final = 1024
_LABEL: Final = b"link"
_PORTS: Final = range(1, 2**16)


class HelloError(Exception):
    """A first line that no node of this cluster wrote."""


@unique
class Kind(StrEnum):
    """What a link is for."""

    PROBE = "probe"
    """The answer alone: whether the node is alive."""
    STATE = "state"
    """How the node is, for another node's operator."""
    ROOMS = "rooms"
    """Which rooms it holds, for another node's operator."""
    CARRY = "carry"
    """A client's request, and what comes after it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who opens a link, and for whom."""

    kind: Kind
    node: str
    """The name of the node that opens it."""
    ip: bytes = bytes(16)
    """The client's (see `core.address`)."""
    scope: int = 0
    encrypted: bool = False
    """Whether TLS carries what the client says, all the way to its node."""
    udp_port: int = 0
    """Where that node takes the client's datagrams."""
    by_page: bool = False
    """Whether the client is a page in a browser; older nodes don't say it."""


def proof_of(key: bytes, fingerprint: str) -> str:
    """Return what only nodes with the cluster's link key can tell the node that has this certificate."""
    return hmac.new(key, _LABEL + fingerprint.encode(), hashlib.sha256).hexdigest()


def encode_hello(hello: Hello, key: bytes, fingerprint: str) -> bytes:
    """Write the first line for the node that has this certificate."""
    fields: dict[str, Any] = {"proof": proof_of(key, fingerprint), "kind": hello.kind, "node": hello.node}
    if hello.kind is Kind.CARRY:
        fields |= {"ip": show_ip(hello.ip), "scope": hello.scope, "encrypted": hello.encrypted}
        fields |= {"udp_port": hello.udp_port, "by_page": hello.by_page}
    return json.dumps(fields).encode() + b"\n"


def decode_hello(line: bytes, key: bytes, fingerprint: str) -> Hello:
    """Read a first line; nothing in it is believed before the proof.

    Raises:
        HelloError: it isn't of this cluster, it is too long, or it lacks a field.

    """
    if len(line) > MAX_HELLO_BYTES:
        raise HelloError("The first line is too long.")
    try:
        fields = json.loads(line)
        if not hmac.compare_digest(str(fields["proof"]).encode(), proof_of(key, fingerprint).encode()):
            raise HelloError("The proof is wrong.")
        kind, node = Kind(fields["kind"]), fields["node"]
        if not isinstance(node, str) or not 0 < len(node.encode()) <= MAX_NAME_BYTES:
            raise HelloError("The node has no name.")
        return _read_carry(node, fields) if kind is Kind.CARRY else Hello(kind, node)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise HelloError("The first line lacks a field, or has one of the wrong type.") from None


def _read_carry(node: str, fields: dict[str, Any]) -> Hello:
    scope, encrypted, by_page = fields["scope"], fields["encrypted"], fields.get("by_page", False)
    udp_port = fields["udp_port"]
    if type(scope) is not int or not 0 <= scope < 2**32 or udp_port not in _PORTS:
        raise HelloError("The first line has a field with an impossible value.")
    if type(encrypted) is not bool or type(by_page) is not bool:
        raise HelloError("The first line has a field that is neither true nor false.")
    return Hello(Kind.CARRY, node, parse_ip(fields["ip"]), scope, encrypted, int(udp_port), by_page)
