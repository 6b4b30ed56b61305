"""A node of a cluster on asyncio: joins what it knows (`core.homes`), the directory, the bus and this relay's rooms."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from chatproto import RefusalCode, Server
from chatproto.servers import MAX_SERVERS
from relay_server.cluster.base import Change, Directory
from relay_server.cluster.household import Heritage, Household, error_of
from relay_server.cluster.presence import Presence
from relay_server.cluster.store import Store
from relay_server.cluster.vault import ROOM_PREFIX, Vault
from relay_server.core.counters import ClusterCounters
from relay_server.core.errors import BusyError
from relay_server.core.home_actions import (
    Action,
    AskOverBus,
    Call,
    CloseRoom,
    Create,
    Delete,
    ForgetRoom,
    Get,
    OpenRoom,
    ProbeDirectly,
    Put,
    Tell,
)
from relay_server.core.homes import Homes
from relay_server.core.known_room import Tenancy
from relay_server.core.model import Residence, Room, Session
from relay_server.core.places import NewRoom, Node, Told, meeting_order
from relay_server.core.records import RoomRecord, record_of, seats_at
from relay_server.core.tickets import RANDOM_BYTES, Seat, Tickets

BEAT_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 0.1
"""So often it is looked at whether the event loop is late."""
LATE_SECONDS: Final = 0.25
"""A loop that is later than this may have missed a living node's answer."""
TICKET_SECONDS: Final = 7 * 86_400
"""A ticket is good for so long, whatever became of its room's home."""
BEATS_BETWEEN: Final = 2**32
"""A process that takes over counts its beats from so many later on, for the old one may still beat."""
SUCCESSION_SECONDS: Final = 2.0
"""How long a process that was replaced stays on the bus if the new one isn't heard there."""
CLOSE_SECONDS: Final = 1.0
"""How long the end waits for what the directory is still to be told."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What times a node: its event loop's clock, and the seconds since 1970."""

    loop: Callable[[], float]
    wall: Callable[[], float] = time.time


class Cluster:
    """Tells control where rooms are (`core.places.Places`), and the directory what becomes of this node's."""

    def __init__(
        self, me: Node, directory: Directory, vault: Vault, household: Household,
        *, probe: Callable[[Node, float], Coroutine[Any, Any, bool]], resume_seconds: float, counters: ClusterCounters,
        clocks: Clocks, next_beat: int = 1,
    ) -> None:  # fmt: skip
        """``probe`` asks a node over a link, for so many seconds, if it is there; for ``next_beat`` see `Presence`."""
        self._directory = directory
        self._household = household
        self.counters = counters
        self._probe = probe
        self._now, self._wall = clocks.loop, clocks.wall
        self._key_of = vault.room_key
        self._tickets = Tickets(vault.tickets_key)
        self._presence = Presence(me, directory, vault.beats, clocks.wall, next_beat)
        self._store = Store(directory, vault, counters, clocks.loop)
        self._homes: Homes[Told] = Homes(
            me, key_of=self._key_of, resume_seconds=resume_seconds, counters=counters, began_at=clocks.loop()
        )
        self._looked_at = clocks.loop()
        self._tasks: asyncio.TaskGroup | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._acting = False
        self._held: list[Callable[[], None]] | None = None
        """What happened while the relay stands still; None if it doesn't."""

    def reclaim(self, tenancies: Iterable[Tenancy], until: float) -> None:
        """Be the home again of rooms that nobody took; to be called before `run`."""
        self._homes.reclaim(tenancies, until)

    async def run(self) -> None:
        """Be a node until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await self._directory.start(self._presence.me.name, self)
                self._spawn(self._watch_loop())
                while True:
                    await self._presence.beat()
                    if self._held is None:
                        self._homes.tick(self._now())
                        self._act()
                    await asyncio.sleep(BEAT_SECONDS)
            finally:
                self._tasks = None

    def freeze(self) -> None:
        """Change nothing until `thaw`, so that another process can take over; other nodes are answered meanwhile."""
        self._held = []

    def thaw(self) -> None:
        """Go on; the process that didn't take over may have beaten already."""
        held, self._held = self._held or [], None
        self._presence.next_beat = self.successors_beat + BEATS_BETWEEN
        self._presence.succeeded.clear()
        for what in held:
            what()
        self._act()

    @property
    def successors_beat(self) -> int:
        """The number from which on a process counts that takes over."""
        return self._presence.next_beat + BEATS_BETWEEN

    @property
    def heritage(self) -> Heritage:
        """What a process that takes over has to know besides the rooms."""
        return Heritage(self._homes.closing, self._homes.nodes)

    def take_over(self, rooms: Iterable[Room], heritage: Heritage) -> None:
        """Be what the process before was, whose rooms are here."""
        records = (self._record_of(room, room.residence) for room in rooms if room.residence)
        self._homes.take_over(records, heritage.closing, heritage.nodes)

    async def leave(self) -> None:
        """Answer other nodes until the process is heard that took over, if it is, and then let go of the directory."""
        if self.is_connected:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._presence.succeeded.wait(), SUCCESSION_SECONDS)
        await self._directory.close()

    async def close(self) -> None:
        """Let the directory know what is still under way, and let go of it; then `run` is to be cancelled."""
        self._act()
        if self._calls:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), CLOSE_SECONDS)
        await self._directory.close()

    # What control asks (`core.places.Places`).

    def servers(self, room: bytes) -> tuple[Server, ...]:
        """Return where clients of a room reach the living nodes, this one first."""
        others = [node for node in self.nodes if not node.draining]
        known = (self._presence.me, *meeting_order(self._key_of(room), others))
        return tuple(node.server for node in known[:MAX_SERVERS])

    def check_new(self, room: bytes) -> None:
        """Check that a room of this name may be created, as far as is known here."""
        if (error := error_of(self._homes.check_new(room, self._now()))) is not None:
            raise error

    def claim(self, new: NewRoom, done: Told) -> None:
        """Ask the directory for the name of a new room, which this node is to hold."""
        first_seat = self._seats_by_now()
        record = RoomRecord(
            room=new.name, home=self._presence.me.name, home_since=self._presence.me.started_at, first_seat=first_seat,
            term=1, changes=0, host_seat=first_seat, host=new.host, host_ip=new.ip, password_hash=new.password_hash,
            sealed=new.sealed,
        )  # fmt: skip
        self._homes.claim(record, done, self._now())
        self._act()

    def residence(self, room: bytes) -> Residence:
        """Return what a room that was just claimed is known by; see `core.places.Places`."""
        record = self._homes.held(room)
        if record is None:  # this node stood still after it was claimed, and was taken for dead
            raise BusyError(RefusalCode.MOVING)
        return Residence(
            first_seat=record.first_seat, seats=record.first_seat - 1, term=record.term, changes=record.changes,
            host_seat=record.host_seat,
        )  # fmt: skip

    def release(self, room: bytes) -> None:
        """Give back the name of a room that was claimed, and not made."""
        record = self._homes.held(room)
        if record is not None:
            self._homes.close(room, record.term, self._now())
            self._act()

    def find(self, room: bytes, *, doubted: bool = False) -> Node | None:
        """Return the living node that holds a room which isn't here; if ``doubted``, one that just answered."""
        return self._homes.find(room, self._now(), doubted=doubted)

    def look(self, room: bytes, done: Told) -> None:
        """Ask the directory for a room that isn't here, and make it if its home is gone."""
        self._homes.look(room, done, self._now())
        self._act()

    def new_ticket(self, session: Session, *, encrypted: bool) -> str:
        """Write the ticket of a session."""
        member, residence = session.member, session.member.room.residence
        revision = residence.password_revision if residence is not None else 0
        seat = Seat(
            member.room.raw_name, member.name, member.seat, session.turn, revision, session.ip, encrypted,
            int(self._wall() + TICKET_SECONDS),
        )  # fmt: skip
        return self._tickets.issue(seat, secrets.token_bytes(RANDOM_BYTES))

    def read_ticket(self, text: str) -> Seat | None:
        """Read a ticket; None if no node of this cluster wrote it, or if it is too old."""
        seat = self._tickets.read(text)
        return seat if seat is not None and seat.expires_at > self._wall() else None

    def changed(self, room: Room) -> None:
        """Take note that what is kept of a room isn't true any more."""
        if room.residence is not None:
            self._homes.change(self._record_of(room, room.residence), self._now())
            self._act()

    def closed(self, room: Room) -> None:
        """Take note that a room of this node ended."""
        if room.residence is not None:
            self._homes.close(room.raw_name, room.residence.term, self._now())
            self._act()

    # What operators ask.

    @property
    def is_connected(self) -> bool:
        """Whether the directory is reached."""
        return self._directory.is_connected

    @property
    def me(self) -> Node:
        """What this node says of itself."""
        return self._presence.me

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The other nodes that live."""
        return self._homes.living(self._now())

    @property
    def rooms(self) -> int:
        """How many rooms all nodes have, as far as is known here."""
        return self._homes.known

    @property
    def homes(self) -> int:
        """How many rooms this node holds."""
        return self._homes.homed

    def rooms_by_node(self) -> Counter[str]:
        """Return how many rooms each node is the home of, as far as is known here."""
        return self._homes.rooms_by_node()

    def silence_of(self, node: str) -> float:
        """Return for how many seconds a node gave no sign of life, although it could."""
        return self._homes.silent_seconds(node, self._now())

    def show_certificate(self, fingerprint: str) -> None:
        """Tell clients and the other nodes from now on what certificate this node has."""
        self._presence.show_certificate(fingerprint)

    def set_draining(self, *, draining: bool) -> None:
        """Say to the others from now on whether this node is about to end."""
        self._presence.set_draining(draining=draining)

    def hand_over(self, room: bytes, to: Node, ring: tuple[str, int] | None) -> None:
        """Let another node be the home of a room; ``ring`` is the epoch and newest number, if all streams read it."""
        self._homes.hand_over(room, to, ring, self._now())
        self._act()

    # What the directory tells (`base.Listener`).

    def on_listing(self) -> None:
        """Begin to learn all records."""
        self._spawn(self._presence.beat())
        self._feed(lambda: self._homes.on_listing(self._now()))

    def on_change(self, change: Change) -> None:
        """Take a record."""
        if not change.key.startswith(ROOM_PREFIX):
            return  # the doctor tries whether it may write
        record = self._store.read(change.key, change.value)
        self._feed(lambda: self._homes.on_change(change.key, change.revision, record, self._now()))

    def on_caught_up(self) -> None:
        """Know all records."""
        self._feed(lambda: self._homes.on_caught_up(self._now()))

    def on_away(self) -> None:
        """Do without the directory."""
        self._feed(lambda: self._homes.on_away(self._now()))

    def on_beat(self, data: bytes) -> None:
        """Take a beat; who was just started hears of this node at once."""
        heard = self._presence.hear(data)
        if heard is None:
            return
        node, is_new = heard
        if is_new:
            self._spawn(self._presence.beat())
        self._feed(lambda: self._homes.on_beat(node, self._now()))

    def on_ask(self, data: bytes) -> bytes:
        """Say that this node is there."""
        return self._presence.answer(data)

    def _feed(self, what: Callable[[], None]) -> None:
        """Let something be known, now or when the relay stands still no more, and do what follows of it."""
        if self._held is not None:
            self._held.append(what)
            return
        what()
        self._act()

    def _act(self) -> None:
        """Do all that `Homes` wants done; what that leads to is done in its turn."""
        if self._acting or self._tasks is None or self._held is not None:
            return
        self._acting = True
        try:
            while actions := self._homes.take_actions():
                for action in actions:
                    self._do(action)
        finally:
            self._acting = False

    def _do(self, action: Action[Told]) -> None:
        match action:
            case Create() | Put() | Get() | Delete():
                self._calls += 1
                self._spawn(self._call(action))
            case AskOverBus():
                self._spawn(self._ask(action))
            case ProbeDirectly():
                self._spawn(self._probe_directly(action))
            case OpenRoom(record):
                self._household.open_room(record, self._seats_by_now())
            case CloseRoom():
                self._household.close_room(action)
            case ForgetRoom(room):
                self._household.forget_room(room)
            case Tell(waiter, outcome):
                waiter(error_of(outcome))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:
            work.close()  # the end came before
        else:
            self._tasks.create_task(work)

    async def _call(self, call: Call) -> None:
        answer = await self._store.carry_out(call)
        self._feed(lambda: self._homes.answer(call, answer, self._now()))
        self._calls -= 1
        if not self._calls:
            self._idle.set()

    async def _ask(self, ask: AskOverBus) -> None:
        answer = await self._presence.ask(ask.node)
        self._feed(lambda: self._homes.answer_ask(ask, answer, self._now()))

    async def _probe_directly(self, probe: ProbeDirectly) -> None:
        alive = await self._probe(probe.node, probe.seconds)
        self._look_at_loop()
        self._feed(lambda: self._homes.answer_probe(probe, alive=alive, now=self._now()))

    async def _watch_loop(self) -> None:
        while True:
            self._look_at_loop()
            await asyncio.sleep(WATCH_SECONDS)

    def _look_at_loop(self) -> None:
        """Say so if the loop stood still since it was looked at last."""
        now = self._now()
        if now - self._looked_at > WATCH_SECONDS + LATE_SECONDS:
            self._homes.on_late(now)
        self._looked_at = now

    def _record_of(self, room: Room, residence: Residence) -> RoomRecord:
        me = self._presence.me
        return record_of(room, residence, home=me.name, home_since=me.started_at)

    def _seats_by_now(self) -> int:
        return seats_at(self._wall())
