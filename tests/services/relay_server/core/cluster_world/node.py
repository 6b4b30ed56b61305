"""A node: a real registry and real `Homes`, and what joins them as a program does."""

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from chatproto import EvictionReason, ProtocolError
from relay_server.core.counters import ClusterCounters
from relay_server.core.errors import BusyError, NoSeatError, NoSuchRoomError, RoomExistsError
from relay_server.core.home_actions import (
    Action,
    AskOverBus,
    Call,
    CallFailure,
    CloseRoom,
    Create,
    ForgetRoom,
    Found,
    OpenRoom,
    Outcome,
    ProbeDirectly,
    Put,
    Tell,
)
from relay_server.core.model import Member, Residence, Room
from relay_server.core.places import Node
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.records import RoomRecord, record_of, seats_at
from relay_server.core.registry import Registry
from relay_server.core.saving import Saving
from relay_server.core.state import FORMAT, Header, Moment, encode_line
from relay_server.core.state_reader import StateReader
from relay_server.core.tickets import Seat
from relay_server.net.address import locate, make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces

if TYPE_CHECKING:
    from relay_server.core.homes import Homes
    from services.relay_server.core.cluster_world.world import World

EPOCH = 1_000_000_000
"""What the time was when all began, in seconds since 1970."""
TICK_SECONDS = 0.5
RECLAIM_SECONDS = 10.0
"""So long rooms of a journal wait for the directory."""

Done = Callable[[Member | ProtocolError], None]
_REFUSALS: dict[Outcome, type[ProtocolError]] = {
    Outcome.TAKEN: RoomExistsError, Outcome.AWAY: BusyError, Outcome.BUSY: BusyError, Outcome.NOBODY: NoSuchRoomError
}  # fmt: skip


class SimNode:
    """A process that may be stopped, killed and started again."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.paused_at: float | None = None
        self.session: int | None = None
        """Its connection to the directory."""
        self.on_bus = False
        self._backlog: deque[tuple[int, Callable[[], None]]] = deque()
        self._run = 0
        self._sessions = count(1)
        self._inbox: deque[tuple[int, float, Callable[[float], None]]] = deque()
        self._watched_at = 0.0
        self._moves = False
        self._tokens = count()
        self._journal: list[bytes] = []
        """What the journal had when the process was killed."""
        self.start()

    @property
    def runs(self) -> bool:
        return self.alive and self.paused_at is None

    @property
    def run(self) -> int:
        """Which of its processes it is."""
        return self._run

    @property
    def told(self) -> Node:
        return self._me

    def start(self, *, from_journal: bool = False) -> None:
        now = self.world.clock.now
        self._run += 1
        self.alive, self.paused_at = True, None
        self._me = Node(self.name, self.world.server, self.name, 9001, 9004, f"{self.name}{self._run}", EPOCH + now)
        self.counters = ClusterCounters()
        self.homes = self._new_homes()
        policy = unlimited(resume_seconds=self.world.resume_seconds)
        self.registry = Registry(policy, lambda _: None, new_nonces(), locate)
        self.registry.on_change = self._note_change
        self.registry.on_close = self._note_close
        self.heard: set[str] = set()
        """Who told this run of it where to probe it."""
        self.waiting = 0
        """How many were not told yet what they asked."""
        self.reclaiming = Reclaiming(self.registry, policy, make_address)
        if from_journal:
            self._read_journal()
        self._tick(self._run)

    def _new_homes(self) -> "Homes[Callable[[Outcome], None]]":
        return self.world.make_homes(
            self._me, key_of=bytes.decode, resume_seconds=self.world.resume_seconds, counters=self.counters,
            began_at=self.world.clock.now,
        )  # fmt: skip

    def replace(self) -> None:
        """Let another process be this node: who waits is sent away, and what was asked or written gets no answer."""
        self._run += 1
        self.waiting = 0
        old, self.homes, self.session = self.homes, self._new_homes(), None
        records = [self.record(room) for room in self.registry.rooms.values()]
        self.homes.take_over(records, old.closing, old.nodes)
        self._tick(self._run)

    def kill(self) -> None:
        self._write_journal()
        self.alive, self.session, self.on_bus = False, None, False
        self._backlog.clear()

    def _write_journal(self) -> None:
        """Keep what a journal has at any time: what is here, and what still waits to be reclaimed."""
        now = self.world.clock.now
        bulk = Saving(self.registry, None, locate, self._me.started_at).bulk()
        header = Header(format=FORMAT, formats=(FORMAT,), version="")
        self._journal = [encode_line(header), *map(encode_line, self.reclaiming.items())]
        while lines := bulk.take(Moment(now, EPOCH + now)):
            self._journal += lines

    def _read_journal(self) -> None:
        reader = StateReader()
        for line in self._journal:
            reader.take(line)
        self.reclaiming.wait(reader.state)
        self.homes.reclaim(self.reclaiming.tenancies, self.world.clock.now + RECLAIM_SECONDS)

    def pause(self, seconds: float) -> None:
        session = self.session
        self.paused_at = self.world.clock.now
        run = self._run
        self.world.clock.after(4.0, lambda: self._drop_paused(session, run))
        self.world.clock.after(seconds, lambda: self.wake() if run == self._run else None)

    def deliver(self, what: Callable[[], None], seconds: float = 0.0, run: int | None = None) -> None:
        """Let something happen to this run of the process."""
        run = run or self._run

        def arrive() -> None:
            if not self.alive or run != self._run:
                return
            if self.paused_at is not None:
                self._backlog.append((run, what))
                return
            what()
            self.settle()

        self.world.clock.after(seconds, arrive)

    # the directory's connection

    def watch(self, key: str, revision: int, record: RoomRecord | None) -> None:
        if self.session is None:
            return
        chance = self.world.clock.chance
        slow = chance.random() < 0.05
        due = self.world.clock.now + (chance.uniform(0.1, 2.0) if slow else chance.uniform(0.001, 0.02))
        self._watched_at = max(self._watched_at, due)
        self._bring(self.session, self._watched_at, lambda now: self.homes.on_change(key, revision, record, now))

    def hear_beat(self, node: Node, seconds: float) -> None:
        def hear() -> None:
            self.heard.add(node.link_fingerprint)
            self.homes.on_beat(node, self.world.clock.now)

        self.deliver(hear, seconds)

    def lose(self, session: int | None) -> None:
        """Notice that the connection is gone."""
        if self.session is not None and self.session == session:
            self.session = None
            self.deliver(lambda: self.homes.on_away(self.world.clock.now))

    def leave_bus(self, session: int | None) -> None:
        if self.session == session:
            self.on_bus = False

    def _connect(self) -> None:
        directory = self.world.directory
        if self.session is not None or not directory.reaches(self):
            return
        self.session, self.on_bus = next(self._sessions), True
        self._watched_at = self.world.clock.now
        self._bring(self.session, self._watched_at, self.homes.on_listing)
        for entry in directory.listing():
            self._bring(self.session, self._watched_at, partial(self.homes.on_change, *entry))
        self._bring(self.session, self._watched_at, self.homes.on_caught_up)

    def _bring(self, session: int, due: float, what: Callable[[float], None]) -> None:
        """Bring something over a connection: in order, and later if it is cut meanwhile."""
        self._inbox.append((session, due, what))
        if len(self._inbox) == 1:
            self.world.clock.at(due, self._read)

    def _read(self) -> None:
        clock = self.world.clock
        while self._inbox and self._inbox[0][1] <= clock.now:
            session, _, what = self._inbox[0]
            if session == self.session and not self.world.directory.reaches(self):
                clock.after(0.1, self._read)
                return
            self._inbox.popleft()
            if session == self.session:
                self.deliver(partial(lambda what: what(clock.now), what))
        if self._inbox:
            clock.at(self._inbox[0][1], self._read)

    # what happens in the process

    def _tick(self, run: int) -> None:
        if not self.alive or run != self._run:
            return
        if self.runs:
            now = self.world.clock.now
            self._connect()
            self.world.directory.beat(self)
            self.homes.tick(now)
            self.registry.expire(now)
            self.settle()
        self.world.clock.after(TICK_SECONDS, lambda: self._tick(run))

    def _drop_paused(self, session: int | None, run: int) -> None:
        """Let the directory close the connection of a process that answers no ping."""
        if self.paused_at is not None and run == self._run and self.world.clock.now - self.paused_at >= 4.0:
            self.on_bus = False
            self.lose(session)

    def wake(self) -> None:
        """Go on after a pause."""
        if not self.alive or self.paused_at is None:
            return
        late, self.paused_at = self.world.clock.now - self.paused_at, None
        if late > 0.25:
            self.homes.on_late(self.world.clock.now)
        while self._backlog:
            _, what = self._backlog.popleft()
            what()
            self.settle()

    def settle(self) -> None:
        """Do what is to be done."""
        while actions := self.homes.take_actions():
            for action in actions:
                self._do(action)

    def _do(self, action: Action[Callable[[Outcome], None]]) -> None:
        world, homes = self.world, self.homes
        if isinstance(action, Tell):
            self.waiting -= 1
            action.waiter(action.outcome)
        elif isinstance(action, OpenRoom):
            self._open_room(action.record)
        elif isinstance(action, ForgetRoom):
            self.reclaiming.forget(action.room)
        elif isinstance(action, CloseRoom):
            self._moves = True
            room = self.registry.rooms[action.room]
            self.registry.close_room(room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
            self._moves = False
        elif isinstance(action, AskOverBus):
            world.directory.ask(self, action, self._reply(action, homes.answer_ask))
        elif isinstance(action, ProbeDirectly):
            world.probe(self, action, self._reply(action, self._take_probe))
        else:
            world.directory.call(self, action, self._reply(action, self._take_answer))

    def _open_room(self, record: RoomRecord) -> None:
        now = self.world.clock.now
        if self.reclaiming.open_room(record, self.seats_now(), Moment(now, EPOCH + now)):
            self.world.note_reclaimed(self, self.registry.rooms[record.room])
        else:
            self.registry.returning.open_room(record, self.seats_now(), now)

    def _take_probe(self, probe: ProbeDirectly, alive: bool, now: float) -> None:
        self.homes.answer_probe(probe, alive=alive, now=now)

    def _take_answer(self, call: Call, answer: int | Found | CallFailure | None, now: float) -> None:
        if isinstance(call, Create | Put) and isinstance(answer, int):
            self.world.note_acknowledged(call.record)
        self.homes.answer(call, answer, now)

    def _reply(self, action: object, take: Callable[..., None]) -> Callable[[object], None]:
        run = self._run
        return lambda answer: self.deliver(lambda: take(action, answer, self.world.clock.now), run=run)

    def seats_now(self) -> int:
        return seats_at(EPOCH + self.world.clock.now)

    def _note_change(self, room: Room) -> None:
        self.homes.change(self.record(room), self.world.clock.now)

    def _note_close(self, room: Room) -> None:
        assert room.residence is not None
        if not self._moves:
            self.world.note_end(room)
        self.homes.close(room.raw_name, room.residence.term, self.world.clock.now)

    def record(self, room: Room) -> RoomRecord:
        assert room.residence is not None
        return record_of(room, room.residence, home=self.name, home_since=self._me.started_at)

    # what people ask

    def create(self, room: bytes, name: str, ip: bytes, done: Done) -> None:
        now = self.world.clock.now
        seats = self.seats_now()
        why = Outcome.TAKEN if room in self.registry.rooms else self.homes.check_new(room, now)
        if why is not None:
            done(_REFUSALS[why]())
            return

        def claimed(outcome: Outcome) -> None:
            if outcome is not Outcome.READY:
                done(_REFUSALS[outcome]())
                return
            held = self.homes.held(room)
            assert held is not None
            residence = Residence(held.first_seat, held.first_seat, term=held.term)
            member = self.registry.create_room(room, name, self._token(), ip, self.world.clock.now, residence=residence)
            done(member)

        record = RoomRecord(
            room=room, home="", home_since=0, first_seat=seats, term=0, changes=0, host_seat=seats + 1, host=name,
            host_ip=ip,
        )  # fmt: skip
        self.waiting += 1
        self.homes.claim(record, claimed, now)
        self.settle()

    def enter(
        self, room: bytes, name: str, ip: bytes, seat: Seat | None, done: Done, *, asked: bool = False,
        carried: bool = False,
    ) -> None:  # fmt: skip
        """Let somebody in, by a ticket or without, here or at the room's home."""
        now, here = self.world.clock.now, self.registry.rooms.get(room)
        if here is not None:
            done(self._admit(here, name, ip, seat))
            return
        node = self.homes.find(room, now, doubted=seat is not None and not asked)
        if carried:
            done(BusyError())
        elif node is not None:
            self.world.carry(node, room, name, ip, seat, done)
        elif asked:
            done(NoSuchRoomError())
        else:
            self.waiting += 1

            def told(outcome: Outcome) -> None:
                if outcome is Outcome.READY:
                    self.enter(room, name, ip, seat, done, asked=True)
                else:
                    done(_REFUSALS[outcome]())

            self.homes.look(room, told, now)
            self.settle()

    def _admit(self, room: Room, name: str, ip: bytes, seat: Seat | None) -> Member | ProtocolError:
        try:
            if seat is None:
                return self.registry.join_room(room.raw_name, name, self._token(), ip, self.world.clock.now)
            return self._take_seat(room, ip, seat)
        except ProtocolError as error:
            if isinstance(error, NoSeatError) and seat is not None:
                self.world.note_refused(room, seat)
            return error

    def _take_seat(self, room: Room, ip: bytes, seat: Seat) -> Member:
        known = next((member for member in room.members if member.seat == seat.number), None)
        if known is not None and known.session.turn == seat.turn:
            return known  # by its table
        session = self.registry.returning.take_seat(
            room, seat, self._token(), ip, self.world.clock.now, encrypted=False, stream=False
        )
        self.registry.seats.use(session)
        self.world.note_return(self, room, seat)
        return session.member

    def _token(self) -> bytes:
        return b"%s-%d-%d" % (self.name.encode(), self._run, next(self._tokens))
