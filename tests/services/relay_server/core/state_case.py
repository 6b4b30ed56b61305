"""What a relay saves, as absolute times by one clock, and a relay that it is restored into."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from relay_server.core.lobby import Lobby
from relay_server.core.model import Room
from relay_server.core.restoring import Restoring
from relay_server.core.ring import Entry
from relay_server.core.saving import Saving
from relay_server.core.state import (
    Clock,
    Item,
    Moment,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedPlace,
    SavedRing,
    SavedRoom,
    SavedSession,
    decode_line,
)
from relay_server.net.address import UdpAddress, locate, make_address
from services.relay_server.core.rooms_case import Case, delivered, new_nonces

LATER = 4096.0
"""How much greater the monotonic clock of the process is that restores."""
SINCE_1970 = 2.0**20
"""What the clock of all processes shows when the first one's monotonic clock shows 0."""
Truth = dict[Any, Any]


def moment(now: float) -> Moment:
    """Return a time of the first process."""
    return Moment(now, SINCE_1970 + now)


class StateCase(Case):
    """Rooms and a lobby, and who saves them."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.lobby = Lobby(self.policy, self.events.append, new_nonces(), locate, self.registry.provisional)
        self.saving = Saving(self.registry, self.lobby, locate)

    def speak(self, source: UdpAddress, name: str, text: str, now: float = 0.0) -> Any:
        """Say something in the lobby."""
        return delivered(self.lobby.handle_datagram(bytes([len(name)]) + f"{name}{text}".encode(), source, now))

    def lines(self, now: float) -> list[bytes]:
        """Save everything, rings too."""
        saving = Saving(self.registry, self.lobby, locate)
        bulk, lines = saving.bulk(), []
        while piece := bulk.take(moment(now)):
            lines += piece
        return lines + [line for piece in saving.rings() for line in piece]

    def restored(self, now: float, *, handed_over: bool = True, after: float = 0.0, **policy: Any) -> "StateCase":
        """Restore everything elsewhere, some time after it was saved."""
        return restored(self.lines(now), now + after, handed_over=handed_over, like=self, **policy)

    def truth(self, now: float) -> Truth:
        """Return all that is saved, with absolute times."""
        return truth(map(decode_line, self.lines(now)))

    def truth_here(self, now: float) -> Truth:
        """Return the same of a relay that was restored; ``now`` and all times are those of the process before."""
        return truth(map(decode_line, self.lines(now + LATER)), later=LATER)

    def ring_of(self, room: bytes) -> list[Entry]:
        """Return what a room's ring keeps."""
        ring = self.registry.rooms[room].ring
        assert ring is not None
        return ring.since(ring.first - 1)


def restored(lines: Iterable[bytes], now: float, *, like: Case, handed_over: bool = True, **policy: Any) -> StateCase:
    """Restore lines into another relay; ``now`` is by the clock of the process that saved them."""
    case = StateCase(**{name: getattr(like.policy, name) for name in like.policy.__slots__} | policy)
    restoring = restoring_at(case, now, handed_over=handed_over)
    for line in lines:
        restoring.apply(decode_line(line))
    restoring.finish(now + LATER)
    check_books(case)
    return case


def restoring_at(case: StateCase, now: float, *, handed_over: bool = True) -> Restoring:
    """Begin to restore into a relay whose monotonic clock is another one."""
    numbers = count(1)
    case.registry.streams.rings._new_epoch = lambda: f"new {next(numbers)}"  # no two processes choose the same
    there = Moment(now + LATER, SINCE_1970 + now)
    return Restoring(case.registry, case.lobby, make_address, there, handed_over=handed_over)


def truth(items: Iterable[Item], *, later: float = 0.0) -> Truth:
    """Fold items, with absolute times in place of ages; ``later`` is by how much their clock shows more.

    Members are in their order, rooms and clients in none.
    """
    at = 0.0
    rooms: dict[bytes, SavedRoom] = {}
    members: dict[bytes, dict[str, SavedMember]] = {}
    lobby: dict[SavedAddress, SavedLobbyClient] = {}
    rings: dict[bytes, list[Any]] = {}
    for item in items:
        match item:
            case Clock():
                at = item.at - later
            case SavedRoom():
                rooms[item.room] = _room(item, at)
            case SavedMember():
                sessions = tuple(_session(one, at) for one in item.sessions)
                told = replace(item, joined=at - item.joined, sessions=sessions)
                members.setdefault(item.room, {})[item.name] = told
            case SavedLobbyClient():
                lobby[item.address] = replace(item, seen=at - item.seen)
            case SavedRing():
                known = rings.setdefault(item.room, [item.epoch, item.after])
                known += item.entries
    ordered = {room: list(told.values()) for room, told in members.items()}
    return {"rooms": rooms, "members": ordered, "lobby": lobby, "rings": rings}


def check_books(case: StateCase) -> None:
    """Check that a registry is as consistent as if everybody had come to it."""
    case.assert_all_is_counted()
    registry, lobby = case.registry, case.lobby
    sessions = set(registry.sessions_by_token.values())
    over_streams = {one for one in sessions if one.place is not None}
    streams = registry.streams
    assert streams.total == len(over_streams)
    assert all(one in streams.waiting for one in over_streams if one.is_away)
    assert set(registry.seats._by_ticket.values()) == {one for one in sessions if one.ticket is not None}
    heard = {one for one in sessions if one.address is not None}
    assert sorted(map(id, registry.sessions_by_remote)) == sorted(map(id, heard))
    assert set(registry.active._added_at) == heard
    assert set(registry.pending._added_at) == sessions - heard - over_streams
    assert set(registry.proofs._queue._added_at) == sessions - over_streams
    for room in registry.rooms.values():
        _check_room(room, case)
    assert lobby._census.total == len(lobby.clients_by_remote) == len(lobby._group.gather().addresses)
    rings = {room.ring for room in registry.rooms.values()} - {None}
    assert set(streams.rings._all.values()) == rings
    assert streams.rings.kept_bytes == sum(ring.kept_bytes for ring in rings if ring)


def _check_room(room: Room, case: StateCase) -> None:
    registry = case.registry
    sessions = [one for one in registry.sessions_by_token.values() if one.member.room is room]
    assert room.stream_sessions == sum(one.place is not None for one in sessions)
    assert (room.ring is not None) >= bool(room.stream_sessions)
    assert room.host is not None or room in registry.hostless or room in registry.returning.waiting
    assert room.host is None or room not in registry.hostless
    assert room.host is None or room.host in room.members
    keys = {key: member for member in room.members for key in member.keys}
    assert room.members_by_key == keys
    if room.residence is not None:
        assert set(room.residence.numbers) == set(room.members)
    if not case.policy.provisional_address:
        assert {*room.gather().addresses} == {one for one in sessions if one.address is not None and not one.paused}


def _room(saved: SavedRoom, at: float) -> SavedRoom:
    residence = saved.residence
    if residence is not None:
        residence = replace(residence, took_tickets=_time(at, residence.took_tickets))
    return replace(
        saved, created=at - saved.created, hostless=_time(at, saved.hostless), waits=_time(at, saved.waits),
        residence=residence, bans=tuple(saved.bans),
    )  # fmt: skip


def _session(saved: SavedSession, at: float) -> SavedSession:
    return replace(
        saved, seen=at - saved.seen, proved=_time(at, saved.proved), kept=_time(at, saved.kept),
        place=saved.place and _place(saved.place, at),
    )  # fmt: skip


def _place(saved: SavedPlace, at: float) -> SavedPlace:
    return replace(saved, away=_time(at, saved.away))


def _time(at: float, age: float | None) -> float | None:
    return None if age is None else at - age
