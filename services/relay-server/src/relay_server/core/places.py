"""Where rooms are, for a relay that is one of many nodes: what `control` asks, and a cluster answers (CLU-01)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol, TypeAlias

from chatproto import ProtocolError, Server
from relay_server.core.counters import ClusterCounters
from relay_server.core.model import Residence, Room, Session
from relay_server.core.tickets import Seat


@dataclass(frozen=True, slots=True)
class Node:
    """Another relay of the cluster, as it tells of itself."""

    name: str
    server: Server
    """Where clients reach it."""
    host: str
    """Where other nodes reach it."""
    udp_port: int
    link_port: int
    link_fingerprint: str
    """The SHA-256 of the certificate that it shows on links."""
    started_at: float
    """When it was started, in seconds since 1970: one that is started again has other certificates and no rooms."""
    draining: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room that somebody wants to create, and its host."""

    name: bytes
    host: str
    ip: bytes
    sealed: bool
    password_hash: str | None = field(default=None, repr=False)


def meeting_order(room_key: str, nodes: Iterable[Node]) -> list[Node]:
    """Return nodes in the order in which all members of a room ask them when its home is gone.

    They meet at one node, which others don't have to send them to; rooms differ, so that no node gets them all.
    """
    return sorted(nodes, key=lambda node: blake2b(f"{node.name} {room_key}".encode(), digest_size=8).digest())


Told: TypeAlias = Callable[[ProtocolError | None], None]
"""Is called once, with why it can't be, if it can't."""


class Places(Protocol):
    """Knows which node holds a room."""

    @property
    def counters(self) -> ClusterCounters:
        """What is counted of the cluster."""
        ...

    def check_new(self, room: bytes) -> None:
        """Check that a room of this name may be created, as far as is known here.

        Raises:
            RoomExistsError: another node holds one.
            BusyError: the directory can't be asked now.

        """
        ...

    def claim(self, new: NewRoom, done: Told) -> None:
        """Ask the directory for the name of a new room, which this node is to hold."""
        ...

    def residence(self, room: bytes) -> Residence:
        """Return what a room that was just claimed is known by.

        Raises:
            BusyError: another node has it already.

        """
        ...

    def release(self, room: bytes) -> None:
        """Give back the name of a room that was claimed, and not made."""
        ...

    def find(self, room: bytes, *, doubted: bool = False) -> Node | None:
        """Return the living node that holds a room which isn't here; None if none is known.

        ``doubted`` if somebody who was there comes here: then the node counts as living only if it just answered.
        """
        ...

    def look(self, room: bytes, done: Told) -> None:
        """Ask the directory for a room that isn't here and that no living node is known to hold.

        If its home is gone, this node becomes its home and makes the room. What came of it `find` and the registry
        tell afterwards. ``done`` gets a BusyError if it can't be known now; no room is no error.
        """
        ...

    def new_ticket(self, session: Session, *, encrypted: bool) -> str:
        """Write the ticket of a session, which any node can check (RES-01)."""
        ...

    def read_ticket(self, text: str) -> Seat | None:
        """Read a ticket; None if no node of this cluster wrote it, or if it is too old."""
        ...

    def servers(self, room: bytes) -> tuple[Server, ...]:
        """Return where clients of a room reach the living nodes, this one first (CLU-02)."""
        ...

    def changed(self, room: Room) -> None:
        """Take note that what is kept of a room isn't true any more."""
        ...

    def closed(self, room: Room) -> None:
        """Take note that a room of this node ended."""
        ...
