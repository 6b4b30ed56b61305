"""What a typed line means."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chatproto import Command as RelayCommand
from chatproto import parse_command


class Submitted(Enum):
    """What became of a line that was typed, or what it asks of the front end."""

    DONE = auto()
    KEPT = auto()
    """It wasn't sent, and should go on standing where it was typed; a line of the history says why."""
    HELP = auto()
    """Show the commands."""
    LEAVE = auto()
    """Leave the room."""
    CHOOSE_PASSWORD = auto()
    """Ask unseen for a new password for the room, see `Conversation.choose_password`."""


@dataclass(frozen=True, slots=True)
class Say:
    """Say this."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Give the relay this command."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such command; nothing is sent, so that a mistyped /leave isn't said aloud."""

    word: str


Command = Say | Ask | Unknown | Submitted
"""What to do with a line; nothing more where it is done, as an empty one is, or is for the front end."""

OWN: Final = {"/help": Submitted.HELP, "/leave": Submitted.LEAVE}
"""What the program does itself, whatever the relay obeys."""
_ALIASES: Final = {"/quit": "/leave", "/exit": "/leave"}

BYTE_ORDER_MARK: Final = "\ufeff"
"""Begins what was copied out of some files, and nobody sees it: a command behind it would be said aloud."""


def is_secret(line: str) -> bool:
    """Tell whether a typed line holds a password."""
    asked = parse_command(line.removeprefix(BYTE_ORDER_MARK))
    return asked is not None and asked[0] is RelayCommand.PASSWORD


def interpret(line: str) -> Command:
    """Read a typed line."""
    line = line.removeprefix(BYTE_ORDER_MARK)
    if not line.strip():
        return Submitted.DONE
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/"):
        return Say(line)
    if asked := parse_command(line):
        return Submitted.CHOOSE_PASSWORD if asked == (RelayCommand.PASSWORD, "") else Ask(line)
    word = line.split(maxsplit=1)[0]
    return OWN.get(_ALIASES.get(word, word)) or Unknown(word)
