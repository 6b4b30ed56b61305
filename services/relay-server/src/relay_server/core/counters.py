"""What the data path counts: plain integers, read by the metrics when somebody scrapes (CON-01, CON-02)."""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from relay_server.core.receipts import Answer

DIRECTORY_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Of the histogram of directory requests, in seconds; a request that takes 0.5 s has failed."""


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
    MOVING = "moving"
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
    """What one way to chat brings and gets: whatever comes is accepted, carried or dropped (CON-01)."""

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

    carried: int = 0
    """Datagrams of members whose rooms are on other nodes, which judge them (CLU-04)."""
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


@unique
class Way(StrEnum):
    """How somebody gets into a room that another node holds."""

    FOLLOW = "follow"
    """The client joins there itself (CLU-01)."""
    EDGE = "edge"
    """This node carries it there (CLU-04)."""


@unique
class AdoptionOutcome(StrEnum):
    """What became of the attempt to be the home of a room whose home seemed to be gone."""

    ADOPTED = "adopted"
    LOST = "lost"
    """Another node was faster."""
    ALIVE = "alive"
    """The home answered a probe."""
    LATE = "late"
    """The own event loop was late, so that no answer in time proves nothing."""
    AWAY = "away"
    """The directory couldn't be asked."""


@unique
class Move(StrEnum):
    """Why a room left this node for another one."""

    YIELDED = "yielded"
    """The other node adopted it."""
    DRAINED = "drained"
    """An operator asked for it."""


@unique
class IgnoredRecord(StrEnum):
    """Why a record of the directory was ignored."""

    SEAL = "seal"
    """It wasn't written with the cluster's key."""
    FORMAT = "format"
    """Another version of the relay wrote it."""
    MALFORMED = "malformed"


@unique
class DirectoryError(StrEnum):
    """Why the directory didn't do what it was asked for."""

    AWAY = "away"
    STALE = "stale"
    """The record had changed before."""
    TAKEN = "taken"


@dataclass(slots=True)
class Durations:
    """A histogram of how long something took, without a series for each value."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(DIRECTORY_BOUNDS) + 1))
    total_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one more."""
        self.buckets[bisect_left(DIRECTORY_BOUNDS, seconds)] += 1
        self.total_seconds += seconds


@dataclass(slots=True)
class ClusterCounters:
    """What a node counts that is part of a cluster; all are 0 at a relay that is alone."""

    joins_elsewhere: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    adoptions: dict[AdoptionOutcome, int] = field(default_factory=lambda: dict.fromkeys(AdoptionOutcome, 0))
    moves: dict[Move, int] = field(default_factory=lambda: dict.fromkeys(Move, 0))
    edge_in: int = 0
    """Datagrams of carried members that were passed on to their rooms' homes."""
    edge_out: int = 0
    """Datagrams of homes that were passed on to carried members."""
    edge_failed: int = 0
    """Datagrams of either direction that the kernel refused to send."""
    records_ignored: dict[IgnoredRecord, int] = field(default_factory=lambda: dict.fromkeys(IgnoredRecord, 0))
    directory: Durations = field(default_factory=Durations)
    directory_errors: dict[DirectoryError, int] = field(default_factory=lambda: dict.fromkeys(DirectoryError, 0))
    links_refused: int = 0
    """Links that other programs opened without proof of the cluster's key, or with a malformed first line."""


HTTP_STATUSES: Final = (101, 200, 304, 307, 400, 403, 404, 405, 421, 426, 429, 431, 500, 501, 503)
"""What the web port may answer."""


@unique
class HandshakeRefusal(StrEnum):
    """Why a page got no WebSocket (WEB-03)."""

    ORIGIN = "origin"
    """It is of another site."""
    HANDSHAKE = "handshake"
    """It was no handshake of the protocol's version."""
    BUSY = "busy"
    """Too many connections are open, in all or from its address."""
    RATE = "rate"
    """Too many came from its address."""


@dataclass(slots=True)
class WebCounters:
    """What the web port counts; all are 0 where it is off."""

    statuses: dict[int, int] = field(default_factory=lambda: dict.fromkeys(HTTP_STATUSES, 0))
    """Answers by their HTTP status; 101 is a WebSocket that was opened."""
    refusals: dict[HandshakeRefusal, int] = field(default_factory=lambda: dict.fromkeys(HandshakeRefusal, 0))


@dataclass(slots=True)
class StateCounters:
    """What is counted of the state on disk (CONT-01); all are 0 where there is none."""

    writes: int = 0
    """Changes are written together, once a turn of the loop, and never for a message."""
    written_bytes: int = 0
    failures: int = 0
    renewals: int = 0
    """Times that the file was written anew."""
    restored_rooms: int = 0
    """Of the start, as the next ones."""
    restored_members: int = 0
