"""What operators may ask of a running relay: look around, take somebody out, close a room, drain."""

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from chatproto import EvictionReason
from relay_server.core.address import show_ip, show_network
from relay_server.core.kept import Ban
from relay_server.core.lobby import Lobby
from relay_server.core.model import Member, Room, Session
from relay_server.core.moderation import Moderation, ModerationError
from relay_server.core.policy import MAX_DRAIN_SECONDS
from relay_server.core.registry import Registry
from relay_server.operator.cluster import Cluster
from relay_server.operator.moving import Moving

Row: TypeAlias = dict[str, str | float | bool | None]
"""One line of an answer, as JSON has it."""


class OperatorError(Exception):
    """The relay can't do what it is asked; ``str()`` is one sentence."""

    def __init__(self, sentence: str, *, is_misplaced: bool = False) -> None:
        """``is_misplaced`` says that this relay, as it is set up, can never do it."""
        super().__init__(sentence)
        self.is_misplaced = is_misplaced


class Arguments(BaseModel):
    """What a command is told; this one is told nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def told(self) -> dict[str, object]:
        """Return what a log tells of them."""
        return self.model_dump()


class InRoom(Arguments):
    """Which room is meant."""

    room: str


class InRoomByName(InRoom):
    """Who in a room is meant."""

    name: str


class Drain(Arguments):
    """How long members may stay: as long as they like, some seconds, or not at all."""

    seconds: float | None = Field(None, gt=0, le=MAX_DRAIN_SECONDS)
    at_once: bool = False
    to_others: bool = False
    """Whether other nodes are to take the rooms."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that operators may ask for."""

    arguments: type[Arguments]
    carry_out: Callable[[Any], Iterable[Row]]
    """Does it when called; rows of a list are looked at when they are asked for.

    Raises:
        OperatorError: it can't be done.

    """
    changes: bool = False
    """Whether it does more than look."""
    is_logged: bool = True


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One thing for which others are asked: its rows come some time later."""

    arguments: type[Arguments]
    carry_out: Callable[[Any], Awaitable[Iterable[Row]]]
    """Asks when called, as `Command` has it."""
    changes: Literal[False] = False
    is_logged: Literal[True] = True
    afterwards: Callable[[], None] = lambda: None
    """Is called when the answer was sent, or couldn't be."""


def check_is_node(cluster: Cluster | None) -> Cluster:
    """Return the cluster.

    Raises:
        OperatorError: there is none.

    """
    if cluster is None:
        raise OperatorError("This relay is alone: RELAY_CLUSTER_URL makes it a node of a cluster.", is_misplaced=True)
    return cluster


class Operators:
    """Carries out commands, and knows how far a drain is; ``clock`` gives monotonic seconds."""

    def __init__(
        self,
        registry: Registry,
        lobby: Lobby,
        clock: Callable[[], float],
        *,
        flush: Callable[[], None],
        stop: Callable[[], None],
        cluster: Cluster | None = None,
    ) -> None:
        """``cluster`` is None for a relay that is alone."""
        self._registry = registry
        self._lobby = lobby
        self._clock = clock
        self._flush = flush
        self._stop = stop
        self._moderation = Moderation(registry)
        self._cluster = cluster
        self._moving: Moving | None = None
        self._drained_at = inf
        self.draining = False
        """Whether nobody is let in any more, and the relay ends when it is empty."""
        self.commands: Mapping[str, Command] = {
            "rooms": Command(Arguments, lambda _: self.list_rooms()),
            "members": Command(InRoom, self._members),
            "bans": Command(InRoom, self._bans),
            "close": Command(InRoom, self._close, changes=True),
            "kick": Command(InRoomByName, self._kick, changes=True),
            "ban": Command(InRoomByName, self._ban, changes=True),
            "unban": Command(InRoomByName, self._unban, changes=True),
            "drain": Command(Drain, self._drain, changes=True),
            "stop": Command(Arguments, self._end, changes=True),
            "program": Command(Arguments, lambda _: ({"program": sys.prefix},), is_logged=False),
            "left": Command(Arguments, self._left, is_logged=False),  # asked twice a second
        }

    def check_drain(self, now: float) -> None:
        """Stop the relay if it drains, and is empty or had all the time it was given."""
        if self._moving:
            self._moving.go_on(now)
        if self.draining and (now >= self._drained_at or not self._count_people()):
            self._stop()

    def list_rooms(self) -> Iterator[Row]:
        """Describe each room when it is asked for; one that closed meanwhile is left out."""
        now, known = self._clock(), self._registry.rooms
        return (_describe_room(room, now) for room in list(known.values()) if known.get(room.raw_name) is room)

    def _members(self, asked: InRoom) -> Iterator[Row]:
        now, room = self._clock(), self._room(asked)
        return (self._describe_member(member, now) for member in list(room.members) if member in room.members)

    def _close(self, asked: InRoom) -> Iterable[Row]:
        """Close a room by taking its host out, or without one if the host is away (ROOM-01, ROOM-06)."""
        now, room = self._clock(), self._room(asked)
        answer: Row = {"room": room.name, "members": len(room.members)}
        if room.host:
            self._registry.evict(room.host, EvictionReason.KICKED, now)
        self._registry.close_room(room, EvictionReason.KICKED, members_see=EvictionReason.HOST_LEFT)
        self._flush()
        return (answer,)

    def _bans(self, asked: InRoom) -> Iterable[Row]:
        return [_describe_ban(ban) for ban in self._room(asked).bans]

    def _kick(self, asked: InRoomByName) -> Iterable[Row]:
        """Take a member out; a host's room closes with that (ROOM-01)."""
        room = self._room(asked)
        with _moderated():
            member = self._moderation.find(room, asked.name)
            self._moderation.kick(member, self._clock())
        self._flush()
        closed = room not in self._registry.rooms.values()
        return ({"room": room.name, "name": member.name, "closed": closed},)

    def _ban(self, asked: InRoomByName) -> Iterable[Row]:
        room = self._room(asked)
        with _moderated():
            ban = self._moderation.ban(room, asked.name, self._clock())
        self._flush()
        return ({"room": room.name, **_describe_ban(ban)},)

    def _unban(self, asked: InRoomByName) -> Iterable[Row]:
        room = self._room(asked)
        with _moderated():
            lifted = self._moderation.unban(room, asked.name)
        return [{"room": room.name, **_describe_ban(ban)} for ban in lifted]

    def _drain(self, asked: Drain) -> Iterable[Row]:
        if asked.to_others:
            self._move_rooms()
        self._registry.admission.close(forwards=self._moving is not None)
        self._lobby.let_nobody_in()
        self._drained_at = inf if asked.seconds is None else self._clock() + asked.seconds
        self.draining = True
        if asked.at_once:
            self._stop()
        return ({"people": self._count_people(), "seconds": asked.seconds, "at_once": asked.at_once},)

    def _end(self, _: Arguments) -> Iterable[Row]:
        """End the relay at once; everybody is told, and no next relay has them (EVI-06)."""
        self._stop()
        return ({"people": self._count_people()},)

    def _move_rooms(self) -> None:
        cluster = check_is_node(self._cluster)
        moving = Moving(self._registry, cluster)
        if not moving.takers:
            raise OperatorError(
                "No other node can take the rooms: start one, or drain without --to-others.", is_misplaced=True
            )
        self._moving = moving
        cluster.leave()

    def _left(self, _: Arguments) -> Iterable[Row]:
        """Tell how far a drain is."""
        rooms, nodes = len(self._registry.rooms), len(self._moving.takers) if self._moving else 0
        return ({"rooms": rooms, "people": self._count_people(), "nodes": nodes},)

    def _room(self, asked: InRoom) -> Room:
        room = self._registry.rooms.get(asked.room.encode())
        if room is None:
            if self._cluster is None:
                raise OperatorError(f"There is no room {asked.room}: `relay-server admin rooms` lists them.")
            raise OperatorError(
                f"There is no room {asked.room} on this node: ask the node that `relay-server admin rooms --all` names."
            )
        return room

    def _describe_member(self, member: Member, now: float) -> Row:
        session = member.session
        return {
            "name": member.name,
            "ip": show_ip(member.ip),
            "port": None if session.address is None else self._registry.locate(session.address).port,
            "transport": _transport_of(session),
            "away": session.is_away,
            "age_seconds": round(now - member.joined_at, 3),
            "silence_seconds": round(now - session.seen_at, 3),
            "host": member.room.host is member,
            "muted": member.room.mutes_name(member.keys),
        }

    def _count_people(self) -> int:
        carried = self._cluster.carried if self._cluster else 0
        return self._registry.admission.members.total + len(self._lobby.clients_by_remote) + carried


@contextmanager
def _moderated() -> Iterator[None]:
    try:
        yield
    except ModerationError as error:
        raise OperatorError(str(error)) from None


def _describe_ban(ban: Ban) -> Row:
    return {"name": ban.name, "address": None if ban.network is None else show_network(ban.network)}


def _transport_of(session: Session) -> str:
    if session.place is None:
        return "udp"
    return "stream tls" if session.place.encrypted else "stream"


def _describe_room(room: Room, now: float) -> Row:
    return {
        "room": room.name,
        "host": room.host.name if room.host else None,
        "members": len(room.members),
        "streams": sum(session.place is not None for session in room.members.values()),
        "age_seconds": round(now - room.created_at, 3),
        "password": room.password_hash is not None,
        "topic": room.topic,
    }
