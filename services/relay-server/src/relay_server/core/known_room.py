"""What a node knows of one room of its cluster, and what is going on about it."""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Generic, NamedTuple

from relay_server.core.home_actions import Call, Waiter
from relay_server.core.records import RoomRecord


class Tenancy(NamedTuple):
    """What a room's record says if nobody but this node, before it was started again, was its home."""

    room: bytes
    first_seat: int
    term: int
    since: float
    """When that run of the node was started, in seconds since 1970."""

    def is_of(self, record: RoomRecord, node: str) -> bool:
        """Tell whether a record still says so, of a node of this name."""
        theirs = record.home, record.home_since, record.first_seat, record.term
        return theirs == (node, self.since, self.first_seat, self.term)


class Purpose(Enum):
    """Why a record is written."""

    KEEP = auto()
    """The room is here, and another than its record says."""
    CLAIM = auto()
    """It is to be created here."""
    ADOPT = auto()
    """Its home is gone, and this node is to be it."""
    TAKE = auto()
    """This node was made its home."""
    RECLAIM = auto()
    """This node was its home before it was started again, and still has its members."""


@dataclass(slots=True, eq=False)
class KnownRoom(Generic[Waiter]):
    """A room as the directory tells it, what this node has of it, and who waits for it."""

    key: str
    record: RoomRecord | None = None
    readable: bool = True
    """False if there is a record that can't be read; `record` is None then."""
    revision: int = 0
    """The record's, or the greatest one known of this key if there is none."""
    watched: int = 0
    """The newest revision that came by itself: nothing older comes after it."""
    listed: bool = True
    """Whether `revision` is one of this connection: a directory that lost writes may give their numbers again."""
    sure: bool = True
    """False if the directory is to be asked before anything is done."""
    mine: RoomRecord | None = None
    """What the record of a room that is here is to be."""
    giving: RoomRecord | None = None
    """The same, if another node is to be its home."""
    reclaims: Tenancy | None = None
    """Under which the room is to be this node's again; None if it isn't, or is already."""
    closing: bool = False
    """Whether the room was here and ended, and its record isn't known to be gone."""
    forgets: bool = False
    """Whether its home has been silent for so long that the record is to be deleted, if it is gone."""
    call: Call | None = None
    """The one that is under way."""
    revision_before: int = 0
    """What `revision` was when it began: if it is greater by now, the answer to a question may be old news."""
    purpose: Purpose = Purpose.KEEP
    """Of a write that is under way."""
    failures: int = 0
    """How many writes in a row were too late."""
    claims: deque[tuple[RoomRecord, Waiter]] = field(default_factory=deque)
    lookers: list[Waiter] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that isn't true of every room that doesn't exist."""
        is_there = self.record is not None or not self.readable or self.mine is not None
        is_busy = self.closing or self.is_waited_for or self.call is not None or not self.sure
        is_busy = is_busy or self.reclaims is not None
        return is_there or is_busy or self.watched < self.revision

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody is to be told something of it."""
        return bool(self.claims or self.lookers)

    def show(self, revision: int, record: RoomRecord | None, *, readable: bool = True) -> None:
        """Take what the directory has."""
        self.revision, self.record, self.readable, self.listed = revision, record, readable, True
        self.forgets = False


def is_same_room(one: RoomRecord, other: RoomRecord) -> bool:
    """Tell whether two records say the same, however often they were written."""
    return replace(one, changes=0) == replace(other, changes=0)


def rank_of(record: RoomRecord) -> tuple[int, int]:
    """Return what decides between two homes of one name: the room that was made later, and of one room the term."""
    return record.first_seat, record.term
