"""What becomes of a command: who may give it, what it does, and what is answered (MOD-01 to MOD-08)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chatproto import Advice, BadNameError, Command, ProtocolError, Topic, check_password, check_user_name, sanitize
from chatproto.commands import REMOVE
from chatproto.notices import PASSWORD_REMOVED, PASSWORD_SET
from relay_server.core import events
from relay_server.core.model import Member, Room
from relay_server.core.moderation import Moderation, ModerationError
from relay_server.core.registry import Registry

LIST_BYTES: Final = 1200
"""A notice with names has so many at most: what is longer would travel in fragments (MOD-02)."""
MAX_LIST_NOTICES: Final = 50
MAX_TOPIC_BYTES: Final = 512


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
            Command.TOPIC: self._set_topic,
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
        if command is Command.WHO:
            self._list(member, lambda: _who(member.room), now)
        elif command is Command.TOPIC and not argument.strip():
            self._list(member, lambda: [str(Topic(member.room.topic))], now)
        elif member.room.host is not member:
            self._registry.advise(member, "Only the host may do that; /who and /topic are for everybody.", now)
        else:
            try:
                self._acts[command](member, argument, now)
            except (ModerationError, ProtocolError) as error:
                self._answer(member, str(error))
            else:
                self._observer(events.CommandObeyed(member.room.name, command))

    def set_password(self, wanted: NewPassword, hashed: Callable[[], str]) -> None:
        """Take the hash of a new password, or the ProtocolError that ``hashed`` raises instead."""
        host, room = wanted.member, wanted.member.room
        room.waits_for_hash = False
        try:
            password_hash = hashed()
        except ProtocolError as error:
            self._answer(host, str(error))
            return
        if room.host is not host:
            self._answer(host, "The password was not changed: you are not the host any more.")
            return
        room.password_hash = password_hash
        self._answer(host, PASSWORD_SET)

    def _list(self, member: Member, write: Callable[[], list[str]], now: float) -> None:
        """Answer what anybody may ask, a notice a second, so that asking floods nobody (MOD-02).

        A list is written only if it will be sent.
        """
        if now < member.may_ask_at:
            self._registry.advise(member, "You asked a moment ago: try again in a few seconds.", now)
            return
        texts = write()
        member.may_ask_at = now + len(texts)
        for text in texts:
            self._answer(member, text)

    def _kick(self, host: Member, argument: str, now: float) -> None:
        member = self._find_other(host, argument, Command.KICK)
        self._moderation.kick(member, now)
        self._answer(host, f"{member.name} was kicked; /ban keeps somebody out.")

    def _ban(self, host: Member, argument: str, now: float) -> None:
        ban = self._moderation.ban(host.room, _name(argument, Command.BAN), now)
        how = "by name and address" if ban.network else "by name alone"
        self._answer(host, f"{ban.name} is banned {how}.")

    def _unban(self, host: Member, argument: str, now: float) -> None:
        if not argument.strip():
            self._list(host, lambda: _lines("Banned:", [ban.name for ban in host.room.bans]), now)
            return
        lifted = self._moderation.unban(host.room, _name(argument, Command.UNBAN))
        self._answer(host, f"{', '.join(ban.name for ban in lifted)} may come in again.")

    def _mute(self, host: Member, argument: str, _: float) -> None:
        member = self._find_other(host, argument, Command.MUTE)
        self._moderation.mute(member)
        self._answer(host, f"{member.name} is muted; /unmute takes it back.")

    def _unmute(self, host: Member, argument: str, _: float) -> None:
        name = _name(argument, Command.UNMUTE)
        self._moderation.unmute(host.room, name)
        self._answer(host, f"{name} may speak again.")

    def _hand_over(self, host: Member, argument: str, _: float) -> None:
        self._moderation.hand_over(self._find_other(host, argument, Command.HOST))

    def _set_topic(self, host: Member, argument: str, _: float) -> None:
        topic = sanitize(argument.strip())
        size_bytes = len(topic.encode())
        if size_bytes > MAX_TOPIC_BYTES:
            raise ModerationError(f"The topic is too long by {size_bytes - MAX_TOPIC_BYTES} bytes.")
        self._moderation.set_topic(host, "" if topic == REMOVE else topic)

    def _change_password(self, host: Member, argument: str, now: float) -> None:
        room = host.room
        if room.waits_for_hash:
            raise ModerationError("The password before is still being worked on: try again in a moment.")
        if not argument:
            state = "has a password" if room.password_hash else "has no password"
            self._answer(host, f"The room {state}: /password NEW sets one, /password {REMOVE} removes it.")
            return
        if argument.strip() == REMOVE:
            room.password_hash = None
            self._answer(host, PASSWORD_REMOVED)
            return
        password = check_password(argument)
        self._registry.admission.check_new_password(host.ip, now)
        room.waits_for_hash = True
        self._hash_aside(NewPassword(host, password))

    def _find_other(self, host: Member, argument: str, command: Command) -> Member:
        member = self._moderation.find(host.room, _name(argument, command))
        if member is host:
            raise ModerationError(f"You can't /{command} yourself.")
        return member

    def _answer(self, member: Member, text: str) -> None:
        self._registry.tell(member, Advice(text))


def _name(argument: str, command: Command) -> str:
    name = argument.strip()
    if not name:
        raise ModerationError(f"/{command} whom? Write the name after it.")
    try:
        return check_user_name(name.encode())
    except BadNameError as error:
        raise ModerationError(str(error)) from None


def _who(room: Room) -> list[str]:
    return _lines(
        f"{len(room.members)} here:",
        [
            f"{member.name} (host)"
            if member is room.host
            else f"{member.name} (muted)"
            if member.muted
            else member.name
            for member in room.members
        ],
    )


def _lines(title: str, names: list[str]) -> list[str]:
    """Lay names out in texts of up to `LIST_BYTES`; each ends so that no name in it can make another notice of it."""
    if not names:
        return [f"{title} nobody."]
    lines, line = [], title
    for number, name in enumerate(names):
        if len(line.encode()) + len(name.encode()) > LIST_BYTES - len("server:  ,"):
            lines.append(line)
            line = "..."
            if len(lines) == MAX_LIST_NOTICES:
                return [*lines[:-1], f"{lines[-1]} and {len(names) - number} more."]
        line += f" {name}{',' if number < len(names) - 1 else '.'}"
    return [*lines, line]
