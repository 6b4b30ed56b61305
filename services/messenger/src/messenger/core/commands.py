"""What a typed line means."""

from dataclasses import dataclass
from typing import Final

from chatproto import Command as RelayCommand
from chatproto import parse_command


@dataclass(frozen=True, slots=True)
class Say:
    """Say this."""

    text: str


@dataclass(frozen=True, slots=True)
class Help:
    """Show the commands."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the room and end."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Give the relay this command."""

    text: str


@dataclass(frozen=True, slots=True)
class ChoosePassword:
    """Set a password for the room, typed unseen."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such command; nothing is sent, so that a mistyped /leave isn't said aloud."""

    word: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


Command = Say | Help | Leave | Ask | ChoosePassword | Unknown | Nothing

OWN: Final[dict[str, Command]] = {"/help": Help(), "/leave": Leave()}
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
        return Nothing()
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/"):
        return Say(line)
    if asked := parse_command(line):
        return ChoosePassword() if asked == (RelayCommand.PASSWORD, "") else Ask(line)
    word = line.split(maxsplit=1)[0]
    return OWN.get(_ALIASES.get(word, word)) or Unknown(word)
