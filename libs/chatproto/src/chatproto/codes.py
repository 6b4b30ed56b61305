"""The closed sets of numbers and words that stand on the wire."""

from enum import IntEnum, StrEnum, unique
from typing import Self


def N_(text: str) -> str:  # noqa: N802 - so translators' tools know it
    """Mark a sentence that front ends look up in their translations as it stands here."""
    return text


@unique
class Operation(IntEnum):
    """What a TCRP request asks for (TCP-04)."""

    CREATE = 1
    JOIN = 2
    LIST = 4
    """Which rooms there are (LIST-01); 3 stays free, for it would look like the beginning of TLS (TCP-12)."""


@unique
class State(IntEnum):
    """Where a TCRP transaction stands (TCP-04)."""

    REQUEST = 0
    REPLY = 1
    COMPLETION = 2


@unique
class Status(IntEnum):
    """How the relay answers a request (TCP-10); always below 0x80, for clients that decode it as text."""

    message: str
    """What the status means to a person, in one sentence."""

    OK = 0, "Welcome."
    ROOM_EXISTS = 1, "A room of this name exists already: join it or choose another name."
    NO_SUCH_ROOM = 2, "There is no room of this name: create it or check the spelling."
    WRONG_PASSWORD = 3, "The password is wrong."
    NAME_TAKEN = 4, "Somebody in the room has this name or one that looks like it: choose another."
    BAD_NAME = 5, "The name can't be used: it is empty, too long, not UTF-8, reserved, banned or not printable."
    ROOM_FULL = 6, "The room is full."
    TOO_MANY = 7, "The relay takes no more rooms or members, from this address or at all."
    MALFORMED = 8, "The request isn't one that the protocol knows."
    PAYLOAD_TOO_LARGE = 9, "The request's payload is larger than the relay takes."
    NOT_SUPPORTED = 10, "The relay doesn't support this."
    BUSY = 11, "The relay is busy: try again in a moment."
    SHUTTING_DOWN = 12, "The relay is shutting down."
    SEALED = 13, "The room is sealed: join it by an invitation that has its key."
    ELSEWHERE = 14, "The room is on another node: join it there."
    NO_SEAT = 15, "The ticket is good for no seat: join again."

    def __new__(cls, code: int, message: str = "") -> Self:
        """Take the number on the wire and its sentence."""
        status = int.__new__(cls, code)
        status._value_ = code
        status.message = message
        return status

    @property
    def reason(self) -> str:
        """Name the status as JSON replies, logs and metrics do, such as ``no_such_room``."""
        return self.name.lower()


class Worded(StrEnum):
    """A word on the wire that has a sentence for people."""

    message: str
    """The sentence; it may have fields to fill in, such as ``{name}``."""

    def __new__(cls, word: str, message: str = "") -> Self:
        """Take the word and its sentence."""
        worded = str.__new__(cls, word)
        worded._value_ = word
        worded.message = message
        return worded


@unique
class Feature(StrEnum):
    """What a client may ask for beyond the plain protocol, and a relay may grant (FEAT-01)."""

    NOTICES = "notices"
    """The relay's notices come as JSON objects (FEAT-03), and refusals have a code (FEAT-04)."""
    RECEIPTS = "receipts"
    """The relay answers messages that have a number (RCP-01)."""
    RESUME = "resume"
    """The relay gives a ticket, by which a member takes its own seat again (RES-01)."""
    SEALED = "sealed"
    """The client takes part in rooms whose texts the relay can't read (SEAL-03)."""
    FOLLOW = "follow"
    """The client joins at another node where it is sent to (CLU-01)."""


@unique
class EvictionReason(Worded):
    """Why a member lost its place without asking (EVI-05), or its session to its own newer one (RES-05)."""

    SILENCE = "silence", "Nothing was heard from you for too long."
    UNREACHABLE = "unreachable", "Messages to you came back as undeliverable."
    ABUSE = "abuse", "You went over the limits again and again."
    NEVER_CONNECTED = "never_connected", "Your place was reserved, but you never spoke over UDP."
    EXPIRED = "expired", "Your session was long, and you didn't answer whether you still hear: join again."
    KICKED = "kicked", "The host removed you."
    HOST_LEFT = "host_left", "The host left, so the room closed."
    SHUTDOWN = "shutdown", "The relay is shutting down."
    RESUMED_ELSEWHERE = "resumed_elsewhere", "Your place was taken over by another connection of yours."
    MOVED = "moved", "The room is on another node now: take your place again there."
