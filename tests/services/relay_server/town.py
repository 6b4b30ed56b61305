"""A cluster in memory, for tests of control: each node's places, and one list of rooms that all of them read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chatproto import ProtocolError, Server
from relay_server.core.counters import ClusterCounters
from relay_server.core.errors import BusyError, RoomExistsError
from relay_server.core.model import Residence, Room, Session
from relay_server.core.places import NewRoom, Node, Told
from relay_server.core.records import RoomRecord, record_of
from relay_server.core.registry import Registry
from relay_server.core.tickets import Seat, Tickets

AWAY = "The relay's directory of rooms can't be reached now: try again in a moment."


@dataclass
class Town:
    """What all nodes share."""

    records: dict[bytes, RoomRecord] = field(default_factory=dict)
    homes: dict[bytes, str] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    is_up: bool = True
    seats: int = 1000


class TownPlaces:
    """What one node knows; it answers when it is told to."""

    def __init__(self, town: Town, name: str, registry: Registry, *, fingerprint: str = "") -> None:
        self.counters = ClusterCounters()
        self.waiting: list[Callable[[], None]] = []
        """Answers that are still to be given."""
        self._town = town
        self._name = name
        self._registry = registry
        self._tickets = Tickets(b"the key of the town")
        self._chance = 0
        town.nodes[name] = Node(name, Server(f"{name}:9000", fingerprint), name, 9001, 9004, name, 1.0)
        registry.on_change = self.changed
        registry.on_close = self.closed

    def answer(self) -> None:
        """Give all answers."""
        waiting, self.waiting = self.waiting, []
        for tell in waiting:
            tell()

    def servers(self, room: bytes) -> tuple[Server, ...]:  # noqa: ARG002
        names = [self._name, *(name for name in self._town.nodes if name != self._name)]
        return tuple(self._town.nodes[name].server for name in names if name not in self._town.dead)

    def check_new(self, room: bytes) -> None:
        if not self._town.is_up:
            raise BusyError(AWAY)
        if room in self._town.homes:
            raise RoomExistsError

    def claim(self, new: NewRoom, done: Told) -> None:
        def answer() -> None:
            error = self._try(lambda: self.check_new(new.name))
            if error is None:
                self._town.homes[new.name] = self._name
            done(error)

        self.waiting.append(answer)

    def residence(self, room: bytes) -> Residence:
        assert self._town.homes[room] == self._name
        self._town.seats += 1000
        return Residence(self._town.seats, self._town.seats - 1)

    def release(self, room: bytes) -> None:
        assert self._town.homes.pop(room) == self._name

    def find(self, room: bytes, *, doubted: bool = False) -> Node | None:
        home = self._town.homes.get(room)
        is_elsewhere = home is not None and home != self._name and home not in self._town.dead
        return self._town.nodes[home] if home is not None and is_elsewhere and not doubted else None

    def look(self, room: bytes, done: Told) -> None:
        self.waiting.append(lambda: done(self._try(lambda: self._adopt(room))))

    def new_ticket(self, session: Session, *, encrypted: bool) -> str:
        member, residence = session.member, session.member.room.residence
        assert residence is not None
        self._chance += 1
        seat = Seat(
            member.room.raw_name, member.name, member.seat, session.turn, residence.password_revision, session.ip,
            encrypted, 0,
        )  # fmt: skip
        return self._tickets.issue(seat, self._chance.to_bytes(16))

    def read_ticket(self, text: str) -> Seat | None:
        return self._tickets.read(text)

    def changed(self, room: Room) -> None:
        assert room.residence is not None
        self._town.records[room.raw_name] = record_of(room, room.residence, home=self._name, home_since=1.0)

    def closed(self, room: Room) -> None:
        if self._town.homes.get(room.raw_name) == self._name:
            del self._town.homes[room.raw_name], self._town.records[room.raw_name]

    def _adopt(self, room: bytes) -> None:
        if not self._town.is_up:
            raise BusyError(AWAY)
        home = self._town.homes.get(room)
        if home in self._town.dead:
            self._town.homes[room] = self._name
            self._town.seats += 1000
            self._registry.returning.open_room(self._town.records[room], self._town.seats, 0.0)

    @staticmethod
    def _try(what: Callable[[], None]) -> ProtocolError | None:
        try:
            what()
        except ProtocolError as error:
            return error
        return None
