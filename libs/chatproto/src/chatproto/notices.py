"""What the relay says by itself, as facts: messages that begin with ``server: `` (UDP-09, UDP-10, EVI-02, FEAT-03).

``str()`` of a notice is the text that plain members read after ``server: ``. Members that have the feature `notices`
get its fields instead, under the word ``KIND``; see `notice_codec`. What commands bring about stands in `outcomes`,
lists in `lists`.
"""

import re
from dataclasses import dataclass
from enum import unique
from typing import ClassVar, Final, TypeAlias

from chatproto.codes import N_, EvictionReason, Worded
from chatproto.lists import BanList, MemberList
from chatproto.outcomes import CommandDone, CommandFailed
from chatproto.refusals import RefusalCode

SERVER_NAME: Final = "server"
SERVER_PREFIX: Final = "server: "
PASSWORD_SET: Final = N_(
    "The room has a new password. It came over UDP, in the clear: whoever listens on the way knows it."
)
"""What a host is told when its room has a new password (MOD-08)."""
PASSWORD_REMOVED: Final = N_("The room has no password any more.")
ANSWER: Final = "/here "
"""What the answer to a challenge begins with (UDP-12)."""
_ANSWERS = re.compile(rf"{ANSWER}[0-9a-f]{{16}}".encode())

_SLOW_DOWN: Final = N_("slow down: some of your messages were not relayed")


@unique
class NotRelayed(Worded):
    """Why a member's own message was not relayed, where the member is told so; the word is the metrics' one, too."""

    TOO_LONG = "too_long", N_("message too long by {bytes} bytes: it was not relayed")
    MESSAGE_RATE = "message_rate", _SLOW_DOWN
    BYTE_RATE = "byte_rate", _SLOW_DOWN
    COPY_RATE = "copy_rate", _SLOW_DOWN
    MUTED = "muted", N_("You are muted: what you say is not relayed.")
    NOT_SEALED = "not_sealed", N_("The room is sealed, but your message wasn't: it was not relayed.")


@dataclass(frozen=True, slots=True)
class Disconnected:
    """You lost your place: the token is dead, join again to go on (EVI-02)."""

    KIND: ClassVar = "disconnected"

    reason: EvictionReason
    banned: bool = False
    """Whether the host lets you in no more (MOD-04); prose doesn't tell."""

    def __str__(self) -> str:
        return f"disconnected: {self.reason}"

    @property
    def message(self) -> str:
        """Say it in a sentence to the person it befell."""
        return (RefusalCode.BANNED if self.banned else self.reason).message


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody came into the room."""

    KIND: ClassVar = "member_joined"

    name: str

    def __str__(self) -> str:
        return f"{self.name} joined"


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody left the room."""

    KIND: ClassVar = "member_left"

    name: str

    def __str__(self) -> str:
        return f"{self.name} left"


@dataclass(frozen=True, slots=True)
class MemberEvicted:
    """Somebody lost their place in the room."""

    KIND: ClassVar = "member_evicted"

    name: str
    reason: EvictionReason

    def __str__(self) -> str:
        return f"{self.name} was disconnected: {self.reason}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Are you there? Only your address hears this nonce, of 16 hexadecimal digits (EVI-03)."""

    KIND: ClassVar = "challenge"

    nonce: str

    def __str__(self) -> str:
        return f"can you hear me? {ANSWER}{self.nonce}"

    @property
    def answer(self) -> bytes:
        """The message that answers it (UDP-12)."""
        return f"{ANSWER}{self.nonce}".encode()


@dataclass(frozen=True, slots=True)
class HostChanged:
    """Somebody else is the room's host from now on (MOD-06)."""

    KIND: ClassVar = "host_changed"

    name: str

    def __str__(self) -> str:
        return f"{self.name} is the host now"


@dataclass(frozen=True, slots=True)
class Topic:
    """What the room is about, empty if nothing is set: told when it changes, and to who comes in or asks (MOD-07)."""

    KIND: ClassVar = "topic"

    text: str

    def __str__(self) -> str:
        return f"topic: {self.text}" if self.text else "no topic"


@dataclass(frozen=True, slots=True)
class PasswordState:
    """Whether the room has a password: told to the host who asks or changes it (MOD-08)."""

    KIND: ClassVar = "password"

    set: bool
    changed: bool = False
    """Whether the host has just changed it."""

    def __str__(self) -> str:
        if self.changed:
            return PASSWORD_SET if self.set else PASSWORD_REMOVED
        if self.set:
            return N_("The room has a password: /password NEW sets one, /password - removes it.")
        return N_("The room has no password: /password NEW sets one, /password - removes it.")


@dataclass(frozen=True, slots=True)
class Muted:
    """The host muted you (MOD-05)."""

    KIND: ClassVar = "muted"

    def __str__(self) -> str:
        return N_("The host muted you: what you say is not relayed.")


@dataclass(frozen=True, slots=True)
class Unmuted:
    """The host muted you before, and doesn't any more (MOD-05)."""

    KIND: ClassVar = "unmuted"

    def __str__(self) -> str:
        return N_("You may speak again.")


@dataclass(frozen=True, slots=True)
class MessageDropped:
    """A message of yours was not relayed (UDP-06, LIM-01, MOD-05)."""

    KIND: ClassVar = "dropped"

    reason: NotRelayed
    over_bytes: int = 0
    """By how many bytes it is too long, if that is the reason."""

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """Say it in a sentence."""
        return self.reason.message.format(bytes=self.over_bytes)


@dataclass(frozen=True, slots=True)
class Said:
    """Your message of this number was taken, now or before (RCP-01); `receipts.encode_receipt` writes it."""

    KIND: ClassVar = "said"

    n: int


@dataclass(frozen=True, slots=True)
class NotSaid:
    """Your message of this number was not taken (RCP-01)."""

    KIND: ClassVar = "not_said"

    n: int
    reason: str
    """A word of `NotRelayed`, or another."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence to read, of which nothing more is known: what another relay says, or a newer one."""

    KIND: ClassVar = "advice"

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class UnknownNotice:
    """A notice of a kind that this library doesn't know, or one that can't be read: ignore it (FEAT-03)."""

    kind: str = ""


RoomNotice: TypeAlias = MemberJoined | MemberLeft | MemberEvicted | HostChanged | Topic
"""What the relay tells everybody in a room."""
PersonalNotice: TypeAlias = (
    MemberList | BanList | CommandDone | CommandFailed | MessageDropped | Muted | Unmuted | PasswordState | Advice
)
"""What the relay tells one member alone, to be read by a person."""
Notice: TypeAlias = RoomNotice | PersonalNotice | Disconnected | Challenge | Said | NotSaid
"""Everything that a relay says by itself."""


def is_answer(message: bytes) -> bool:
    """Tell whether a message answers a challenge, and so is for the relay alone (UDP-12)."""
    return _ANSWERS.fullmatch(message) is not None
