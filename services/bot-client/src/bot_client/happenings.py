"""What happens in a run, for whoever shows it; ``str()`` says it in one line."""

from dataclasses import dataclass

from bot_client.ledger import Chat
from chatproto import EvictionReason, Status


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to somebody in a chat."""

    chat: Chat
    who: str


@dataclass(frozen=True, slots=True)
class Spoken(Happening):
    """Somebody said something, and it arrived (or nobody was there to hear it)."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Entered(Happening):
    """A bot joined a chat."""

    host: bool
    server: str = ""
    """The address of the relay that it chats through; empty in the lobby."""

    def __str__(self) -> str:
        if self.chat is None:
            return f"{self.who} enters the lobby"
        return f"{self.who} creates the room and is its host" if self.host else f"{self.who} joins"


@dataclass(frozen=True, slots=True)
class Refused(Happening):
    """A bot wasn't let in."""

    status: Status

    def __str__(self) -> str:
        return f"{self.who} is refused: {self.status.message}"


@dataclass(frozen=True, slots=True)
class Left(Happening):
    """A bot left of its own will."""

    host: bool

    def __str__(self) -> str:
        return f"{self.who} leaves" + (": the host is gone, so the room closes" if self.host else "")


@dataclass(frozen=True, slots=True)
class FellSilent(Happening):
    """A bot stopped sending anything."""

    def __str__(self) -> str:
        return f"{self.who} falls silent: not even a keep-alive any more"


@dataclass(frozen=True, slots=True)
class Lost(Happening):
    """A bot lost its membership; there is no reason where the relay gave none."""

    reason: EvictionReason | None
    text: str

    def __str__(self) -> str:
        if self.reason is EvictionReason.HOST_LEFT:
            return f"{self.who} is out: the host left, so the room closed"
        if self.reason:
            return f"{self.who} is evicted ({self.reason}): {self.text}"
        return f"{self.who} lost its membership: {self.text}"


@dataclass(frozen=True, slots=True)
class WentAlong(Happening):
    """A bot's place in a room is at another server now."""

    server: str

    def __str__(self) -> str:
        return f"{self.who} is at {self.server} now"


@dataclass(frozen=True, slots=True)
class Advised(Happening):
    """The relay told a bot something in words, such as that it speaks too fast."""

    text: str

    def __str__(self) -> str:
        return f"the relay tells {self.who}: {self.text}"
