"""What the data path counts: plain integers, read by the metrics when somebody scrapes (CON-01, CON-02)."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum, unique

from relay_server.core.receipts import Answer


@unique
class DropReason(StrEnum):
    """Why a datagram was dropped in silence."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNANSWERABLE = "unanswerable"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a label
    GUESSING = "guessing"
    ROOM_MISMATCH = "room_mismatch"
    ADDRESS_MISMATCH = "address_mismatch"
    MESSAGE_RATE = "message_rate"
    BYTE_RATE = "byte_rate"
    COPY_RATE = "copy_rate"
    INVALID_UTF8 = "invalid_utf8"
    MUTED = "muted"
    NOT_SEALED = "not_sealed"
    RESERVED_NAME = "reserved_name"
    TOO_LONG = "too_long"
    STALE = "stale"
    TOO_MANY = "too_many"


@unique
class SendFailure(StrEnum):
    """Why a copy of a message could not be handed to the kernel."""

    BUFFER_FULL = "buffer_full"
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"
    OTHER = "other"


@unique
class StreamFailure(StrEnum):
    """Why a stream wasn't handed a message that was meant for it."""

    CLOSED = "closed"
    """The connection ended before."""
    SLOW = "slow"
    """It was cut, for it left too much unread."""
    GONE = "gone"
    """The ring kept it no more."""


@unique
class StreamCut(StrEnum):
    """Why the relay cut a stream for what its client did; the word is the ``bye``'s reason (STR-03)."""

    MALFORMED = "malformed"
    SLOW = "slow"
    UNANSWERED = "unanswered"


@unique
class Resumption(StrEnum):
    """What became of who wanted a seat again; the word is the metrics' label."""

    RESUMED = "resumed"
    MOVED = "moved"
    """From another IP address."""
    REPEATED = "repeated"
    """The same attempt once more, be it of a resume or of a join: the same answer."""
    NO_SEAT = "no_seat"
    """The ticket is good for nothing."""
    CONTESTED = "contested"
    """Somebody still is at the seat's old address."""
    REFUSED = "refused"
    """A ban or a cap keeps the new address out."""


@dataclass(slots=True)
class Traffic:
    """What one way to chat brings and gets: whatever comes is accepted or dropped (CON-01)."""

    received: int = 0
    """Datagrams, or messages of streams; commands among them."""
    accepted: int = 0
    bytes_received: int = 0
    sent: int = 0
    """Copies of messages that were handed on (CON-02)."""
    dropped: dict[DropReason, int] = field(default_factory=lambda: dict.fromkeys(DropReason, 0))
    fanout: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """How many messages went to each number of listeners on this way, whoever said them."""


@dataclass(slots=True)
class Counters(Traffic):
    """Counts of datagrams of one kind of chat: the rooms' or the lobby's."""

    bytes_sent: int = 0
    notices_sent: int = 0
    notice_failures: int = 0
    address_changes: int = 0
    challenges: int = 0
    answers: dict[Answer, int] = field(default_factory=lambda: dict.fromkeys(Answer, 0))
    """To messages that have a number (RCP-01)."""
    resumptions: dict[Resumption, int] = field(default_factory=lambda: dict.fromkeys(Resumption, 0))
    """Of seats (RES-01)."""
    send_failures: dict[SendFailure, int] = field(default_factory=lambda: dict.fromkeys(SendFailure, 0))


@dataclass(slots=True)
class StreamCounters(Traffic):
    """Counts of streams, apart from datagrams (STR-08); replays don't count as sent."""

    repeated: int = 0
    """Of the accepted messages, those that were said before."""
    replayed: int = 0
    gone: int = 0
    """Entries that readers were told are kept no more."""
    send_failures: dict[StreamFailure, int] = field(default_factory=lambda: dict.fromkeys(StreamFailure, 0))
    cuts: dict[StreamCut, int] = field(default_factory=lambda: dict.fromkeys(StreamCut, 0))
