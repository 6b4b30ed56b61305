"""What becomes of a command: who may give it, what it does, and what is answered (MOD-01 to MOD-08)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from chatproto import (
    COMMANDS,
    BadNameError,
    BadPasswordError,
    Command,
    CommandDone,
    CommandFailed,
    Failure,
    ListedMember,
    Notice,
    PasswordState,
    ProtocolError,
    Topic,
    check_password,
    check_user_name,
    list_bans,
    list_members,
    sanitize,
)
from chatproto.commands import REMOVE
from chatproto.constants import MAX_TOPIC_BYTES
from relay_server.core import events
from relay_server.core.model import Member, Room
from relay_server.core.moderation import Moderation, ModerationError
from relay_server.core.registry import Registry
from relay_server.core.sealed import may_be_said

MAX_LIFTED_NAMES: Final = 4
"""Look-alikes share keys, so one unban may lift many bans; the answer names so many, and counts the others."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that a host wants for its room; whoever gets it hashes it away from the loop (PWD-06)."""

    member: Member
    password: str = field(repr=False)


class Commands:
    """Obeys the commands of hosts, and everybody's `/who` and `/topic`."""

    def __init__(
        self,
        registry: Registry,
        moderation: Moderation,
        observer: events.Observer,
        *,
        hash_aside: Callable[[NewPassword], None],
    ) -> None:
        """``hash_aside`` has a password hashed and answers, at once or later, by `set_password`."""
        self._registry = registry
        self._moderation = moderation
        self._observer = observer
        self._hash_aside = hash_aside
        self._acts: dict[Command, Callable[[Member, str, float], None]] = {
            Command.WHO: self._who,
            Command.TOPIC: self._topic,
            Command.KICK: self._kick,
            Command.BAN: self._ban,
            Command.UNBAN: self._unban,
            Command.MUTE: self._mute,
            Command.UNMUTE: self._unmute,
            Command.HOST: self._hand_over,
            Command.PASSWORD: self._change_password,
        }

    def obey(self, member: Member, command: Command, argument: str, now: float) -> None:
        """Do what a member asks for, or tell it why not."""
        by_host = COMMANDS[command].needs_host(argument)
        if by_host and member.room.host is not member:
            self._registry.advise(member, CommandFailed(Failure.NOT_HOST, command), now)
            return
        try:
            self._acts[command](member, argument, now)
        except ModerationError as error:
            self._registry.tell(member, replace(error.failed, command=command))
        except ProtocolError as error:
            self._registry.tell(member, _refused(error, command))
        else:
            if by_host:
                self._observer(events.CommandObeyed(member.room.name, command))

    def set_password(self, wanted: NewPassword, hashed: Callable[[], str]) -> None:
        """Take the hash of a new password, or the ProtocolError that ``hashed`` raises instead."""
        host, room = wanted.member, wanted.member.room
        room.waits_for_hash = False
        try:
            password_hash = hashed()
        except ProtocolError as error:
            self._registry.tell(host, _refused(error, Command.PASSWORD))
            return
        if room.host is not host:
            self._registry.tell(host, CommandFailed(Failure.NOT_HOST_ANY_MORE, Command.PASSWORD))
            return
        self._take_password(room, password_hash)
        self._registry.tell(host, PasswordState(set=True, changed=True))

    def _list(self, member: Member, command: Command, write: Callable[[], Sequence[Notice]], now: float) -> None:
        """Answer what asks, a notice a second, so that asking floods nobody (MOD-02).

        A list is written only if it will be sent.
        """
        if now < member.may_ask_at:
            self._registry.advise(member, CommandFailed(Failure.ASKED_TOO_SOON, command), now)
            return
        notices = write()
        member.may_ask_at = now + len(notices)
        for notice in notices:
            self._registry.tell(member, notice)

    def _who(self, member: Member, _: str, now: float) -> None:
        def write() -> Sequence[Notice]:
            return list_members(_listed(member.room), json=member.session.json_notices)

        self._list(member, Command.WHO, write, now)

    def _topic(self, member: Member, argument: str, now: float) -> None:
        if not argument.strip():
            self._list(member, Command.TOPIC, lambda: [Topic(member.room.topic)], now)
            return
        topic = sanitize(argument.strip())
        if topic != REMOVE and not may_be_said(member.room, topic.encode()):
            raise ModerationError(CommandFailed(Failure.TOPIC_NOT_SEALED))
        over_bytes = len(topic.encode()) - MAX_TOPIC_BYTES
        if over_bytes > 0:
            raise ModerationError(CommandFailed(Failure.TOPIC_TOO_LONG, over_bytes=over_bytes))
        self._moderation.set_topic(member, "" if topic == REMOVE else topic)

    def _kick(self, host: Member, argument: str, now: float) -> None:
        member = self._find_other(host, argument, Command.KICK)
        self._moderation.kick(member, now)
        self._registry.tell(host, CommandDone(Command.KICK, member.name))

    def _ban(self, host: Member, argument: str, now: float) -> None:
        ban = self._moderation.ban(host.room, _name(argument, Command.BAN), now)
        self._registry.tell(host, CommandDone(Command.BAN, ban.name, by_address=ban.network is not None))

    def _unban(self, host: Member, argument: str, now: float) -> None:
        if not argument.strip():
            self._list(host, Command.UNBAN, lambda: _banned(host), now)
            return
        lifted = self._moderation.unban(host.room, _name(argument, Command.UNBAN))
        name, *also = [ban.name for ban in lifted[:MAX_LIFTED_NAMES]]
        unlisted = max(0, len(lifted) - MAX_LIFTED_NAMES)
        self._registry.tell(host, CommandDone(Command.UNBAN, name, also=tuple(also), unlisted=unlisted))

    def _mute(self, host: Member, argument: str, _: float) -> None:
        member = self._find_other(host, argument, Command.MUTE)
        self._moderation.mute(member)
        self._registry.tell(host, CommandDone(Command.MUTE, member.name))

    def _unmute(self, host: Member, argument: str, _: float) -> None:
        name = _name(argument, Command.UNMUTE)
        self._moderation.unmute(host.room, name)
        self._registry.tell(host, CommandDone(Command.UNMUTE, name))

    def _hand_over(self, host: Member, argument: str, _: float) -> None:
        self._moderation.hand_over(self._find_other(host, argument, Command.HOST))

    def _change_password(self, host: Member, argument: str, now: float) -> None:
        room = host.room
        if room.waits_for_hash:
            raise ModerationError(CommandFailed(Failure.PASSWORD_IN_WORK))
        if not argument:
            self._registry.tell(host, PasswordState(set=room.password_hash is not None))
            return
        if argument.strip() == REMOVE:
            self._take_password(room, None)
            self._registry.tell(host, PasswordState(set=False, changed=True))
            return
        password = check_password(argument)
        self._registry.admission.check_new_password(host.ip, now)
        room.waits_for_hash = True
        self._hash_aside(NewPassword(host, password))

    def _take_password(self, room: Room, password_hash: str | None) -> None:
        room.password_hash = password_hash
        if room.residence is not None:
            room.residence.password_revision += 1
        self._registry.change(room)

    def _find_other(self, host: Member, argument: str, command: Command) -> Member:
        member = self._moderation.find(host.room, _name(argument, command))
        if member is host:
            raise ModerationError(CommandFailed(Failure.YOURSELF, command))
        return member


def _name(argument: str, command: Command) -> str:
    name = argument.strip()
    if not name:
        raise ModerationError(CommandFailed(Failure.NO_NAME, command))
    return check_user_name(name.encode())


def _refused(error: ProtocolError, command: Command) -> CommandFailed:
    """Say what was wrong with a name or a password, or that the relay has too much to do."""
    match error:
        case BadNameError():
            code = Failure.BAD_NAME
        case BadPasswordError():
            code = Failure.BAD_PASSWORD
        case _:
            code = Failure.BUSY
    return CommandFailed(code, command, refusal=error.refusal)


def _listed(room: Room) -> list[ListedMember]:
    return [
        ListedMember(
            member.name,
            host=member is room.host,
            muted=member is not room.host and member.muted,
            away=session.is_away,
        )
        for member, session in room.members.items()
    ]


def _banned(host: Member) -> Sequence[Notice]:
    return list_bans([ban.name for ban in host.room.bans], json=host.session.json_notices)
