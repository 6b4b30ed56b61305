"""The facts about a machine that the doctor checks; None means unknown on this system."""

from dataclasses import dataclass

from relay_server.doctor.linux import Conntrack, Container
from relay_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that uses a port."""

    program: str
    pid: int


@dataclass(frozen=True, slots=True)
class Port:
    """One of the relay's ports, and the result of trying to open it; ``refusal`` is None if it could be opened."""

    setting: str
    kind: str
    number: int
    refusal: str | None = None
    in_use: bool = False
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports; None for those that are off."""

    tcp: Port
    udp: Port
    lobby: Port | None
    ops: Port | None
    unprivileged_from: int | None
    link: Port | None = None
    web: Port | None = None


@dataclass(frozen=True, slots=True)
class Buffers:
    """The buffer sizes that the kernel grants a socket of this user, and the maximum for users other than root."""

    receive_bytes: int
    send_bytes: int
    receive_max_bytes: int | None
    receive_default_bytes: int | None
    send_max_bytes: int | None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine on which the relay would run."""

    is_linux: bool
    is_root: bool
    ipv6: bool
    addresses: tuple[str, ...]
    open_files: int | None
    cpus: float
    udp_buffer_errors: int | None
    neighbour_wait_bytes: int | None
    conntrack: Conntrack | None


@dataclass(frozen=True, slots=True)
class RunningRelay:
    """The metrics of a running relay; ``member_addresses`` is the number of distinct ones."""

    version: str
    members: int
    member_addresses: int | None
    datagrams: int
    address_mismatches: int
    kernel_drops: int
    receive_buffer_bytes: int
    loop_lag_seconds: float
    open_files: int | None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """The certificate in the settings; if it can't be used, ``refusal`` says why, and the rest is meaningless."""

    refusal: str | None = None
    names: tuple[str, ...] = ()
    until: str = ""
    days_left: float = 0.0
    exposed_key: str | None = None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Another node that was heard, and whether this machine reaches it."""

    name: str
    address: str
    """Where clients reach it."""
    version: str
    link: str
    """Where other nodes reach it."""
    answers_clients: bool
    answers_links: bool


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What was found of the cluster; without a connection the rest is meaningless."""

    name: str
    """The name that this node has."""
    host: str
    """The host of RELAY_NODE_ADDRESS."""
    host_addresses: tuple[str, ...]
    """What it resolves to here; empty if it doesn't."""
    is_connected: bool
    reasons: tuple[str, ...] = ()
    """What NATS or its client said."""
    missing_rights: tuple[str, ...] = ()
    """What NATS didn't let this user do."""
    nodes: tuple[NodeFacts, ...] = ()
    namesakes: tuple[str, ...] = ()
    """Addresses of nodes with this one's name."""
    sharers: tuple[str, ...] = ()
    """Names of other nodes with this one's address."""
    ignored: tuple[str, ...] = ()
    """Why beats of others don't count, each reason once."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts; ``answers`` is true if a relay answers a join on the TCP port."""

    settings: Settings
    answers: bool
    relay: RunningRelay | None
    ports: Ports
    buffers: Buffers
    machine: Machine
    container: Container | None
    certificate: CertificateFacts | None = None
    cluster: ClusterFacts | None = None
    """None for a relay that is alone."""
