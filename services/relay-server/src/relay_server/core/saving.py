"""Rooms, members and the lobby as lines of state: all there is, and what changed since (see `state`)."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from relay_server.core.changes import Changes, Noted
from relay_server.core.endpoint import Locate
from relay_server.core.lobby import Lobby, LobbyClient
from relay_server.core.model import Member, Room
from relay_server.core.registry import Registry
from relay_server.core.state import Clock, Item, LobbyClientGone, MemberGone, Moment, RoomGone, encode_line
from relay_server.core.state_writer import StateWriter

SLICE: Final = 100
"""So many rooms, members and clients are written at once; more would make others wait."""

Thing: TypeAlias = Room | Member | LobbyClient


class Saving:
    """Writes down what is, and then what changes; each who keeps lines somewhere has one of its own."""

    def __init__(self, registry: Registry, lobby: Lobby | None, locate: Locate) -> None:
        """``lobby`` is None for a relay without one."""
        self._registry = registry
        self._clients = {} if lobby is None else lobby.clients_by_remote
        self._sources: list[Changes] = [registry.changes] if lobby is None else [registry.changes, lobby.changes]
        self._locate = locate
        self._writer = StateWriter(registry, locate)
        self._noted = Noted(lambda: None)
        self._unwritten: dict[Room, None] = {}
        """Rooms that a `Bulk` hasn't come to yet."""
        self._rings: dict[Room, tuple[str, int]] = {}
        """Up to where rings were written: epoch and number."""

    def watch(self, on_change: Callable[[], None]) -> None:
        """Note from now on what changes; ``on_change`` is called when `changes` has something to write again."""
        self.stop()
        self._noted = Noted(on_change)
        for changes in self._sources:
            changes.listen(self._noted)

    def stop(self) -> None:
        """Note nothing more."""
        for changes in self._sources:
            changes.forget(self._noted)

    def changes(self, moment: Moment) -> list[bytes]:
        """Write what changed since this was called last; the first line is a clock, if there are any."""
        return _lines(self._changed(self._noted.take(), moment.now), moment)

    def bulk(self) -> "Bulk":
        """Begin to write all there is; `watch` comes first, so that nothing is lost that changes meanwhile.

        Its lines and those of `changes` may stand in one file, in the order in which they are written.
        """
        self._unwritten = dict.fromkeys(self._registry.rooms.values())
        self._rings = {}
        return Bulk(self._all(), self._write)

    def rest(self, since: float, moment: Moment) -> list[bytes]:
        """Write what changed, and who was heard at this time (monotonic) or later, which messages change.

        It may be called again with the time of the last call, so that the last one has little to write.
        """
        noted = self._noted.take()
        noted += [one.member for one in self._registry.sessions_by_token.values() if one.seen_at >= since]
        noted += [one for one in self._clients.values() if one.seen_at >= since]
        return _lines(self._changed(noted, moment.now), moment)

    def rings(self) -> Iterator[list[bytes]]:
        """Write the entries of all rings that weren't written yet, in slices; for who takes over at once (STR-05).

        Who was away loses its numbering: other clients may have read other entries since.
        """
        self._rings = {room: known for room, known in self._rings.items() if self._is_open(room)}
        for room in list(self._registry.rooms.values()):
            while self._is_open(room) and (piece := self._writer.ring(room, self._rings.get(room))) is not None:
                self._rings[room] = piece.epoch, piece.after + len(piece.entries)
                yield [encode_line(piece)]

    def _all(self) -> Iterator[Thing]:
        """Go through all, over several slices: who goes meanwhile, and who comes, is for `changes`."""
        for room in list(self._unwritten):
            self._unwritten.pop(room, None)
            yield room
            yield from list(room.members)
        yield from list(self._clients.values())

    def _write(self, things: Iterable[Thing], now: float) -> Iterator[Item]:
        """Write what of these is there."""
        for thing in things:
            if self._is_there(thing):
                match thing:
                    case Room():
                        yield self._writer.room(thing, now)
                    case Member():
                        yield self._writer.member(thing, now)
                    case _:
                        yield self._writer.client(thing, now)

    def _changed(self, noted: Iterable[Hashable], now: float) -> Iterator[Item]:
        """Write what is gone first: somebody else may have its name by now. A room comes before its members."""
        things = dict.fromkeys(noted)
        rooms = [thing for thing in things if isinstance(thing, Room)]
        members = [thing for thing in things if isinstance(thing, Member)]
        clients = [thing for thing in things if isinstance(thing, LobbyClient)]
        unwritten = {member.room: None for member in members if member.room in self._unwritten}
        yield from (RoomGone(room=room.raw_name) for room in rooms if not self._is_open(room))
        for member in members:
            if self._is_open(member.room) and not self._is_there(member):
                yield MemberGone(room=member.room.raw_name, name=member.name)
        for client in clients:
            if not self._is_there(client):
                yield LobbyClientGone(address=self._writer.address(client.address))
        yield from self._write([*dict.fromkeys([*rooms, *unwritten]), *members, *clients], now)

    def _is_there(self, thing: Thing) -> bool:
        match thing:
            case Room():
                return self._is_open(thing)
            case Member():
                return thing in thing.room.members and self._is_open(thing.room)
            case _:
                return self._clients.get(self._locate(thing.address).remote) is thing

    def _is_open(self, room: Room) -> bool:
        return self._registry.rooms.get(room.raw_name) is room


class Bulk:
    """All there is, piece by piece."""

    def __init__(self, things: Iterator[Thing], write: Callable[[Iterable[Thing], float], Iterator[Item]]) -> None:
        self._things = things
        self._write = write

    def take(self, moment: Moment) -> list[bytes]:
        """Write the next slice as it is now, with a clock first; nothing when all was written."""
        while things := list(islice(self._things, SLICE)):
            if lines := _lines(self._write(things, moment.now), moment):
                return lines  # else all of these are gone
        return []


def _lines(items: Iterable[Item], moment: Moment) -> list[bytes]:
    lines = list(map(encode_line, items))
    return [encode_line(Clock(at=moment.at)), *lines] if lines else []
