"""The closed sets of numbers and words that stand on the wire."""

from enum import IntEnum, StrEnum, unique
from typing import Final


@unique
class Operation(IntEnum):
    """What a TCRP request asks for (TCP-04)."""

    CREATE = 1
    JOIN = 2


@unique
class State(IntEnum):
    """Where a TCRP transaction stands (TCP-04)."""

    REQUEST = 0
    REPLY = 1
    COMPLETION = 2


@unique
class Status(IntEnum):
    """How the relay answers a request (TCP-10); always below 0x80, for clients that decode it as text."""

    OK = 0
    ROOM_EXISTS = 1
    NO_SUCH_ROOM = 2
    WRONG_PASSWORD = 3
    NAME_TAKEN = 4
    BAD_NAME = 5
    ROOM_FULL = 6
    TOO_MANY = 7
    MALFORMED = 8
    PAYLOAD_TOO_LARGE = 9
    NOT_SUPPORTED = 10
    BUSY = 11
    SHUTTING_DOWN = 12

    @property
    def reason(self) -> str:
        """Name the status as JSON replies, logs and metrics do, such as ``no_such_room``."""
        return self.name.lower()

    @property
    def message(self) -> str:
        """Say in one sentence what the status means to a person."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.OK: "Welcome.",
    Status.ROOM_EXISTS: "A room of this name exists already: join it or choose another name.",
    Status.NO_SUCH_ROOM: "There is no room of this name: create it or check the spelling.",
    Status.WRONG_PASSWORD: "The password is wrong.",
    Status.NAME_TAKEN: "Somebody in the room has this name or one that looks like it: choose another.",
    Status.BAD_NAME: "The name can't be used: it is empty, too long, not UTF-8, reserved, banned or not printable.",
    Status.ROOM_FULL: "The room is full.",
    Status.TOO_MANY: "The relay takes no more rooms or members, from this address or at all.",
    Status.MALFORMED: "The request isn't one that the protocol knows.",
    Status.PAYLOAD_TOO_LARGE: "The request's payload is larger than the relay takes.",
    Status.NOT_SUPPORTED: "The relay doesn't support this.",
    Status.BUSY: "The relay is busy: try again in a moment.",
    Status.SHUTTING_DOWN: "The relay is shutting down.",
}


BANNED: Final = "The host of this room has banned you."
"""What status 5 and the reason `kicked` mean to who is banned (MOD-04)."""


@unique
class Feature(StrEnum):
    """What a client may ask for beyond the plain protocol, and a relay may grant (FEAT-01)."""

    NOTICES = "notices"
    """The relay's notices come as JSON objects (FEAT-03)."""
    RECEIPTS = "receipts"
    """The relay answers messages that have a number (RCP-01)."""


@unique
class EvictionReason(StrEnum):
    """Why a member lost its place without asking (EVI-05); the word stands in notices and metrics."""

    SILENCE = "silence"
    UNREACHABLE = "unreachable"
    ABUSE = "abuse"
    NEVER_CONNECTED = "never_connected"
    EXPIRED = "expired"
    KICKED = "kicked"
    HOST_LEFT = "host_left"
    SHUTDOWN = "shutdown"

    @property
    def message(self) -> str:
        """Say in one sentence what the reason means to the person it befell."""
        return _EVICTION_MESSAGES[self]


_EVICTION_MESSAGES = {
    EvictionReason.SILENCE: "Nothing was heard from you for too long.",
    EvictionReason.UNREACHABLE: "Messages to you came back as undeliverable.",
    EvictionReason.ABUSE: "You went over the limits again and again.",
    EvictionReason.NEVER_CONNECTED: "Your place was reserved, but you never spoke over UDP.",
    EvictionReason.EXPIRED: "Your session was long, and you didn't answer whether you still hear: join again.",
    EvictionReason.KICKED: "The host removed you.",
    EvictionReason.HOST_LEFT: "The host left, so the room closed.",
    EvictionReason.SHUTDOWN: "The relay is shutting down.",
}
