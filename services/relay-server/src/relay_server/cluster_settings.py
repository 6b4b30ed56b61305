"""What a relay's settings say of its cluster: how their words are read, and what must go together."""

import importlib.util
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic_core import PydanticCustomError

HIDDEN: Final = "(not shown)"
"""What is shown of a secret."""
MIN_KEY_CHARACTERS: Final = 32
DEFAULT_NATS_PORT: Final = 4222
_NODE_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::(?P<tcp>\d+)(?::(?P<udp>\d+))?)?")
_NOWHERE: Final = {"0.0.0.0", "[::]"}
_USER: Final = re.compile(r"//.*@")
_URL_FORM: Final = "Write nats://user:password@host:port or tls://host:port, and more host:port after commas"
_ADDRESS_FORM: Final = (
    "Say by what host or IP clients reach this node, as host, host:tcp or host:tcp:udp; IPv6 in brackets"
)


class ClusterFields(Protocol):
    """The settings that a cluster has."""

    cluster_url: str
    cluster_key: str
    node_address: str
    cluster_credentials_file: str
    cluster_ca_file: str


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where clients reach a node; an IPv6 address is in brackets."""

    host: str
    tcp_port: int
    udp_port: int


@dataclass(frozen=True, slots=True)
class ClusterUrl:
    """Where NATS is."""

    servers: tuple[str, ...]
    """Each ``HOST:PORT``."""
    tls: bool
    user: str | None
    password: str | None


def check_url(url: str) -> str:
    """Check that a setting says where NATS is, or nothing."""
    if url:
        parse_url(url)
    return url


def parse_url(url: str) -> ClusterUrl:
    """Read ``nats://[user:password@]host:port[,host:port...]`` or the same with ``tls://``."""
    scheme, _, rest = url.partition("://")
    user, at, hosts = rest.rpartition("@")
    try:
        servers = [urlsplit(f"//{host}") for host in hosts.split(",")]
        valid = scheme in {"nats", "tls"} and all(map(_is_server, servers)) and (not at or ":" in user)
    except ValueError:  # of a port or an IPv6 address
        valid = False
    if not valid:
        raise PydanticCustomError("cluster_url", _URL_FORM)
    name, _, password = user.partition(":")
    return ClusterUrl(
        tuple(f"{_host(server)}:{server.port or DEFAULT_NATS_PORT}" for server in servers), scheme == "tls",
        unquote(name) if at else None, unquote(password) if at else None,
    )  # fmt: skip


def hide_password(url: str) -> str:
    """Return a URL as it may be shown."""
    return _USER.sub(f"//{HIDDEN}@", url)


def check_node_name(name: str) -> str:
    """Check that a setting can be a node's name, or is empty."""
    if name and not _NODE_NAME.fullmatch(name):
        raise PydanticCustomError("node_name", "Use 1 to 64 of a-z, 0-9 and -")
    return name


def default_node_name() -> str:
    """Return the machine's name as a node's."""
    name = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().partition(".")[0].lower())[:64]
    return name or "node"


def check_node_address(address: str) -> str:
    """Check that a setting can be a node's address, or is empty."""
    if address:
        parse_node_address(address, 1, 1)
    return address


def parse_node_address(address: str, tcp_port: int, udp_port: int) -> NodeAddress:
    """Read a node's address; ports that it doesn't name are these."""
    match = _ADDRESS.fullmatch(address)
    if match is None or match["host"] in _NOWHERE:
        raise PydanticCustomError("node_address", _ADDRESS_FORM)
    tcp, udp = int(match["tcp"] or tcp_port), int(match["udp"] or udp_port)
    if not (0 < tcp < 2**16 and 0 < udp < 2**16):
        raise PydanticCustomError("node_address", _ADDRESS_FORM)
    return NodeAddress(match["host"], tcp, udp)


def find_cluster_fault(settings: ClusterFields) -> str | None:
    """Return the sentence that says why a relay can't be a node by these settings; None if it can, or is alone."""
    if not settings.cluster_url:
        return None
    if not settings.cluster_key:
        return "RELAY_CLUSTER_URL needs RELAY_CLUSTER_KEY: give all nodes the same secret (`openssl rand -hex 32`)."
    if len(settings.cluster_key) < MIN_KEY_CHARACTERS:
        return (
            f"RELAY_CLUSTER_KEY has fewer than {MIN_KEY_CHARACTERS} characters: "
            "make one by `openssl rand -hex 32`, and give all nodes the same."
        )
    if not settings.node_address:
        return "RELAY_CLUSTER_URL needs RELAY_NODE_ADDRESS: set it to the host or IP by which clients reach this node."
    if fault := _find_file_fault(settings):
        return fault
    if importlib.util.find_spec("nats") is None:
        return "RELAY_CLUSTER_URL needs the package nats-py: install it by `pip install relay-server[cluster]`."
    return None


def _find_file_fault(settings: ClusterFields) -> str | None:
    for name in ("cluster_credentials_file", "cluster_ca_file"):
        path = getattr(settings, name)
        if path and not Path(path).is_file():
            return f"RELAY_{name.upper()} names no file: correct it or remove it."
    if settings.cluster_ca_file and not parse_url(settings.cluster_url).tls:
        return "RELAY_CLUSTER_CA_FILE is for TLS: write tls:// instead of nats:// in RELAY_CLUSTER_URL, or remove it."
    return None


def _is_server(server: SplitResult) -> bool:
    if server.netloc.split() != [server.netloc]:
        return False
    return bool(server.hostname) and not (server.path or server.query or server.fragment) and server.port != 0


def _host(server: SplitResult) -> str:
    host = server.hostname or ""
    return f"[{host}]" if ":" in host else host
