"""What the relay says by itself: messages that begin with ``server: `` (UDP-09, UDP-10, EVI-02)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatproto.codes import EvictionReason

SERVER_NAME: Final = "server"
SERVER_PREFIX: Final = "server: "
PASSWORD_SET: Final = (
    "The room has a new password. It came over UDP, in the clear: whoever listens on the way knows it."  # noqa: S105
)
"""What a host is told when its room has a new password (MOD-08)."""
PASSWORD_REMOVED: Final = "The room has no password any more."  # noqa: S105
_ANSWER: Final = "/here "


@dataclass(frozen=True, slots=True)
class Disconnected:
    """You lost your place: the token is dead, join again to go on (EVI-02)."""

    reason: EvictionReason

    def __str__(self) -> str:
        return f"disconnected: {self.reason}"


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody came into the room."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} joined"


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody left the room."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} left"


@dataclass(frozen=True, slots=True)
class MemberEvicted:
    """Somebody lost their place in the room."""

    name: str
    reason: EvictionReason

    def __str__(self) -> str:
        return f"{self.name} was disconnected: {self.reason}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Are you there? Only your address hears this nonce, of 16 hexadecimal digits (EVI-03)."""

    nonce: str

    def __str__(self) -> str:
        return f"can you hear me? {_ANSWER}{self.nonce}"

    @property
    def answer(self) -> bytes:
        """The message that answers it (UDP-12)."""
        return f"{_ANSWER}{self.nonce}".encode()


@dataclass(frozen=True, slots=True)
class HostChanged:
    """Somebody else is the room's host from now on (MOD-06)."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} is the host now"


@dataclass(frozen=True, slots=True)
class Topic:
    """What the room is about, empty if nothing is set: told when it changes, and to who comes in or asks (MOD-07)."""

    text: str

    def __str__(self) -> str:
        return f"topic: {self.text}" if self.text else "no topic"


@dataclass(frozen=True, slots=True)
class Advice:
    """Anything else the relay says, such as that a message was too long."""

    text: str

    def __str__(self) -> str:
        return self.text


Notice = Disconnected | MemberJoined | MemberLeft | MemberEvicted | HostChanged | Topic | Challenge | Advice

_REASONS = "|".join(EvictionReason)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Notice]], ...] = (
    # A topic comes first, for it may read like any other.
    (re.compile(r"topic: (.+)|no topic"), lambda found: Topic(found[1] or "")),
    (re.compile(rf"disconnected: ({_REASONS})"), lambda found: Disconnected(EvictionReason(found[1]))),
    (
        re.compile(rf"(.+) was disconnected: ({_REASONS})"),
        lambda found: MemberEvicted(found[1], EvictionReason(found[2])),
    ),
    (re.compile(r"(.+) joined"), lambda found: MemberJoined(found[1])),
    (re.compile(r"(.+) left"), lambda found: MemberLeft(found[1])),
    (re.compile(r"(.+) is the host now"), lambda found: HostChanged(found[1])),
    (re.compile(rf"can you hear me\? {_ANSWER}([0-9a-f]{{16}})"), lambda found: Challenge(found[1])),
)
_ANSWERS = re.compile(rf"{_ANSWER}[0-9a-f]{{16}}".encode())


def encode_notice(notice: Notice) -> bytes:
    """Write a notice as the message that members receive."""
    return f"{SERVER_PREFIX}{notice}".encode()


def parse_notice(message: str) -> Notice | None:
    """Read a message as a notice; None if a member said it."""
    if not message.startswith(SERVER_PREFIX):
        return None
    text = message.removeprefix(SERVER_PREFIX)
    for form, notice_of in _FORMS:
        if found := form.fullmatch(text):
            return notice_of(found)
    return Advice(text)


def is_answer(message: bytes) -> bool:
    """Tell whether a message answers a challenge, and so is for the relay alone (UDP-12)."""
    return _ANSWERS.fullmatch(message) is not None
