"""What a host or an operator may do about a room and its members (MOD-03 to MOD-07)."""

from typing import Final

from chatproto import (
    BadNameError,
    CommandFailed,
    EvictionReason,
    Failure,
    HostChanged,
    Muted,
    Topic,
    Unmuted,
    check_user_name,
)
from relay_server.core import limits
from relay_server.core.address import network_of
from relay_server.core.kept import Ban
from relay_server.core.model import NO_BANS, Bans, Member, Room
from relay_server.core.names import name_keys
from relay_server.core.registry import Registry

MAX_BANS: Final = 100
"""In one room: whom more come to trouble is better off with a password."""
MAX_MUTES: Final = 100


class ModerationError(Exception):
    """What is wished can't be done; ``str()`` says in a sentence why."""

    def __init__(self, failed: CommandFailed) -> None:
        super().__init__(str(failed))
        self.failed = failed
        """The same as a fact; who gave which command is for the caller to fill in."""


class Moderation:
    """Kicks, bans and mutes, hands a room over, and says what it is about.

    Names are compared as ROOM-03 says. Every method that changes something tells the room what it is to know.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def find(self, room: Room, name: str) -> Member:
        """Return the member of this name, or else the only one whose name looks like it.

        Raises:
            ModerationError: nobody is called so, or several are.

        """
        alike = _alike(room, name)
        if not alike:
            raise ModerationError(CommandFailed(Failure.NOBODY, name=name))
        if len(alike) > 1:
            raise ModerationError(CommandFailed(Failure.AMBIGUOUS, name=name))
        return alike[0]

    def kick(self, member: Member, now: float) -> None:
        """Take a member out; it may come back."""
        self._registry.evict(member, EvictionReason.KICKED, now)

    def ban(self, room: Room, name: str, now: float) -> Ban:
        """Take the member of this name out and keep it out, by its name and by its address.

        If the host has the same address, or if nobody is called so now, the ban is one of the name alone. Whoever
        else is in the room stays there.

        Raises:
            ModerationError: it is the host's name or no name at all, several members' names look like it, it is
                banned already, or the room has as many bans as it may.

        """
        member = self.find(room, name) if _alike(room, name) else None
        keys = frozenset(member.keys if member else _keys_of(name))
        if room.host and not keys.isdisjoint(room.host.keys):
            raise ModerationError(CommandFailed(Failure.BAN_OF_HOST, name=name))
        network = network_of(member.ip) if member else None
        if room.host and network == network_of(room.host.ip):
            network = None
        ban = Ban(member.name if member else name, keys, network)
        self._add(room, ban)
        if member:
            self._registry.evict(member, EvictionReason.KICKED, now, banned=True)
        return ban

    def unban(self, room: Room, name: str) -> tuple[Ban, ...]:
        """Lift the bans of a name and its look-alikes; returns them.

        Raises:
            ModerationError: there are none.

        """
        lifted = room.bans.of(name_keys(name))
        if not lifted:
            raise ModerationError(CommandFailed(Failure.NOT_BANNED, name=name))
        for ban in lifted:
            room.bans.remove(ban)
        self._registry.change(room)
        return lifted

    def mute(self, member: Member) -> None:
        """Relay nothing of what a member says, also after it left and came back under its name.

        Raises:
            ModerationError: it is the host, it is muted already, or the room has as many mutes as it may.

        """
        room = member.room
        if room.host is member:
            raise ModerationError(CommandFailed(Failure.MUTE_OF_HOST, name=member.name))
        if member.muted:
            raise ModerationError(CommandFailed(Failure.ALREADY_MUTED, name=member.name))
        if len(set(room.mutes.values())) >= MAX_MUTES:
            raise ModerationError(CommandFailed(Failure.TOO_MANY_MUTES, name=member.name, limit=MAX_MUTES))
        room.mutes.update(dict.fromkeys(member.keys, frozenset(member.keys)))
        member.muted = True
        self._registry.change(room)
        if member.limit is not None or member.session.was_heard:  # else `Registry.hear` does so
            member.limit = limits.Muted(member.limit)
        self._registry.tell(member, Muted())

    def unmute(self, room: Room, name: str) -> None:
        """Let who is called so speak again, be it here or not.

        Raises:
            ModerationError: nobody of this name is muted.

        """
        keys = name_keys(name)
        if not room.mutes_name(keys):
            raise ModerationError(CommandFailed(Failure.NOT_MUTED, name=name))
        for key in keys:
            for lifted in room.mutes.get(key, ()):
                del room.mutes[lifted]
        self._registry.change(room)
        for member in room.members:
            if member.muted and not room.mutes_name(member.keys):
                self._let_speak(member)

    def hand_over(self, member: Member) -> None:
        """Make a member the host of its room, with all that a host may; everybody is told.

        Raises:
            ModerationError: nothing was heard of it yet, so it may never come.

        """
        if not member.session.was_heard:
            raise ModerationError(CommandFailed(Failure.NOT_HEARD_YET, name=member.name))
        if member.muted:
            self.unmute(member.room, member.name)
        self._registry.make_host(member)
        self._registry.tell_all(member, HostChanged(member.name))

    def set_topic(self, host: Member, topic: str) -> None:
        """Say what the room is about, in one harmless line, or nothing; everybody is told."""
        host.room.topic = topic
        self._registry.change(host.room)
        self._registry.tell_all(host, Topic(topic))

    def _let_speak(self, member: Member) -> None:
        member.muted = False
        # Nobody unmutes while a room is halted, so the halt of one that didn't move after all is over.
        limit = member.limit.inner if isinstance(member.limit, limits.Halted) else member.limit
        if isinstance(limit, limits.Muted):  # else it was not heard yet
            member.limit = limit.inner
            self._registry.tell(member, Unmuted())

    def _add(self, room: Room, ban: Ban) -> None:
        if room.bans.include(ban):
            raise ModerationError(CommandFailed(Failure.ALREADY_BANNED, name=ban.name))
        if len(room.bans) >= MAX_BANS:
            raise ModerationError(CommandFailed(Failure.TOO_MANY_BANS, name=ban.name, limit=MAX_BANS))
        if room.bans is NO_BANS:
            room.bans = Bans()
        room.bans.add(ban)
        self._registry.change(room)


def _alike(room: Room, name: str) -> list[Member]:
    """Return the members whose names look like this one, or the one who is called exactly so."""
    alike = dict.fromkeys(room.members_by_key[key] for key in name_keys(name) if key in room.members_by_key)
    return [member for member in alike if member.name == name] or list(alike)


def _keys_of(name: str) -> tuple[str, ...]:
    try:
        check_user_name(name.encode())
    except BadNameError as error:
        raise ModerationError(CommandFailed(Failure.BAD_NAME, refusal=error.refusal)) from None
    return name_keys(name)
