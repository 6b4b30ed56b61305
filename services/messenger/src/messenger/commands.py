"""What a typed line means."""

from dataclasses import dataclass

HELP = """\
/help           show this
/leave          leave (also /quit, /exit, Ctrl-D)
//word          say "/word"
Up and Down     go through what you typed before"""


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
class Unknown:
    """There is no such command; nothing is sent, so that a mistyped /leave isn't said aloud."""

    word: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


Command = Say | Help | Leave | Unknown | Nothing

_COMMANDS: dict[str, Command] = {"/help": Help(), "/leave": Leave(), "/quit": Leave(), "/exit": Leave()}


def interpret(line: str) -> Command:
    """Read a typed line."""
    if not line.strip():
        return Nothing()
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/"):
        return Say(line)
    word = line.split(maxsplit=1)[0]
    return _COMMANDS.get(word) or Unknown(word)
