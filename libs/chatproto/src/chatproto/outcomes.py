"""What became of a command: told to the one who gave it (MOD-01 to MOD-08, FEAT-03)."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import ClassVar, Final

from chatproto.commands import Command


@unique
class Failure(StrEnum):
    """Why a command was not carried out: the word that stands on the wire."""

    NOT_HOST = "not_host"
    ASKED_TOO_SOON = "asked_too_soon"
    NO_NAME = "no_name"
    BAD_NAME = "bad_name"
    NOBODY = "nobody"
    AMBIGUOUS = "ambiguous"
    YOURSELF = "yourself"
    BAN_OF_HOST = "ban_of_host"
    BAN_OF_HOST_ADDRESS = "ban_of_host_address"
    ALREADY_BANNED = "already_banned"
    NOT_BANNED = "not_banned"
    TOO_MANY_BANS = "too_many_bans"
    MUTE_OF_HOST = "mute_of_host"
    ALREADY_MUTED = "already_muted"
    NOT_MUTED = "not_muted"
    TOO_MANY_MUTES = "too_many_mutes"
    NOT_HEARD_YET = "not_heard_yet"
    TOPIC_TOO_LONG = "topic_too_long"
    BAD_PASSWORD = "bad_password"  # noqa: S105 - a word
    PASSWORD_IN_WORK = "password_in_work"  # noqa: S105 - a word
    NOT_HOST_ANY_MORE = "not_host_any_more"
    BUSY = "busy"


_SENTENCES: Final = {
    Failure.NOT_HOST: "Only the host may do that; /who and /topic are for everybody.",
    Failure.ASKED_TOO_SOON: "You asked a moment ago: try again in a few seconds.",
    Failure.NO_NAME: "/{command} whom? Write the name after it.",
    Failure.BAD_NAME: "The name can't be used.",
    Failure.NOBODY: "Nobody here is called {name}.",
    Failure.AMBIGUOUS: "Several names look like {name}: write it as the member does.",
    Failure.YOURSELF: "You can't /{command} yourself.",
    Failure.BAN_OF_HOST: "The host can't be banned.",
    Failure.BAN_OF_HOST_ADDRESS: "The host has this address, so it can't be banned.",
    Failure.ALREADY_BANNED: "{name} is banned already.",
    Failure.NOT_BANNED: "{name} isn't banned.",
    Failure.TOO_MANY_BANS: "The room has {limit} bans, as many as it may: lift one first.",
    Failure.MUTE_OF_HOST: "The host can't be muted.",
    Failure.ALREADY_MUTED: "{name} is muted already.",
    Failure.NOT_MUTED: "{name} isn't muted.",
    Failure.TOO_MANY_MUTES: "The room has {limit} mutes, as many as it may: lift one first.",
    Failure.NOT_HEARD_YET: "{name} has not been heard yet: try again in a moment.",
    Failure.TOPIC_TOO_LONG: "The topic is too long by {over_bytes} bytes.",
    Failure.BAD_PASSWORD: "The password can't be used.",
    Failure.PASSWORD_IN_WORK: "The password before is still being worked on: try again in a moment.",
    Failure.NOT_HOST_ANY_MORE: "The password was not changed: you are not the host any more.",
    Failure.BUSY: "The relay is busy: try again in a moment.",
}


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """A command was not carried out; nothing has changed."""

    KIND: ClassVar = "command_failed"

    code: Failure
    command: Command | None = None
    """None if the command was an operator's, not a member's."""
    name: str = ""
    """Of the person it was about."""
    limit: int = 0
    """How many there may be, if there are too many."""
    over_bytes: int = 0
    """By how many bytes something is too long."""
    message: str = ""
    """The sentence that says why; unless given, it is made of the other fields."""

    def __post_init__(self) -> None:
        """Make the sentence."""
        if not self.message:
            sentence = _SENTENCES[self.code].format(
                command=self.command, name=self.name, limit=self.limit, over_bytes=self.over_bytes
            )
            object.__setattr__(self, "message", sentence)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class CommandDone:
    """A command about somebody was carried out; other commands are answered by what they changed."""

    KIND: ClassVar = "command_done"

    command: Command
    name: str
    by_address: bool = False
    """Whether a ban is of the address, too."""
    also: tuple[str, ...] = ()
    """Further names that an unban lets in, since they look like it."""
    unlisted: int = 0
    """How many more there are of those."""

    def __str__(self) -> str:
        match self.command:
            case Command.KICK:
                return f"{self.name} was kicked; /ban keeps somebody out."
            case Command.BAN:
                return f"{self.name} is banned by name {'and address' if self.by_address else 'alone'}."
            case Command.UNBAN:
                more = f" and {self.unlisted} more" if self.unlisted else ""
                return f"{', '.join((self.name, *self.also))}{more} may come in again."
            case Command.MUTE:
                return f"{self.name} is muted; /unmute takes it back."
            case Command.UNMUTE:
                return f"{self.name} may speak again."
            case _:
                return f"/{self.command} {self.name}: done."
