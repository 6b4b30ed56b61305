"""What the relay says by itself: messages that begin with ``server: `` (UDP-09, UDP-10, EVI-02)."""

import re
from dataclasses import dataclass
from typing import Final

from chatproto.codes import EvictionReason

SERVER_NAME: Final = "server"
SERVER_PREFIX: Final = "server: "
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
class Advice:
    """Anything else the relay says, such as that a message was too long."""

    text: str

    def __str__(self) -> str:
        return self.text


Notice = Disconnected | MemberJoined | MemberLeft | MemberEvicted | Challenge | Advice

_REASONS = "|".join(EvictionReason)
_DISCONNECTED = re.compile(rf"disconnected: ({_REASONS})")
_EVICTED = re.compile(rf"(.+) was disconnected: ({_REASONS})")
_JOINED = re.compile(r"(.+) joined")
_LEFT = re.compile(r"(.+) left")
_CHALLENGE = re.compile(rf"can you hear me\? {_ANSWER}([0-9a-f]{{16}})")
_ANSWERS = re.compile(rf"{_ANSWER}[0-9a-f]{{16}}".encode())


def encode_notice(notice: Notice) -> bytes:
    """Write a notice as the message that members receive."""
    return f"{SERVER_PREFIX}{notice}".encode()


def parse_notice(message: str) -> Notice | None:
    """Read a message as a notice; None if a member said it."""
    if not message.startswith(SERVER_PREFIX):
        return None
    text = message.removeprefix(SERVER_PREFIX)
    if found := _DISCONNECTED.fullmatch(text):
        return Disconnected(EvictionReason(found[1]))
    if found := _EVICTED.fullmatch(text):
        return MemberEvicted(found[1], EvictionReason(found[2]))
    if found := _JOINED.fullmatch(text):
        return MemberJoined(found[1])
    if found := _LEFT.fullmatch(text):
        return MemberLeft(found[1])
    if found := _CHALLENGE.fullmatch(text):
        return Challenge(found[1])
    return Advice(text)


def is_answer(message: bytes) -> bool:
    """Tell whether a message answers a challenge, and so is for the relay alone (UDP-12)."""
    return _ANSWERS.fullmatch(message) is not None
