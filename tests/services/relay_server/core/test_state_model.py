"""Whatever happens in whatever order, what is saved is what is, and what is restored is what was saved."""

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatproto import ProtocolError, encode_datagram
from chatproto.receipts import encode_numbered
from chatproto.stream import Say
from relay_server.core import saving
from relay_server.core.address import parse_ip
from relay_server.core.kept import Abroad
from relay_server.core.model import Member, Residence, Session
from relay_server.core.moderation import ModerationError
from relay_server.core.receipts import SaidNumbers
from relay_server.core.state import Header, SavedPlace, SavedSession, decode_line, encode_line
from relay_server.core.state_reader import StateReader
from relay_server.core.stream_relay import StreamRelay
from relay_server.net.address import make_address
from services.relay_server.core.rooms_case import NoConnection
from services.relay_server.core.state_case import (
    LATER,
    SINCE_1970,
    StateCase,
    Truth,
    check_books,
    moment,
    restoring_at,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay_server.core.restoring import Restoring

ROOMS = st.sampled_from(["one", "two", "three"])
NAMES = st.sampled_from(["ann", "bob", "eve", "zoe", "ANN"])
IPS = st.sampled_from([parse_ip(text) for text in ("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2")])
PICKS = st.integers(0, 59)
PORTS = st.sampled_from([2000, 2001])
HEADER = encode_line(Header(format=1, formats=(1,), version="1.0"))
Thing = TypeVar("Thing")


class StateModel(RuleBasedStateMachine):
    """A relay that is used; beside it a journal, and a relay that takes over."""

    @initialize(
        grace=st.sampled_from([0.0, 20.0]), announce=st.booleans(), cluster=st.booleans(),
        session_seconds=st.sampled_from([0.0, 400.0]), ring_bytes=st.sampled_from([0, 3000]),
    )  # fmt: skip
    def start(self, **drawn: Any) -> None:
        self.now = 64.0
        self.numbers = count(1)
        self.cluster = drawn["cluster"]
        self.case = StateCase(
            host_grace_seconds=drawn["grace"], announce=drawn["announce"], ring_bytes=drawn["ring_bytes"],
            max_session_seconds=drawn["session_seconds"], silence_timeout_seconds=100.0, pending_timeout_seconds=30.0,
            message_rate=10.0, resume_seconds=50.0,
        )  # fmt: skip
        self.registry = self.case.registry
        self.streams = StreamRelay(self.registry, self.case.judge)
        self.noticed = 0
        self.case.saving.watch(self._notice)
        self.journal = StateReader()
        self.journal.take(HEADER)
        self.successor: Restoring | None = None
        for room, name in (("one", "ann"), ("one", "bob"), ("two", "eve")):
            self._enter(room, name, parse_ip("10.0.0.1"), stream=room == "two", sealed=False)

    # What people do.

    @rule(room=ROOMS, name=NAMES, ip=IPS, stream=st.booleans(), sealed=st.booleans())
    def come(self, room: str, name: str, ip: bytes, *, stream: bool, sealed: bool) -> None:
        try:
            self._enter(room, name, ip, stream=stream, sealed=sealed)
        except ProtocolError:
            return

    @precondition(lambda self: self._sessions())
    @rule(pick=PICKS, ip=IPS, stream=st.booleans())
    def come_again(self, pick: int, ip: bytes, *, stream: bool) -> None:
        session = _pick(self._sessions(), pick)
        said = session.said
        successor = self.registry.seats.resume(session, self.case.new_token(), ip, self.now, stream=stream)
        self.registry.streams.go_on(successor, "0000000000000001", 1)
        self._grant(successor, said or SaidNumbers())

    @precondition(lambda self: self._sessions())
    @rule(pick=PICKS, port=PORTS, number=st.integers(0, 80))
    def speak(self, pick: int, port: int, number: int) -> None:
        session = _pick(self._sessions(), pick)
        if session.place is not None:
            self._over_stream(session, number)
            return
        message = encode_numbered(number, b"hi") if number else b"hi"
        source = make_address(session.ip, port)
        data = encode_datagram(session.member.room.raw_name, session.token, message)
        self.case.relay.handle_datagram(data, source, self.now)

    @precondition(lambda self: self._sessions())
    @rule(pick=PICKS)
    def break_off(self, pick: int) -> None:
        session = _pick(self._sessions(), pick)
        if session.reader is None or not self.registry.streams.disconnect(session.reader, self.now):
            self.registry.seats.keep(session, self.now)

    @precondition(lambda self: self._members())
    @rule(pick=PICKS, what=st.sampled_from(["ban", "unban", "mute", "unmute", "host", "topic", "kick", "password"]))
    def moderate(self, pick: int, what: str) -> None:
        member = _pick(self._members(), pick)
        room, moderation = member.room, self.case.moderation
        acts: dict[str, Callable[[], object]] = {
            "ban": lambda: moderation.ban(room, member.name, self.now),
            "unban": lambda: moderation.unban(room, member.name),
            "mute": lambda: moderation.mute(member),
            "unmute": lambda: moderation.unmute(room, member.name),
            "host": lambda: moderation.hand_over(member),
            "topic": lambda: moderation.set_topic(member, f"topic {self.now}"),
            "kick": lambda: moderation.kick(member, self.now),
            "password": lambda: self.case.commands._take_password(room, f"hash {self.now}"),
        }
        try:
            acts[what]()
        except ModerationError:
            return

    @precondition(lambda self: self._members())
    @rule(pick=PICKS)
    def leave(self, pick: int) -> None:
        self.registry.leave(_pick(self._members(), pick), self.now)

    @rule(ip=IPS, port=PORTS, name=NAMES, local_ip=st.none() | IPS)
    def speak_in_the_lobby(self, ip: bytes, port: int, name: str, local_ip: bytes | None) -> None:
        self.case.speak(make_address(ip, port, local_ip=local_ip), name, "hi", self.now)

    @rule(seconds=st.sampled_from([0.25, 5.0, 20.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.registry.expire(self.now)
        self.case.lobby.expire(self.now)

    # What is made of it.

    @rule()
    def keep_a_journal(self) -> None:
        """Write what changed; some of it is written at once, as it is where nothing waits."""
        self._write_changes()

    @rule()
    def compact(self) -> None:
        """Write a journal anew; what is changed meanwhile goes to both."""
        self._write_changes()
        self.bulk = self.case.saving.bulk()
        self.journal = StateReader()
        self.journal.take(HEADER)
        self.heir = StateCase(**{name: getattr(self.case.policy, name) for name in self.case.policy.__slots__})
        self.successor = restoring_at(self.heir, self.now)
        self.begun_at = self.now

    @precondition(lambda self: self.successor is not None)
    @rule()
    def write_a_slice(self) -> None:
        with mock.patch.object(saving, "SLICE", 2):
            self._tell(self.bulk.take(moment(self.now)))

    @precondition(lambda self: self.successor is not None)
    @rule()
    def write_rings(self) -> None:
        if not self._write_all_slices():
            return
        self._write_changes()
        for lines in self.case.saving.rings():
            self._tell_successor(lines)

    @precondition(lambda self: self.successor is not None)
    @rule()
    def take_over(self) -> None:
        """Write the rest: the journal is what is, and so is the relay that took over."""
        assert self.successor is not None
        self._write_all_slices()
        self._tell(self.case.saving.rest(self.begun_at, moment(self.now)))
        self.noticed = 0
        for lines in self.case.saving.rings():
            self._tell_successor(lines)
        self.successor.finish(self.now + LATER)
        self.successor = None
        check_books(self.heir)
        wanted = self.case.truth(self.now)
        kept = truth(self.journal.state.items())
        for people in kept["members"].values():
            people.sort(key=lambda one: one.joined)
        _assert_same(kept, {**wanted, "rings": {}})
        got = self.heir.truth_here(self.now)
        _assert_same(got, _all_away(wanted, self.now))

    @invariant()
    def whoever_listens_is_told_once(self) -> None:
        if hasattr(self, "case"):
            assert self.noticed == bool(self.case.saving._noted._things)

    def teardown(self) -> None:
        if hasattr(self, "case"):
            if self.successor is None:
                self.compact()
            self.take_over()

    def _notice(self) -> None:
        self.noticed += 1

    def _write_changes(self) -> None:
        self._tell(self.case.saving.changes(moment(self.now)))
        self.noticed = 0

    def _write_all_slices(self) -> bool:
        while lines := self.bulk.take(moment(self.now)):
            self._tell(lines)
        return True

    def _tell(self, lines: list[bytes]) -> None:
        for line in lines:
            self.journal.take(line)
        self._tell_successor(lines)

    def _tell_successor(self, lines: list[bytes]) -> None:
        if self.successor is not None:
            for line in lines:
                self.successor.apply(decode_line(line))

    # How they do it.

    def _members(self) -> list[Member]:
        return [member for room in self.registry.rooms.values() for member in room.members]

    def _sessions(self) -> list[Session]:
        return list(self.registry.sessions_by_token.values())

    def _enter(self, room: str, name: str, ip: bytes, *, stream: bool, sealed: bool) -> None:
        self.now += 0.25  # members who come at the same time may be put back in any order
        token, raw = self.case.new_token(), room.encode()
        if raw in self.registry.rooms:
            member = self.registry.join_room(raw, name, token, ip, self.now, stream=stream, told_when_heard=not stream)
        else:
            residence = Residence(100, 99) if self.cluster else None
            member = self.registry.create_room(
                raw, name, token, ip, self.now, stream=stream, sealed=sealed, residence=residence
            )
        self._grant(member.session, SaidNumbers())

    def _grant(self, session: Session, said: SaidNumbers) -> None:
        number = next(self.numbers)
        session.json_notices = number % 2 == 0
        session.said = said if number % 3 or session.place is not None else None
        if self.cluster and session.abroad is None:
            session.abroad = Abroad(carried_by=session.ip if number % 2 else None, follows=True)
        if number % 5:
            self.registry.seats.issue(session, f"ticket {number}", encrypted=number % 2 == 0)

    def _over_stream(self, session: Session, number: int) -> None:
        if session.reader is None:
            self.registry.streams.connect(session, NoConnection(), self.now)
            return
        said = Say("hi", number or None)
        line = b'{"say":"%s"%s}' % (said.text.encode(), b',"n":%d' % number if number else b"")
        self.streams.take_line(session.reader, line, self.now)


def _pick(things: list[Thing], pick: int) -> Thing:
    return things[pick % len(things)]


def _assert_same(got: Truth, wanted: Truth) -> None:
    for kind, things in wanted.items():
        assert got[kind].keys() == things.keys(), kind
        for key, thing in things.items():
            assert got[kind][key] == thing, kind


def _all_away(told: Truth, now: float) -> Truth:
    """Let everybody's stream have broken now."""

    def break_off(session: SavedSession) -> SavedSession:
        place: SavedPlace | None = session.place
        if place is None or place.away is not None:
            return session
        return replace(session, place=replace(place, away=SINCE_1970 + now))

    members = {
        room: [replace(one, sessions=tuple(map(break_off, one.sessions))) for one in people]
        for room, people in told["members"].items()
    }
    return {**told, "members": members}


StateModel.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestState = pytest.mark.slow(StateModel.TestCase)
