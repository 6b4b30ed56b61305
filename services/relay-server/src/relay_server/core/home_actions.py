"""What a node's `homes.Homes` wants to be done, and what it is told of it."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeAlias, TypeVar

from relay_server.core.counters import Move
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord

Waiter = TypeVar("Waiter")


@dataclass(frozen=True, slots=True, eq=False)
class Create:
    """Write a record whose key isn't there."""

    key: str
    record: RoomRecord


@dataclass(frozen=True, slots=True, eq=False)
class Put:
    """Write a record, if the key's newest revision is this one."""

    key: str
    record: RoomRecord
    revision: int


@dataclass(frozen=True, slots=True, eq=False)
class Get:
    """Read a record."""

    key: str


@dataclass(frozen=True, slots=True, eq=False)
class Delete:
    """Delete a record, if the key's newest revision is this one."""

    key: str
    revision: int


Call: TypeAlias = Create | Put | Get | Delete
"""A call of the directory. Of each key one is under way at a time, and each is answered once."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a `Get` found."""

    revision: int
    record: RoomRecord | None
    """None if it can't be read: its seal or its form is wrong."""


class CallFailure(Enum):
    """Why a call of the directory came to nothing."""

    STALE = auto()
    TAKEN = auto()
    AWAY = auto()
    """No answer came: whether a write took place isn't known."""


@dataclass(frozen=True, slots=True, eq=False)
class AskOverBus:
    """Ask a node whether it is there, over the directory's bus."""

    node: str


class BusFailure(Enum):
    """Why a node didn't answer over the bus."""

    GONE = auto()
    """It isn't on the bus."""
    SILENT = auto()
    AWAY = auto()
    """The directory isn't reached."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeDirectly:
    """Ask a node over a link of its own whether it is there; it has so many seconds."""

    node: Node
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenRoom:
    """Be the home of a room from now on, as its record tells (see `returning.Returning.open_room`)."""

    record: RoomRecord


@dataclass(frozen=True, slots=True, eq=False)
class CloseRoom:
    """Close this node's copy of a room that another node holds now; members are told that it moved."""

    room: bytes
    to: str
    """The name of that node."""
    reason: Move


@dataclass(frozen=True, slots=True, eq=False)
class ForgetRoom:
    """Forget who was in a room before this node was started again: it isn't this node's any more."""

    room: bytes


class Outcome(Enum):
    """What came of a question about a room."""

    READY = auto()
    """The room is here, its home lives, or its name is this node's: look again."""
    NOBODY = auto()
    """There is no such room."""
    TAKEN = auto()
    """There is such a room."""
    AWAY = auto()
    """The directory isn't reached."""
    BUSY = auto()
    """It can't be known or done now, but in a moment."""


@dataclass(frozen=True, slots=True, eq=False)
class Tell(Generic[Waiter]):
    """Answer who asked about a room, or claimed its name; each is answered once."""

    waiter: Waiter
    outcome: Outcome


Action: TypeAlias = Call | AskOverBus | ProbeDirectly | OpenRoom | CloseRoom | ForgetRoom | Tell[Waiter]
