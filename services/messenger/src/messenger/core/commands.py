"""What a typed line means."""

from dataclasses import dataclass

from chatproto import Command as RelayCommand
from chatproto import parse_command
from messenger.presentation.i18n import N_

HELP = N_("""\
/help           show this
/leave          leave (also /quit, /exit, Ctrl-D)
/who            ask who is here
/topic          ask what the room is about
//word          say "/word"
Up and Down     go through what you typed before
The host may also
/kick NAME      take somebody out of the room
/ban NAME       and keep out the name and its address; /unban NAME, or /unban to ask who is banned
/mute NAME      relay nothing of what somebody says; /unmute NAME
/topic TEXT     say what the room is about; /topic - for nothing
/host NAME      hand the room over
/password       set a new password, typed unseen; /password - removes it""")
"""Shown in the chosen language, so by ``_(HELP)``."""


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

_COMMANDS: dict[str, Command] = {"/help": Help(), "/leave": Leave(), "/quit": Leave(), "/exit": Leave()}


def is_secret(line: str) -> bool:
    """Tell whether a typed line holds a password."""
    asked = parse_command(line)
    return asked is not None and asked[0] is RelayCommand.PASSWORD


def interpret(line: str) -> Command:
    """Read a typed line."""
    if not line.strip():
        return Nothing()
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/"):
        return Say(line)
    if asked := parse_command(line):
        return ChoosePassword() if asked == (RelayCommand.PASSWORD, "") else Ask(line)
    word = line.split(maxsplit=1)[0]
    return _COMMANDS.get(word) or Unknown(word)
