"""What became of a command: told to the one who gave it (MOD-01 to MOD-08, FEAT-03)."""

from dataclasses import dataclass
from enum import unique
from typing import ClassVar

from chatproto.codes import N_, Worded
from chatproto.commands import Command
from chatproto.refusals import Refusal


@unique
class Failure(Worded):
    """Why a command was not carried out: the word that stands on the wire."""

    NOT_HOST = "not_host", N_("Only the host may do that; /who and /topic are for everybody.")
    ASKED_TOO_SOON = "asked_too_soon", N_("You asked a moment ago: try again in a few seconds.")
    NO_NAME = "no_name", N_("/{command} whom? Write the name after it.")
    BAD_NAME = "bad_name", N_("The name can't be used.")
    NOBODY = "nobody", N_("Nobody here is called {name}.")
    AMBIGUOUS = "ambiguous", N_("Several names look like {name}: write it as the member does.")
    YOURSELF = "yourself", N_("You can't /{command} yourself.")
    BAN_OF_HOST = "ban_of_host", N_("The host can't be banned.")
    ALREADY_BANNED = "already_banned", N_("{name} is banned already.")
    NOT_BANNED = "not_banned", N_("{name} isn't banned.")
    TOO_MANY_BANS = "too_many_bans", N_("The room has {count} bans, as many as it may: lift one first.")
    MUTE_OF_HOST = "mute_of_host", N_("The host can't be muted.")
    ALREADY_MUTED = "already_muted", N_("{name} is muted already.")
    NOT_MUTED = "not_muted", N_("{name} isn't muted.")
    TOO_MANY_MUTES = "too_many_mutes", N_("The room has {count} mutes, as many as it may: lift one first.")
    NOT_HEARD_YET = "not_heard_yet", N_("{name} has not been heard yet: try again in a moment.")
    TOPIC_TOO_LONG = "topic_too_long", N_("The topic is too long by {bytes} bytes.")
    TOPIC_NOT_SEALED = "topic_not_sealed", N_("The room is sealed, but the topic wasn't: it is unchanged.")
    BAD_PASSWORD = "bad_password", N_("The password can't be used.")
    PASSWORD_IN_WORK = "password_in_work", N_("The password before is still being worked on: try again in a moment.")
    NOT_HOST_ANY_MORE = "not_host_any_more", N_("The password was not changed: you are not the host any more.")
    BUSY = "busy", N_("The relay is busy: try again in a moment.")


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
    refusal: Refusal | None = None
    """Why exactly a name or a password can't be used, or the relay is busy, as a request would be told (FEAT-04)."""

    def __post_init__(self) -> None:
        """Make the sentence."""
        if not self.message:
            fields = {"command": self.command, "name": self.name, "count": self.limit, "bytes": self.over_bytes}
            object.__setattr__(self, "message", str(self.refusal or self.code.message.format(**fields)))

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
