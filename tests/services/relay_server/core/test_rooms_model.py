"""Registry and relay together, step by step against a naive model of rooms, members, addresses and time.

Whatever people do in whatever order: who is to hear something hears it once, who is gone stays gone, whoever
is evicted is told once, no limit is passed, and everything is counted.
"""

from collections import Counter
from math import inf
from operator import attrgetter

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, precondition, rule

from chatproto import EvictionReason, Status
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.commands import Commands, NewPassword
from relay_server.core.counters import DropReason
from relay_server.core.judge import Judge
from relay_server.core.moderation import Moderation
from relay_server.core.policy import Policy
from relay_server.core.reachability import (
    FAILING_CHALLENGE_SECONDS,
    FAILING_SECONDS,
    FAILURES_TO_EVICT,
    FORGET_SECONDS,
    HEARD_SECONDS,
)
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import UdpAddress, locate, make_address
from services.relay_server.core.naive_moderation import NaiveModeration
from services.relay_server.core.naive_rooms import (
    IPS,
    NAMES,
    POLICIES,
    PORTS,
    ROOMS,
    Notices,
    Person,
    Place,
)
from services.relay_server.core.rooms_case import address_of, new_nonces, take_out

COMMANDS = st.sampled_from(["kick", "ban", "unban", "mute", "unmute", "host", "topic", "who"])


class RoomsModel(NaiveModeration):
    """Does the same to both, and compares."""

    @initialize(policy=POLICIES)
    def start(self, policy: Policy) -> None:
        self.policy = policy
        self.registry = Registry(policy, self.seen_events.append, new_nonces(), locate)
        to_hash: list[NewPassword] = []
        moderation = Moderation(self.registry)
        commands = Commands(self.registry, moderation, self.seen_events.append, hash_aside=to_hash.append)
        self.relay = Relay(self.registry, policy, Judge(self.registry, policy, commands))
        for name, ip in zip(("ann", "bob", "eve"), IPS, strict=False):
            (self.join if self.places else self.create)("one", name, ip, None)
        for person in self._people():
            self._say(person, "", 1)

    # What people do.

    @rule(room=ROOMS, name=NAMES, ip=st.sampled_from(IPS), port=st.none() | PORTS)
    def create(self, room: str, name: str, ip: bytes, port: int | None) -> None:
        wrong = self._why_not(room, name, ip)
        if room in self.places:
            wrong.add(Status.ROOM_EXISTS)
        if 0 < self.policy.max_rooms <= len(self.places):
            wrong.add(Status.TOO_MANY)
        mine = sum(place.network == network_of(ip) for place in self.places.values())
        if 0 < self.policy.max_rooms_per_address <= mine:
            wrong.add(Status.TOO_MANY)
        wrong -= {Status.ROOM_FULL, Status.NAME_TAKEN}
        person = self._enter(wrong, room, name, ip, port, creates=True)
        if person:
            self.places[room] = Place(person, network_of(ip), (name, ip), [person])

    @rule(room=ROOMS, name=NAMES, ip=st.sampled_from(IPS), port=st.none() | PORTS)
    def join(self, room: str, name: str, ip: bytes, port: int | None) -> None:
        wrong = self._why_not(room, name, ip)
        if room not in self.places:
            wrong.add(Status.NO_SUCH_ROOM)
        person = self._enter(wrong, room, name, ip, port, creates=False)
        if person:
            place = self.places[room]
            self._announce(place, f"{name} joined")
            place.people.append(person)
            if place.host is None and place.host_was == (name, ip):
                place.host, place.hostless_since = person, inf

    @precondition(lambda self: self._people())
    @rule(
        data=st.data(),
        message=st.sampled_from(["hello", "", "x" * 4000]),
        port=st.sampled_from([1, 1, 1, 2000, 2001]),
        pause=st.sampled_from([0.5, 0.0, 1.0, 6.0]),
    )
    def say(self, data: st.DataObject, message: str, port: int, pause: float) -> None:
        self._pass(pause)
        if self._people():
            self._say(data.draw(st.sampled_from(self._people())), message, port)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), ip=st.sampled_from(IPS), port=PORTS)
    def speak_from_elsewhere(self, data: st.DataObject, ip: bytes, port: int) -> None:
        person = data.draw(st.sampled_from(self._people()))
        if ip != person.ip:
            result = self._send(person.room, person.token, b"hi", make_address(ip, port))
            assert result is DropReason.ADDRESS_MISMATCH

    @precondition(lambda self: self.dead)
    @rule(data=st.data(), port=PORTS)
    def speak_with_a_dead_token(self, data: st.DataObject, port: int) -> None:
        room, token, ip = data.draw(st.sampled_from(self.dead))
        assert self._send(room, token, b"hi", make_address(ip, port)) in {
            DropReason.UNKNOWN_TOKEN,
            DropReason.GUESSING,
        }

    @rule(data=st.binary(max_size=30), ip=st.sampled_from(IPS))
    def send_anything(self, data: bytes, ip: bytes) -> None:
        self.received += 1
        assert isinstance(self.relay.handle_datagram(data, make_address(ip, 1), self.now), DropReason)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), by_command=st.booleans())
    def leave(self, data: st.DataObject, by_command: bool) -> None:
        person = data.draw(st.sampled_from(self._people()))
        if by_command:
            source = make_address(person.ip, 1)
            assert self._send(person.room, person.token, b"/leave", source) == (b"", [])
            self._hear(person, source)
        else:
            self.registry.leave(person.real, self.now)
        place = self._remove(person)
        self._announce(place, f"{person.name} left")
        self._after_removal(person, place)

    @precondition(lambda self: self._people())
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self._people()))
        self.registry.evict(person.real, EvictionReason.KICKED, self.now)
        self._evict(person, EvictionReason.KICKED)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), word=COMMANDS, name=NAMES, by_host=st.sampled_from([True, True, True, False]))
    def command(self, data: st.DataObject, word: str, name: str, by_host: bool) -> None:
        """Let somebody give a command, most often a host."""
        hosts = [place.host for place in self.places.values() if place.host is not None]
        person = data.draw(st.sampled_from(hosts if by_host and hosts else self._people()))
        self._command(person, word, "" if word == "who" else name, 1)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), name=NAMES, ip=st.sampled_from(IPS), word=st.sampled_from(["leave", "kick", "host"]))
    def forge(self, data: st.DataObject, name: str, ip: bytes, word: str) -> None:
        """Give a command with another's token from elsewhere (threat R1)."""
        person = data.draw(st.sampled_from(self._people()))
        if ip != person.ip:
            text = f"/{word} {name}".encode()
            assert self._send(person.room, person.token, text, make_address(ip, 1)) is DropReason.ADDRESS_MISMATCH

    @precondition(lambda self: self._people())
    @rule(data=st.data(), port=PORTS)
    def name_a_port(self, data: st.DataObject, port: int) -> None:
        person = data.draw(st.sampled_from(self._people()))
        address = make_address(person.ip, port)
        self.registry.set_provisional_port(person.real, address)
        self._offer(person, address)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), forged=st.booleans())
    def bounce(self, data: st.DataObject, forged: bool) -> None:
        """Let an ICMP error come back from where a member was last heard; a true one brings the challenge back too."""
        self._bounce(data.draw(st.sampled_from(self._people())), forged=forged)

    def _bounce(self, person: Person, *, forged: bool) -> None:
        if person.hears_at is None or person.room not in self.last_said:
            return
        payload = self.last_said[person.room]
        quoted = b"forged " + payload if forged else payload
        before = len(self.registry.outbox)
        self.registry.note_undelivered(person.hears_at, quoted, self.now)
        asked = take_out(self.registry.outbox[before:])
        del self.registry.outbox[before:]
        owners = [] if forged else self._owners_of(person.hears_at)
        if not owners or not self._is_suspect(owners[0], person):
            assert asked == []
            return
        ((challenge, targets),) = asked
        assert targets == [person.hears_at]
        for _ in range(2):  # the second time it proves nothing more
            self.registry.note_undelivered(person.hears_at, challenge, self.now)
        owners[0].may_be_asked_at = self.now + FAILING_CHALLENGE_SECONDS
        for owner in owners:
            if owner in self._people():  # an earlier one may have been its host
                self._fail(owner)

    def _owners_of(self, address: UdpAddress) -> list[Person]:
        """Return who was last heard from this address: one socket may serve several members."""
        heard = [one for one in self._people() if one.heard_at is not None and one.hears_at == address]
        return sorted(heard, key=attrgetter("moved"))

    def _is_suspect(self, owner: Person, person: Person) -> bool:
        remembered = person.real.room.sent.holds(self.last_said[person.room])
        silent = owner.heard_at is not None and self.now - owner.heard_at >= HEARD_SECONDS
        return owner.room == person.room and remembered and silent and self.now >= owner.may_be_asked_at

    def _fail(self, owner: Person) -> None:
        if owner.failed and self.now - owner.failed[-1] > FORGET_SECONDS:
            owner.failed.clear()
        owner.failed.append(self.now)
        if len(owner.failed) >= FAILURES_TO_EVICT and self.now - owner.failed[0] >= FAILING_SECONDS:
            self._evict(owner, EvictionReason.UNREACHABLE)
        elif owner.heard_at is not None and self.now - owner.heard_at >= HEARD_SECONDS:
            owner.paused = True

    @precondition(lambda self: self._people())
    @rule(data=st.data(), pauses=st.lists(st.sampled_from([6.0, 1.0, 61.0]), min_size=2, max_size=4))
    def talk_to_a_dead_port(self, data: st.DataObject, pauses: list[float]) -> None:
        """Let somebody talk while every message to another comes back."""
        for pause in pauses:
            self._pass(pause)
            people = self._people()
            if len(people) < 2:
                return
            speaker, *_ = people
            self._say(speaker, "hello", 1)
            self._bounce(data.draw(st.sampled_from(people)), forged=False)

    @rule(seconds=st.floats(0, 120))
    def wait(self, seconds: float) -> None:
        self._pass(seconds)

    @precondition(lambda self: self._people())
    @rule(data=st.data())
    def wait_for_a_deadline(self, data: st.DataObject) -> None:
        self._pass(max(0.0, data.draw(st.sampled_from(self._people())).deadline - self.now))

    # What always holds.

    @invariant()
    def rooms_and_members_are_the_same(self) -> None:
        real = {
            room.name: ([member.name for member in room.members], room.host.name if room.host else None)
            for room in self.registry.rooms.values()
        }
        assert real == {
            room: ([person.name for person in place.people], place.host.name if place.host else None)
            for room, place in self.places.items()
        }
        people = self._people()
        assert set(self.registry.sessions_by_token.values()) == {person.real.session for person in people}
        reached = {person.real.session for person in people if not person.paused}
        assert set(self.registry.sessions_by_header.values()) == reached
        for person in people:
            assert self.registry.rooms[person.room.encode()] is person.real.room
            assert address_of(person.real) == person.hears_at

    @invariant()
    def everybody_was_told_once(self) -> None:
        said: Notices = Counter()
        for payload, targets in take_out(self.registry.outbox):
            assert targets
            said[payload.decode(), tuple(targets)] += 1
        assert said == self.expected
        self.expected.clear()

    @invariant()
    def facts_are_told_once(self) -> None:
        evicted = Counter(
            (event.room, event.name, event.reason)
            for event in self.seen_events
            if isinstance(event, events.MemberEvicted)
        )
        assert evicted == self.evicted
        assert sum(isinstance(event, events.RoomClosed) for event in self.seen_events) == self.closed

    @invariant()
    def everything_is_counted(self) -> None:
        counters = self.registry.counters
        assert counters.received == self.received
        assert counters.received == counters.accepted + sum(counters.dropped.values())  # CON-01
        assert sum(size * count for size, count in counters.fanout.items()) == self.copies  # CON-02

    @invariant()
    def no_limit_is_passed(self) -> None:
        policy = self.policy
        people = self._people()
        networks = Counter(network_of(person.ip) for person in people)
        assert self.registry.admission.members.by_network == networks
        owners = Counter(place.network for place in self.places.values())
        for count, limit in (
            (len(self.places), policy.max_rooms),
            (len(people), policy.max_members),
            (max(networks.values(), default=0), policy.max_members_per_address),
            (max(owners.values(), default=0), policy.max_rooms_per_address),
            (max((len(place.people) for place in self.places.values()), default=0), policy.max_members_per_room),
        ):
            assert not limit or count <= limit

    @invariant()
    def the_next_deadline_is_true(self) -> None:
        assert self.registry.next_deadline() == self._next_deadline()

    def teardown(self) -> None:
        if not hasattr(self, "registry"):
            return
        self.registry.shut_down()
        for room in list(self.places):
            self._close(room, EvictionReason.SHUTDOWN)
        self.everybody_was_told_once()
        self.rooms_and_members_are_the_same()
        self.facts_are_told_once()
        assert self.registry.next_deadline() == inf
        admission = self.registry.admission
        assert not list(self.registry.sessions_by_remote)
        assert not admission.members.by_network | admission.rooms.by_network


RoomsModel.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestRooms = pytest.mark.slow(RoomsModel.TestCase)
