"""What another process saved, made true here (see `state`)."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from relay_server.core.ages import Ages
from relay_server.core.endpoint import Address, MakeAddress
from relay_server.core.lobby import Lobby
from relay_server.core.model import Residence, Room
from relay_server.core.records import bans_of
from relay_server.core.registry import Registry
from relay_server.core.restoring_members import RestoringMembers
from relay_server.core.state import (
    Clock,
    Header,
    Item,
    LobbyClientGone,
    MemberGone,
    Moment,
    RoomGone,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedResidence,
    SavedRing,
    SavedRoom,
    StateError,
    check_format,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Restoring:
    """Puts rooms, members and the lobby's clients into place, one after the other, and tells nobody.

    Nobody is asked whether there is room for them, either: there was.
    """

    def __init__(
        self, registry: Registry, lobby: Lobby | None, make_address: MakeAddress, moment: Moment, *, handed_over: bool
    ) -> None:
        """``moment`` is now, by both clocks: ages count by the one that other processes have, too.

        Without ``handed_over`` the relay was away: everybody counts as heard now, and numberings are begun anew.
        ``lobby`` is None for a relay without one, which forgets its clients.
        """
        self._registry = registry
        self._lobby = lobby
        self._make_address = make_address
        self._ages = Ages(moment, handed_over=handed_over)
        self._members = RestoringMembers(registry, make_address, self._ages)
        self._hosts: dict[Room, str | None] = {}
        """Of all rooms that were told of, the names of their hosts."""
        self._ringed: dict[Room, None] = {}
        """Rooms whose rings were handed over. Each counts one stream more, so that none ends before `finish`."""
        self._acts: dict[type[Any], Callable[[Any], object]] = {
            Header: check_format, Clock: self._ages.set_clock, SavedRoom: self._put_room, RoomGone: self._drop_room,
            SavedMember: self._put_member, MemberGone: self._drop_member, SavedRing: self._put_entries,
            SavedLobbyClient: self._put_client, LobbyClientGone: self._drop_client,
        }  # fmt: skip

    def apply(self, item: Item) -> None:
        """Make true what an item tells, in place of what was told before.

        Raises:
            StateError: it can't be true; `undo` takes back all the rest.

        """
        self._acts[type(item)](item)

    def finish(self, now: float) -> None:
        """Take it that all was told: hosts are who they were, and members stand in the order in which they came."""
        self._members.finish(now)
        for room in self._ringed:
            self._let_ring_end(room)
        self._ringed.clear()
        registry = self._registry
        for room, host in self._hosts.items():
            if any(one.joined_at > later.joined_at for one, later in pairwise(room.members)):
                room.members = dict(sorted(room.members.items(), key=lambda one: one[0].joined_at))
            room.host = next((member for member in room.members if member.name == host), None)
            # Without a host and a deadline it would stay for ever.
            if room.host is None and room not in registry.hostless and room not in registry.returning.waiting:
                registry.hostless.add(room, now)

    def undo(self) -> None:
        """Take back everything, and tell nobody."""
        for room in list(self._hosts):
            self._close(room)
        if self._lobby is not None:
            for client in list(self._lobby.clients_by_remote.values()):
                self._lobby.take_out(client.address)

    def _put_room(self, saved: SavedRoom) -> None:
        room = self._registry.rooms.get(saved.room) or self._make_room(saved)
        self._hosts[room] = saved.host
        room.host_was = saved.host_was
        room.password_hash, room.topic, room.bans = saved.password_hash, saved.topic, bans_of(saved.bans)
        mutes = {key: frozenset(keys) for keys in saved.mutes for key in keys}
        if mutes != room.mutes:
            room.mutes = mutes
            self._members.judge_mutes(room)
        room.residence = _residence(saved.residence, room.residence, self._ages)
        for deadlines, age in (
            (self._registry.hostless, saved.hostless),
            (self._registry.returning.waiting, saved.waits),
        ):
            if age is None:
                deadlines.discard(room)
            else:
                deadlines.add(room, self._ages.when(age))

    def _make_room(self, saved: SavedRoom) -> Room:
        room = Room(saved.room.decode(), saved.room, saved.network, created_at=self._ages.when(saved.created))
        room.sealed = saved.sealed
        self._registry.rooms[saved.room] = room
        self._registry.admission.rooms.add(saved.network)
        return room

    def _drop_room(self, gone: RoomGone) -> None:
        room = self._registry.rooms.get(gone.room)
        if room is not None:
            self._close(room)

    def _close(self, room: Room) -> None:
        registry = self._registry
        del registry.rooms[room.raw_name], self._hosts[room]
        registry.admission.rooms.remove(room.network)
        registry.hostless.discard(room)
        registry.returning.end(room)
        for member in list(room.members):
            self._registry.take_out(member)
        self._ringed.pop(room, None)
        registry.streams.end_ring(room)

    def _put_member(self, saved: SavedMember) -> None:
        self._members.put(self._room(saved.room), saved)

    def _drop_member(self, gone: MemberGone) -> None:
        room = self._registry.rooms.get(gone.room)
        member = next((one for one in room.members if one.name == gone.name), None) if room is not None else None
        if member is not None:
            self._registry.take_out(member)

    def _room(self, name: bytes) -> Room:
        room = self._registry.rooms.get(name)
        if room is None:
            raise StateError("it has a line about a room that it doesn't have")
        return room

    def _put_entries(self, saved: SavedRing) -> None:
        """Let a ring go on where it was; what is gone in between, or another numbering, begins it anew."""
        room = self._room(saved.room)
        rings = self._registry.streams.rings
        if room not in self._ringed:
            self._ringed[room] = None
            room.stream_sessions += 1
        ring = room.ring
        if ring is None or (ring.epoch, ring.seq) != (saved.epoch, saved.after):
            self._registry.streams.end_ring(room)
            if rings.has(saved.epoch):
                raise StateError("it has one numbering of two rooms")
            ring = room.ring = rings.make(saved.epoch, saved.after)
        members = {member.name: member for member in room.members}
        for entry in saved.entries:
            owner = members.get(entry.owner) if entry.owner is not None else None
            own = entry.own.encode() if owner is not None else b""
            ring.add(entry.line.encode(), owner, own, is_message=entry.is_message)

    def _let_ring_end(self, room: Room) -> None:
        room.stream_sessions -= 1
        if not room.stream_sessions and room not in self._registry.returning.waiting:
            self._registry.streams.end_ring(room)

    def _put_client(self, saved: SavedLobbyClient) -> None:
        if self._lobby is not None:
            self._lobby.put(saved.name, self._address(saved.address), self._ages.since(saved.seen), self._ages.present)

    def _drop_client(self, gone: LobbyClientGone) -> None:
        if self._lobby is not None:
            self._lobby.take_out(self._address(gone.address))

    def _address(self, saved: SavedAddress) -> Address:
        return self._make_address(saved.ip, saved.port, scope=saved.scope, local_ip=saved.local_ip)


def _residence(saved: SavedResidence | None, before: Residence | None, ages: Ages) -> Residence | None:
    """Return what a room is known by, with the numbers of the members that are in place."""
    if saved is None:
        return None
    residence = Residence(
        saved.first_seat, saved.seats, saved.term, saved.changes, saved.host_seat, saved.kicked, saved.password_revision
    )
    if before is not None:
        residence.numbers = before.numbers
    if saved.took_tickets is not None:
        residence.takes_tickets_until = ages.when(saved.took_tickets)
    return residence
