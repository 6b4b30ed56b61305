"""What a typed line means."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chatproto import Command as RelayCommand
from chatproto import parse_command
from chatproto.commands import LEAVE_WORDS


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
class Ignore:
    """Show no more of what somebody says."""

    name: str


@dataclass(frozen=True, slots=True)
class Unignore:
    """Show again what somebody says."""

    name: str


@dataclass(frozen=True, slots=True)
class Export:
    """Save what was said in a file."""

    file: str
    """Empty to be asked."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Find the room again under a name."""

    name: str
    """Empty for the room's own, or a dash for none any more."""


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


Command = Say | Help | Leave | Ignore | Unignore | Export | Bookmark | Ask | ChoosePassword | Unknown | Nothing


class Submitted(Enum):
    """What became of a line that was typed."""

    DONE = auto()
    KEPT = auto()
    """It wasn't sent, and should go on standing where it was typed; a line of the history says why."""
    MISTYPED = auto()
    """Kept too, but it is to be typed anew."""
    HELP = auto()
    """Show the commands."""
    LEAVE = auto()
    """Leave the room."""
    EXPORT = auto()
    """Save what was said in a file, see `Export`."""
    BOOKMARK = auto()
    """Give the place a name, see `Bookmark`."""
    CHOOSE_PASSWORD = auto()
    """Ask unseen for a new password for the room, see `ChoosePassword`."""


LEFT_TO_FRONT_ENDS: Final = {
    Help: Submitted.HELP,
    Leave: Submitted.LEAVE,
    Export: Submitted.EXPORT,
    Bookmark: Submitted.BOOKMARK,
}
"""What only a front end can do."""

OWN: Final[dict[str, Callable[[str], Command]]] = {
    "/help": lambda _rest: Help(),
    "/leave": lambda _rest: Leave(),
    "/ignore": Ignore,
    "/unignore": Unignore,
    "/export": Export,
    "/bookmark": Bookmark,
}
"""What the program does itself, whatever the relay obeys; made of what stands after the word."""
_ALIASES: Final = dict.fromkeys(LEAVE_WORDS, LEAVE_WORDS[0])

BYTE_ORDER_MARK: Final = "\ufeff"
"""Begins what was copied out of some files, and nobody sees it: a command behind it would be said aloud."""


def is_secret(line: str) -> bool:
    """Tell whether a typed line holds a password."""
    asked = parse_command(line.removeprefix(BYTE_ORDER_MARK))
    return asked is not None and asked[0] is RelayCommand.PASSWORD


def words_of(line: str) -> str:
    """Return what a line says that is no command: of two slashes at its beginning, one."""
    return line[1:] if line.startswith("//") else line


def interpret(line: str) -> Command:
    """Read a typed line."""
    line = line.removeprefix(BYTE_ORDER_MARK)
    if not line.strip():
        return Nothing()
    if line.startswith("//") or not line.startswith("/"):
        return Say(words_of(line))
    if asked := parse_command(line):
        return ChoosePassword() if asked == (RelayCommand.PASSWORD, "") else Ask(line)
    word, *rest = line.split(maxsplit=1)
    own = OWN.get(_ALIASES.get(word, word))
    return own("".join(rest).rstrip()) if own else Unknown(word)
