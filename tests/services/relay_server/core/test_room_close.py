"""A room closes while others join, speak, are kicked, and somebody takes its name: in every order (threats R1, R2)."""

from collections.abc import Callable
from contextlib import suppress
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from chatproto import EvictionReason, ProtocolError, encode_datagram
from relay_server.core.counters import DropReason
from relay_server.core.model import Member
from services.relay_server.core.rooms_case import Case, home, take_out

if TYPE_CHECKING:
    from relay_server.net.address import UdpAddress

GONE = (b"server: disconnected: host_left", b"server: disconnected: kicked")


class Race:
    """A room of ann's, what may happen to it at once, and what everybody hears of it."""

    def __init__(self, end: Callable[["Race"], object]) -> None:
        self.case = Case()
        self.end = end
        self.ann, self.bob, self.eve = self.case.trio()
        self.case.say(self.ann, "/topic old")
        self.case.said()
        self.everybody = [self.ann, self.bob, self.eve]
        self.heard: dict[UdpAddress, list[bytes]] = {}

    def close(self) -> None:
        self.end(self)

    def kick(self) -> None:
        self._say(self.ann, "/kick eve")
        self._say(self.bob, "old words")

    def set_password(self) -> None:
        self._say(self.ann, "/password secret")

    def hash(self) -> None:
        for wanted in self.case.to_hash:
            self.case.commands.set_password(wanted, lambda: "hash")

    def join(self) -> None:
        with suppress(ProtocolError):
            self.everybody.append(self.case.join("zoe"))
            self._say(self.everybody[-1], "zoe's words")

    def create(self) -> None:
        with suppress(ProtocolError):
            dora = self.case.create("dora")
            self.everybody.append(dora)
            self._say(dora, "/topic new")
            self._say(dora, "new words")

    def _say(self, member: Member, message: str) -> None:
        members = {home(other): other for other in self.everybody if self.case.knows(other)}
        lived = self.case.knows(member)
        result = self.case.say(member, message, 1.0)
        assert isinstance(result, tuple) is lived
        if isinstance(result, tuple):
            payload, targets = result
            for target in targets:
                assert members[target].room is member.room  # never the old room's words in the new one
                self.heard.setdefault(target, []).append(payload)

    def settle(self) -> None:
        """Let everything be sent."""
        for payload, targets in take_out(self.case.registry.outbox):
            for target in targets:
                self.heard.setdefault(target, []).append(payload)


ENDS = {
    "leave": lambda race: race._say(race.ann, "/leave"),
    "silence": lambda race: race.case.registry.evict(race.ann, EvictionReason.SILENCE, 1.0),
}


@pytest.mark.slow
@pytest.mark.requirement("ROOM-01", "EVI-02", "MOD-03", "MOD-08")
@pytest.mark.parametrize("end", ENDS)
def test_whatever_happens_first_nobody_is_left_in_a_closed_room(end: str) -> None:
    steps = (Race.close, Race.kick, Race.set_password, Race.hash, Race.join, Race.create)
    for order in permutations(steps):
        race = Race(ENDS[end])
        for step in order:
            step(race)
            race.settle()
        _check(race)


def _check(race: Race) -> None:
    case = race.case
    case.assert_all_is_counted()
    old = race.ann.room
    assert not old.members
    for room in case.registry.rooms.values():
        assert room is not old
        assert room.host in room.members
        assert (room.topic, room.password_hash) == ("new", None)
    for member in race.everybody:
        said = race.heard.get(home(member), [])
        told = [payload for payload in said if payload in GONE]
        assert len(told) == (member is not race.ann and not case.knows(member))
        if member.room is not old:
            assert not [payload for payload in said if b"old" in payload or b"bob" in payload or b"eve" in payload]


@pytest.mark.requirement("UDP-02", "UDP-08", "MOD-01")
@pytest.mark.parametrize("order", ["/leave", "/kick bob", "/host eve", "/password x", "/topic x"])
def test_nobody_else_leaves_or_commands_for_the_host(order: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    forged = encode_datagram(b"demo", case.tokens[ann], order.encode())
    assert case.relay.handle_datagram(forged, home(eve), 1.0) is DropReason.ADDRESS_MISMATCH
    guessed = encode_datagram(b"demo", case.tokens[eve][:-1] + b"?", order.encode())
    assert case.relay.handle_datagram(guessed, home(eve), 1.0) is DropReason.UNKNOWN_TOKEN
    case.say(eve, order, 1.0)
    assert case.knows(ann)
    assert case.knows(bob)
    assert (ann.room.host, ann.room.topic, case.to_hash) == (ann, "", [])
    assert case.knows(eve) is (order != "/leave")
