"""What a membership tells its user, one typed event at a time."""

from dataclasses import dataclass
from enum import StrEnum, unique

from chatproto import (
    Advice,
    Disconnected,
    EvictionReason,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Status,
    Topic,
)


@dataclass(frozen=True, slots=True)
class Message:
    """Somebody said something; ``sender`` and ``text`` are harmless to show in one line (UDP-05, UDP-11)."""

    sender: str | None
    """Who said it; None if the relay attributes nothing."""
    text: str
    raw: bytes
    """The datagram as it came, not made harmless."""
    received_at: float
    """When it came, in the driver's monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Joined:
    """You are a member now."""

    room: str | None
    """The room's name; None in the lobby."""
    name: str
    host: bool
    max_message_bytes: int
    silence_timeout_seconds: float | None
    """After how much silence the relay evicts; None if it didn't say."""


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The old membership was dead and this is a new one; you may have missed messages."""

    host: bool
    was_host: bool
    """You were the host before; if ``host`` is false, somebody else created the room anew."""
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """The relay answers again and the membership never died."""


@dataclass(frozen=True, slots=True)
class Rebound:
    """Nothing was heard for long, so the client speaks from a new local port from now on."""


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The membership is lost or the relay is away; the next attempt comes after a delay."""

    reason: str
    delay_seconds: float
    attempt: int
    """Counted from 1."""


@unique
class EndReason(StrEnum):
    """Why a membership is over for good."""

    LEFT = "left"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    EVICTED = "evicted"
    ROOM_CLOSED = "room_closed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The membership is over for good; always the last event."""

    reason: EndReason
    text: str
    """One sentence for a person."""
    status: Status | None = None
    """What the relay answered to the last request, if it refused."""
    eviction: EvictionReason | None = None
    """Why the relay took the place away, if it did."""


Event = (
    Message
    | MemberJoined
    | MemberLeft
    | MemberEvicted
    | HostChanged
    | Topic
    | Advice
    | Joined
    | Rejoined
    | Recovered
    | Rebound
    | Disconnected
    | Reconnecting
    | Ended
)
