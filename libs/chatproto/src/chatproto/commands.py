"""Texts that the relay obeys instead of relaying them: how a host keeps order in its room (MOD-01)."""

import re
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
