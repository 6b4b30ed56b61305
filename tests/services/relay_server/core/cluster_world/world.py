"""A history: nodes, a directory and people, what breaks meanwhile, and what must be true all the same."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chatproto import Server
from relay_server.core.errors import BusyError
from relay_server.core.home_actions import ProbeDirectly
from relay_server.core.homes import Homes
from relay_server.core.known_room import is_same_room, rank_of
from relay_server.core.model import Member, Room
from relay_server.core.records import RoomRecord
from relay_server.core.tickets import Seat
from services.relay_server.core.cluster_world.clock import Clock
from services.relay_server.core.cluster_world.directory import SimDirectory
from services.relay_server.core.cluster_world.node import Done, SimNode
from services.relay_server.core.cluster_world.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

HISTORY_SECONDS = 15.0
HEALING_SECONDS = 14.0
ANSWERED_SECONDS = 0.05
STEADY_SECONDS = 5.0
"""A node that ran and was reached for so long may not be taken for dead."""


RoomId = tuple[bytes, int]


class BrokenError(AssertionError):
    """Something isn't true that must be."""


class World:
    """Everything there is, from a seed."""

    server = Server("192.0.2.1:9000")

    def __init__(
        self, seed: int, *, make_homes: Callable[..., Homes[Any]] = Homes, nodes: int = 3, people: int = 5
    ) -> None:
        self.clock = Clock(seed)
        self.make_homes = make_homes
        self.journals = True
        """Whether nodes that are started again may have a journal."""
        self.reclaimed = 0
        self.resume_seconds = self.clock.chance.choice([8.0, 120.0, 120.0])
        self.directory = SimDirectory(self.clock, self._check_write)
        self.names = [b"red", b"green"]
        self.quiet = False
        self.happened: list[str] = []
        self.cut_links: dict[frozenset[str], float] = {}
        self._healed_at: dict[str, float] = {}
        self._ended: set[RoomId] = set()
        self._replaced: set[bytes] = set()
        self._acknowledged: dict[RoomId, int] = {}
        """How many changes of each room the directory told that it has."""
        self._kicks: dict[tuple[RoomId, int], tuple[Room, int]] = {}
        self._lost_writes = False
        self.nodes: list[SimNode] = []
        self.people = [Person(self, number) for number in range(people)]
        for number in range(nodes):
            node = SimNode(self, f"node{number}")
            self.nodes.append(node)
            self.directory.nodes.append(node)
        for person in self.people:
            self.clock.after(self.clock.chance.random(), partial(self._live, person))

    def run(self) -> None:
        """Live through a history, heal, and check what is left."""
        self._break_something()
        self.clock.run(HISTORY_SECONDS)
        self._heal()
        rooms = {id_of(room) for _, room in self.copies()}
        self.clock.run(HISTORY_SECONDS + HEALING_SECONDS)
        while any(node.homes.calls for node in self.nodes):  # a room may end at this very moment
            self.clock.run(self.clock.now + ANSWERED_SECONDS)
        self._check_homes()
        self._check_rooms(rooms)
        self._check_people()

    def copies(self) -> "Iterator[tuple[SimNode, Room]]":
        for node in self.nodes:
            if node.alive:
                for room in node.registry.rooms.values():
                    yield node, room

    # networks

    def probe(self, node: SimNode, probe: ProbeDirectly, reply: Callable[[Any], None]) -> None:
        target = next(one for one in self.nodes if one.name == probe.node.name)
        answers: list[bool] = []

        def answer(*, alive: bool) -> None:
            answers.append(alive)
            if len(answers) == 1:
                reply(alive)

        if not target.alive or probe.node.link_fingerprint != target.told.link_fingerprint:
            self.clock.after(0.002, lambda: answer(alive=False))
            return
        self.clock.after(probe.seconds, lambda: answer(alive=False))
        if frozenset({node.name, target.name}) not in self.cut_links:  # who is stopped answers when it goes on
            run, seconds = target.run, self.clock.chance.uniform(0.002, 0.05)
            target.deliver(lambda: answer(alive=True), seconds)
            # With a process that ends, or is replaced, the connection ends.
            self.clock.after(seconds, lambda: None if target.run == run and target.alive else answer(alive=False))

    def carry(self, home: Any, room: bytes, name: str, ip: bytes, seat: Seat | None, done: Done) -> None:
        """Let a client join at the node where it was sent to."""
        target = next(one for one in self.nodes if one.name == home.name)
        if target.runs:
            target.deliver(partial(target.enter, room, name, ip, seat, done, carried=True), 0.01)
        else:
            self.clock.after(0.5, lambda: done(BusyError()))

    # what breaks

    def _live(self, person: Person) -> None:
        person.step()
        self.clock.after(self.clock.chance.uniform(0.1, 0.9), lambda: self._live(person))

    def _break_something(self) -> None:
        chance = self.clock.chance
        if self.quiet:
            return
        node = chance.choice(self.nodes)
        breaks = [self._kill, self._kill_for_a_moment, self._pause, self._cut_off, self._cut_link, self._restart]
        what = chance.choice([*breaks, self._give, self._replace])
        what(node)
        self.clock.after(chance.expovariate(0.5), self._break_something)

    def _note(self, what: str) -> None:
        self.happened.append(f"{self.clock.now:8.3f} {what}")

    def _kill(self, node: SimNode) -> None:
        if node.alive:
            self._note(f"kill {node.name}")
            node.kill()
            self.clock.after(self.clock.chance.uniform(0.2, 10.0), lambda: self._start(node))

    def _kill_for_a_moment(self, node: SimNode) -> None:
        """Let a supervisor start a node again, which has its journal."""
        if node.alive:
            self._note(f"kill {node.name} for a moment")
            node.kill()
            seconds = self.clock.chance.choice([0.1, 0.4, 3.0]) * self.clock.chance.random()
            self.clock.after(seconds, lambda: self._start(node, from_journal=self.journals))

    def _start(self, node: SimNode, *, from_journal: bool = False) -> None:
        if not node.alive:
            self._note(f"start {node.name}{' from its journal' * from_journal}")
            node.start(from_journal=from_journal)
            self._healed_at[node.name] = self.clock.now

    def _pause(self, node: SimNode) -> None:
        if node.runs:
            seconds = self.clock.chance.choice([0.4, 1.0, 4.0, 8.0]) * self.clock.chance.random()
            self._note(f"pause {node.name} for {seconds:.3f}")
            node.pause(seconds)
            self.clock.after(seconds, lambda: self._healed_at.update({node.name: self.clock.now}))

    def _cut_off(self, node: SimNode) -> None:
        if node.name not in self.directory.cut:
            seconds = self.clock.chance.uniform(0.2, 12.0)
            self._note(f"cut {node.name} off for {seconds:.3f}")
            self.directory.cut_off(node)
            self.clock.after(seconds, lambda: self.directory.cut.discard(node.name))

    def _cut_link(self, node: SimNode) -> None:
        other = self.clock.chance.choice([one for one in self.nodes if one is not node])
        pair, seconds = frozenset({node.name, other.name}), self.clock.chance.uniform(0.2, 12.0)
        self._note(f"cut {node.name} and {other.name} for {seconds:.3f}")
        self.cut_links[pair] = self.clock.now + seconds
        self.clock.after(seconds, lambda: self._mend_link(pair))

    def _mend_link(self, pair: frozenset[str]) -> None:
        if self.cut_links.pop(pair, None) is not None:
            for name in pair:
                self._healed_at[name] = self.clock.now

    def _restart(self, _: SimNode) -> None:
        if not self.directory.up:
            return
        seconds, lost = self.clock.chance.uniform(0.1, 4.0), self.clock.chance.choice([0, 0, 1, 2, 4])
        self._note(f"restart the directory for {seconds:.3f}, {lost} writes lost")
        self.directory.restart(seconds, lost)
        self._lost_writes = self._lost_writes or lost > 0
        if lost:
            self._acknowledged = {id_of(record): record.changes for record in self.directory.records}

    def _give(self, node: SimNode) -> None:
        others = [one for one in self.nodes if one is not node and one.alive]
        if node.runs and node.registry.rooms and others:
            room, to = self.clock.chance.choice(sorted(node.registry.rooms)), self.clock.chance.choice(others)
            self._note(f"give {room!r} of {node.name} to {to.name}")
            node.homes.hand_over(room, to.told, None, self.clock.now)
            node.settle()

    def _replace(self, node: SimNode) -> None:
        if node.runs and not node.homes.reclaims:
            self._note(f"replace {node.name}")
            node.replace()

    def _heal(self) -> None:
        self._note("heal")
        self.quiet = True
        self.directory.loses = 0.0
        self.directory.cut.clear()
        self.cut_links.clear()
        self.directory.up = True
        for node in self.nodes:
            self._start(node)
            node.wake()
            self._healed_at[node.name] = self.clock.now

    # what must be true

    def note_kick(self, member: Member) -> None:
        assert member.room.residence is not None
        self._kicks[id_of(member.room), member.seat] = member.room, member.room.residence.term

    def note_return(self, node: SimNode, room: Room, seat: Seat) -> None:
        kicked_from, term = self._kicks.get((id_of(room), seat.number), (None, 0))
        assert room.residence is not None
        was_told = room.residence.term >= term and self._is_acknowledged(id_of(room), seat.number)
        if kicked_from is not None and (kicked_from is room or was_told):
            raise BrokenError(f"seat {seat.number} of {room.name} came back to {node.name}, from where it was kicked")

    def note_acknowledged(self, record: RoomRecord) -> None:
        kept = self.directory.record(record.room.decode())
        if kept is not None and id_of(kept) == id_of(record) and kept.changes >= record.changes:
            known = self._acknowledged.get(id_of(record), 0)  # else the directory lost it meanwhile
            self._acknowledged[id_of(record)] = max(known, record.changes)

    def note_end(self, room: Room) -> None:
        self._ended.add(id_of(room))

    def note_reclaimed(self, node: SimNode, room: Room) -> None:
        """Check that nobody who was in a room is served by two homes, and that nobody is back who was kicked."""
        self.reclaimed += 1
        self._note(f"{node.name} has {room.name} again, with {len(room.members)}")
        assert room.residence is not None
        mine = rank_of(node.record(room))
        for other, copy in self.copies():
            is_newer = other is not node and copy.name == room.name and rank_of(other.record(copy)) >= mine
            if is_newer and not self._lost_writes:
                raise BrokenError(f"{room.name} is at {other.name}, and {node.name} serves it again")
        for member in room.members:
            _, term = self._kicks.get((id_of(room), member.seat), (None, -1))
            was_here = term == room.residence.term - 1 and not self._lost_writes
            if was_here or (term >= 0 and self._is_acknowledged(id_of(room), member.seat)):
                raise BrokenError(f"{member.name} is in {room.name} again, from where it was kicked")

    def note_refused(self, room: Room, seat: Seat) -> None:
        """Take note that a ticket was good for nothing, and check that it is so for a reason."""
        self._note(f"{seat.name} is refused in {room.name}")
        residence = room.residence
        assert residence is not None
        reasons = (
            seat.number < residence.first_seat, seat.number in residence.kicked,
            seat.password_revision < residence.password_revision,
            self.clock.now >= residence.takes_tickets_until,
            any(member.name == seat.name for member in room.members),
        )  # fmt: skip
        if not any(reasons):
            raise BrokenError(f"{seat.name} was refused its seat in {room.name}")

    def _is_acknowledged(self, room: RoomId, seat: int) -> bool:
        return any(id_of(record) == room and seat in record.kicked for record in self.directory.records)

    def _check_write(self, node: SimNode, old: RoomRecord | None, new: RoomRecord | None) -> None:
        if old is None or new is None:
            return
        if id_of(new) != id_of(old):
            self._replaced.add(new.room)
        is_same_home = (new.home, new.home_since) == (old.home, old.home_since)
        if rank_of(new) < rank_of(old) or (rank_of(new) == rank_of(old) and not is_same_home):
            raise BrokenError(f"the term of {new.room!r} went from {old.term} to {new.term}")
        is_over = id_of(new) in self._ended  # at a home that adopted it, while this node was hung
        if new.changes <= self._acknowledged.get(id_of(new), 0) and not is_over:
            raise BrokenError(f"{node.name} wrote {new.room!r} as it was before something was acknowledged")
        victim = next(one for one in self.nodes if one.name == old.home)
        if victim is node or victim.told.started_at != old.home_since or not victim.runs:
            return
        steady = self.clock.now - max(self._healed_at.get(name, 0.0) for name in (victim.name, node.name))
        is_cut = frozenset({victim.name, node.name}) in self.cut_links
        is_there, is_here = (
            any(id_of(room) == id_of(old) for room in one.registry.rooms.values()) for one in (victim, node)
        )
        if victim.told.link_fingerprint not in node.heard:
            return  # it doesn't know where to probe it
        if is_there and not is_here and not is_cut and steady > STEADY_SECONDS and new.term == old.term + 1:
            raise BrokenError(f"{node.name} took {new.room!r} from {victim.name}, which lives")

    def _check_homes(self) -> None:
        """There is one home of each room, and all know it."""
        held: dict[bytes, str] = {}
        for node, room in self.copies():
            if room.raw_name in held:
                raise BrokenError(f"{room.name} is at {held[room.raw_name]} and at {node.name}")
            held[room.raw_name] = node.name
        for node, room in self.copies():
            record = self.directory.record(room.raw_name.decode())
            if record is None or not is_same_room(record, replace(node.record(room), ring=record.ring)):
                raise BrokenError(f"the directory tells other things of {room.name} than {node.name}: {record}")
        for node in self.nodes:
            self._check_view(node)

    def _check_view(self, node: SimNode) -> None:
        """Check that a node knows what the directory has, and that it left nobody without an answer."""
        if node.waiting:
            raise BrokenError(f"{node.name} left {node.waiting} without an answer")
        if node.homes.known != len(self.directory.records):
            raise BrokenError(f"{node.name} knows {node.homes.known} rooms")
        for record in self.directory.records:
            home = node.homes.find(record.room, self.clock.now)
            if record.home != node.name and (home is None or home.name != record.home):
                raise BrokenError(f"{node.name} doesn't know the home of {record.room!r}")
            is_home = (record.home, record.home_since) == (node.name, node.told.started_at)
            if is_home and record.room not in node.registry.rooms:
                raise BrokenError(f"{node.name} keeps the record of {record.room!r}, which it doesn't have")

    def _check_rooms(self, rooms: set[RoomId]) -> None:
        """Check that no room is lost while a node lives that had it: who comes finds it."""
        left = {id_of(room) for _, room in self.copies()} | {id_of(record) for record in self.directory.records}
        for one in rooms:
            is_replaced = one[0] in self._replaced or self._lost_writes
            if one not in left and one not in self._ended and not is_replaced:
                raise BrokenError(f"{one[0]!r} is lost")

    def _check_people(self) -> None:
        """Who wants to be in a room is in it again."""
        for person in self.people:
            if person.seat is not None and self.resume_seconds > HEALING_SECONDS and not person.is_in:
                raise BrokenError(f"{person.name} is not in {person.room!r} again")


def id_of(room: Room | RoomRecord) -> RoomId:
    """Return what tells a room from others of its name."""
    if isinstance(room, RoomRecord):
        return room.room, room.first_seat
    assert room.residence is not None
    return room.raw_name, room.residence.first_seat


def live_through(seed: int, **more: Any) -> World:
    """Live through a history; a broken one is told with what happened in it."""
    world = World(seed, **more)
    try:
        world.run()
    except BrokenError as error:
        raise BrokenError("\n".join([f"seed {seed}: {error}", *world.happened])) from error
    return world
