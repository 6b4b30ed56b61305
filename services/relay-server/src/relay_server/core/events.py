"""Facts that the core tells its observer; metrics and logs listen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chatproto import Command, EvictionReason


@dataclass(frozen=True, slots=True)
class RoomCreated:
    """A room came to be."""

    room: str


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """A room ended; the reason is what became of its host."""

    room: str
    reason: EvictionReason


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A member got a place and a token."""

    room: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberResumed:
    """A member took its own seat again, by a ticket (RES-01)."""

    room: str
    name: str
    moved: bool
    """Whether from another IP address."""


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A member left by its own wish."""

    room: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberEvicted:
    """A member lost its place."""

    room: str
    name: str
    reason: EvictionReason


@dataclass(frozen=True, slots=True)
class LobbyClientEvicted:
    """A client of the lobby was forgotten."""

    name: str
    reason: EvictionReason


@dataclass(frozen=True, slots=True)
class CommandObeyed:
    """A host's command was carried out (MOD-01)."""

    room: str
    command: Command


Event: TypeAlias = (
    RoomCreated
    | RoomClosed
    | MemberJoined
    | MemberResumed
    | MemberLeft
    | MemberEvicted
    | LobbyClientEvicted
    | CommandObeyed
)
Observer: TypeAlias = Callable[[Event], None]
