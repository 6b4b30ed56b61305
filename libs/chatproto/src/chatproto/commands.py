"""Texts that the relay obeys instead of relaying them: how a host keeps order in its room (MOD-01)."""

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Command(StrEnum):
    """What may be asked for; the word stands after a slash, in logs and in metrics."""

    WHO = "who"
    TOPIC = "topic"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    HOST = "host"
    PASSWORD = "password"  # noqa: S105 - a word


@unique
class Argument(StrEnum):
    """What may stand after a command's word; the value is how documents write it."""

    NOTHING = ""
    NAME = "NAME"
    """Of a person, be it here or not."""
    TEXT = "TEXT"
    PASSWORD = "NEW"  # noqa: S105 - a word
    """All after one white space."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """What a command is called, who may give it, and what it takes."""

    word: Command
    host_only: bool
    argument: Argument = Argument.NOTHING
    anybody_asks: bool = False
    """Whether it only asks, and everybody may give it, if nothing stands after it."""

    def needs_host(self, argument: str) -> bool:
        """Tell whether only the host may give it with this argument."""
        return self.host_only and not (self.anybody_asks and not argument.strip())


COMMANDS: Final = {
    spec.word: spec
    for spec in (
        CommandSpec(Command.WHO, host_only=False),
        CommandSpec(Command.TOPIC, host_only=True, argument=Argument.TEXT, anybody_asks=True),
        CommandSpec(Command.KICK, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.BAN, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.UNBAN, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.MUTE, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.UNMUTE, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.HOST, host_only=True, argument=Argument.NAME),
        CommandSpec(Command.PASSWORD, host_only=True, argument=Argument.PASSWORD),
    )
}
"""Every command by its word: the one place that says who may give which (MOD-01)."""

LEAVE_WORDS: Final = ("/leave", "/exit", "/quit")
"""Each leaves the room (UDP-08)."""
REMOVE: Final = "-"
"""Stands where a topic or a password would, to have none any more (MOD-07, MOD-08)."""

_COMMAND = re.compile(rf"/((?ai:{'|'.join(Command)}))(?:\s(.*))?", re.DOTALL)


def parse_command(message: str) -> tuple[Command, str] | None:
    """Read a message as a command and what it is about; None if it is something to relay.

    The word counts in any case: a mistyped ``/Password`` must not be said aloud. What it is about begins after one
    white space, and line ends at its end don't belong to it.
    """
    found = _COMMAND.fullmatch(message)
    return (Command(found[1].lower()), (found[2] or "").rstrip("\r\n")) if found else None
