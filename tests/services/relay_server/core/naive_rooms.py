"""A naive model of rooms, members, addresses and time, beside the real registry and relay."""

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from chatproto import Challenge, EvictionReason, ProtocolError, Status, encode_datagram
from relay_server.core.address import network_of, parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.model import Member
from relay_server.core.policy import Policy
from relay_server.core.provisional import LEAST_PORT
from relay_server.core.reachability import PAUSE_SECONDS
from relay_server.core.registry import ADDRESS_CHANGE_SECONDS, Registry
from relay_server.core.relay import Relay
from relay_server.core.voice import TELL_SECONDS
from relay_server.net.address import UdpAddress, locate, make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import NOTHING_SAID, Heard, delivered, take_out

if TYPE_CHECKING:
    from relay_server.core.events import Event

SILENCE, PENDING = 100.0, 30.0
ROOMS = st.sampled_from(["one", "two", "three"])
NAMES = st.sampled_from(["ann", "bob", "eve", "zoe", "ANN"])
IPS = [parse_ip(text) for text in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "2001:db8::2")]
PORTS = st.sampled_from([1, 2000, 2001])
POLICIES = st.builds(
    unlimited,
    silence_timeout_seconds=st.just(SILENCE),
    pending_timeout_seconds=st.just(PENDING),
    host_grace_seconds=st.sampled_from([20.0, 0.0]),
    max_rooms=st.sampled_from([0, 0, 2]),
    max_members=st.sampled_from([0, 0, 6]),
    max_members_per_room=st.sampled_from([0, 0, 3]),
    max_members_per_address=st.sampled_from([0, 0, 4]),
    max_rooms_per_address=st.sampled_from([0, 0, 1]),
    announce=st.booleans(),
    provisional_address=st.booleans(),
)
Notices = Counter[tuple[str, tuple[UdpAddress, ...]]]


@dataclass(eq=False)
class Person:
    """A member as the model sees it."""

    room: str
    name: str
    ip: bytes
    real: Member
    token: bytes
    born: float
    stamp: int
    """Orders those who end at the same time: who was born first, or first heard at all, goes first."""
    heard_at: float | None = None
    """When its last datagram came; None before the first."""
    hears_at: UdpAddress | None = None
    moved_at: float = 0.0
    moved: int = 0
    """Orders those who share a socket: who came to it first goes first."""
    failed: list[float] = field(default_factory=list)
    """When challenges came back since it was last heard."""
    paused: bool = False
    """It gets no copies, for it provably can't be reached."""
    may_be_asked_at: float = 0.0
    told_at: float = -inf
    may_ask_at: float = 0.0

    @property
    def listens_at(self) -> UdpAddress | None:
        return None if self.paused else self.hears_at

    @property
    def deadline(self) -> float:
        return self.born + PENDING if self.heard_at is None else self.heard_at + SILENCE


@dataclass(eq=False)
class Place:
    """A room as the model sees it."""

    host: Person | None
    network: bytes
    host_was: tuple[str, bytes]
    people: list[Person] = field(default_factory=list)
    hostless_since: float = inf
    topic: str = ""
    bans: list[tuple[str, bytes | None]] = field(default_factory=list)
    """Names, and networks."""
    mutes: set[str] = field(default_factory=set)

    def shuts_out(self, name: str, ip: bytes) -> bool:
        if self.host is None and (name, ip) == self.host_was:
            return False
        return any(name.casefold() == banned.casefold() or network_of(ip) == network for banned, network in self.bans)

    def is_muted(self, person: Person) -> bool:
        return person.name.casefold() in self.mutes


class NaiveRooms(RuleBasedStateMachine):
    """What ought to be true; what is done to it is done to the real ones as well."""

    policy: Policy
    registry: Registry
    relay: Relay

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.places: dict[str, Place] = {}
        self.dead: list[tuple[str, bytes, bytes]] = []
        self.last_said: dict[str, bytes] = {}
        self.expected: Notices = Counter()
        self.evicted: Counter[tuple[str, str, EvictionReason]] = Counter()
        self.closed = 0
        self.received = self.copies = self.tokens = self.stamps = 0
        self.seen_events: list[Event] = []

    def _people(self) -> list[Person]:
        return [person for place in self.places.values() for person in place.people]

    def _why_not(self, room: str, name: str, ip: bytes) -> set[Status]:
        """Return every reason against one more member."""
        policy, people = self.policy, self._people()
        wrong: set[Status] = set()
        if 0 < policy.max_members <= len(people):
            wrong.add(Status.TOO_MANY)
        if 0 < policy.max_members_per_address <= sum(network_of(one.ip) == network_of(ip) for one in people):
            wrong.add(Status.TOO_MANY)
        here = self.places[room].people if room in self.places else []
        if 0 < policy.max_members_per_room <= len(here):
            wrong.add(Status.ROOM_FULL)
        if any(one.name.casefold() == name.casefold() for one in here):
            wrong.add(Status.NAME_TAKEN)
        if room in self.places and self.places[room].shuts_out(name, ip):
            wrong.add(Status.BAD_NAME)
        return wrong

    def _enter(
        self, wrong: set[Status], room: str, name: str, ip: bytes, port: int | None, *, creates: bool
    ) -> Person | None:
        self.tokens += 1
        token = b"token-%d" % self.tokens
        address = make_address(ip, port) if port else None
        enter = self.registry.create_room if creates else self.registry.join_room
        status = Status.OK
        try:
            real = enter(room.encode(), name, token, ip, self.now, port=address)
        except ProtocolError as error:
            status = error.status
        assert status in (wrong or {Status.OK})
        if wrong:
            return None
        person = Person(room, name, ip, real, token, self.now, self._next_stamp())
        if address:
            self._offer(person, address)
        return person

    def _offer(self, person: Person, address: UdpAddress) -> None:
        """Let a person name where it may hear before it ever spoke."""
        if person.heard_at is None and self.policy.provisional_address:
            proved = [one.hears_at for one in self._people() if one.heard_at is not None]
            person.hears_at = address if locate(address).port >= LEAST_PORT and address not in proved else None

    def _say(self, person: Person, message: str, port: int) -> None:
        source = make_address(person.ip, port)
        text = f"{self.received:05d} {message}" if message else ""
        result = self._send(person.room, person.token, text.encode(), source)
        self._hear(person, source)
        payload = f"{person.name}: {text}".encode()
        listeners = [other.listens_at for other in self.places[person.room].people if other is not person]
        wanted = sorted(address for address in listeners if address is not None)
        if not text:
            assert result == NOTHING_SAID
            return
        if self.places[person.room].is_muted(person):
            assert result is DropReason.MUTED
            self._advise(person, "You are muted: what you say is not relayed.")
            return
        assert isinstance(result, tuple)
        assert result == (payload, wanted)
        self.copies += len(wanted)
        self.last_said[person.room] = payload

    def _send(self, room: str, token: bytes, message: bytes, source: UdpAddress) -> Heard | DropReason:
        self.received += 1
        return delivered(self.relay.handle_datagram(encode_datagram(room.encode(), token, message), source, self.now))

    def _hear(self, person: Person, source: UdpAddress) -> None:
        first = person.heard_at is None
        person.heard_at = self.now
        person.failed.clear()
        person.paused = False
        if first:
            person.stamp = self._next_stamp()
            if topic := self.places[person.room].topic:
                self.expected[f"server: topic: {topic}", (source,)] += 1
        if source == person.hears_at and not first:
            return
        if first or self.now - person.moved_at >= ADDRESS_CHANGE_SECONDS:
            for other in self._people():
                if other.heard_at is None and other.hears_at == source:
                    other.hears_at = None
            person.hears_at, person.moved_at, person.moved = source, self.now, self._next_stamp()

    def _remove(self, person: Person) -> Place:
        place = self.places[person.room]
        place.people.remove(person)
        self.dead.append((person.room, person.token, person.ip))
        return place

    def _evict(self, person: Person, reason: EvictionReason) -> None:
        place = self._remove(person)
        self._tell_evicted(person, reason)
        self._announce(place, f"{person.name} was disconnected: {reason}")
        self._after_removal(person, place)

    def _after_removal(self, person: Person, place: Place) -> None:
        if place.host is not person:
            return
        place.host = None
        if self.policy.host_grace_seconds:
            place.hostless_since = self.now
        else:
            self._close(person.room, EvictionReason.HOST_LEFT)

    def _close(self, room: str, reason: EvictionReason) -> None:
        place = self.places[room]
        for person in list(place.people):
            self._remove(person)
            self._tell_evicted(person, reason)
        del self.places[room]
        self.last_said.pop(room, None)
        self.closed += 1

    def _tell_evicted(self, person: Person, reason: EvictionReason) -> None:
        self.evicted[person.room, person.name, reason] += 1
        if person.heard_at is not None:
            self._tell(person, f"disconnected: {reason}")

    def _tell(self, person: Person, text: str) -> None:
        if person.hears_at is not None:
            self.expected[f"server: {text}", (person.hears_at,)] += 1

    def _advise(self, person: Person, text: str) -> None:
        if self.now - person.told_at >= TELL_SECONDS:
            person.told_at = self.now
            self._tell(person, text)

    def _announce(self, place: Place, text: str) -> None:
        targets = sorted(person.listens_at for person in place.people if person.listens_at is not None)
        if self.policy.announce and targets:
            self.expected[f"server: {text}", tuple(targets)] += 1

    def _next_deadline(self) -> float:
        grace = self.policy.host_grace_seconds
        ends = [person.deadline for person in self._people()]
        return min([*ends, *(place.hostless_since + grace for place in self.places.values())], default=inf)

    def _pass(self, seconds: float) -> None:
        """Let time pass, deadline by deadline: nothing happens before one, and something at each."""
        until = self.now + seconds
        while (deadline := self._next_deadline()) <= until:
            count = len(self.seen_events)
            if deadline > self.now:
                between = (self.now + deadline) / 2
                self.registry.expire(between)
                self._take_challenges(between)
                assert len(self.seen_events) == count
            self.now = max(self.now, deadline)
            self.registry.expire(self.now)
            assert len(self.seen_events) > count
            self._expire()
            self._take_challenges(self.now)  # pauses end after the evictions of the same moment
        self.now = until

    def _take_challenges(self, now: float) -> None:
        """Take out what the registry asks those by itself who provably failed."""
        outbox = self.registry.outbox
        failed = [person for person in self._people() if person.failed]
        challenges = [outgoing for outgoing in outbox if isinstance(outgoing.notice, Challenge)]
        outbox[:] = [outgoing for outgoing in outbox if outgoing not in challenges]
        for _, addresses in take_out(challenges):
            assert addresses[0] in [person.hears_at for person in failed]
        for person in failed:
            if person.real.session.challenges:
                person.may_be_asked_at = person.real.session.challenges.due_at
            if now - person.failed[-1] > PAUSE_SECONDS:
                person.paused = False

    def _expire(self) -> None:
        """End what is due, kind by kind as the registry does: the order only shows in the notices' targets."""
        for confirmed, reason in ((True, EvictionReason.SILENCE), (False, EvictionReason.NEVER_CONNECTED)):
            while due := [
                person
                for person in self._people()
                if (person.heard_at is not None) is confirmed and person.deadline <= self.now
            ]:
                self._evict(min(due, key=attrgetter("stamp")), reason)
        grace = self.policy.host_grace_seconds
        for room in [name for name, place in self.places.items() if place.hostless_since + grace <= self.now]:
            self._close(room, EvictionReason.HOST_LEFT)

    def _next_stamp(self) -> int:
        self.stamps += 1
        return self.stamps
