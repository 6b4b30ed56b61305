"""Every cap is filled, and one more is refused with a status (threat T13); existing members lose nothing."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import wire
from conformance.people import People, half_request
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from e2e.streaming import RefusedError, StreamMember
from faults.burst import burst
from faults.crowd import Crowd
from faults.relays import StartRelay

ROOM, ELSEWHERE = b"demo", "127.0.5.1"
MEMBERS = 3
"""In the room from the start, at another address than later members."""
MORE = 3
"""So many more come in under each cap."""
HELD = 2
"""Connections that ask for nothing, where those are counted."""
SETTINGS = Path(__file__).parents[2] / "docs" / "settings.md"
FILLED_ELSEWHERE = {"RELAY_MAX_PAYLOAD_BYTES", "RELAY_MAX_SESSION_SECONDS"}
"""They count bytes and seconds: `test_requests`, and the conformance tests of evictions."""


def ask(own: OwnRelay, operation: int, room: bytes, name: bytes) -> int:
    """Join once, without a retry if the relay is busy."""
    with burst(own.relay, [wire.frame(operation, wire.REQUEST, room, name)], [ELSEWHERE]) as asked:
        return asked.statuses()[0]


def join(own: OwnRelay, number: int) -> int:
    return ask(own, wire.JOIN, ROOM, b"guest %d" % number)


def create(own: OwnRelay, number: int) -> int:
    return ask(own, wire.CREATE, b"room %d" % number, b"ann")


class Cap(NamedTuple):
    """A cap: how many places are taken already, who takes one more, and what one too many is told."""

    setting: str
    taken: int
    take: Callable[[OwnRelay, int], int]
    refusal: int


CAPS = [
    Cap("RELAY_MAX_ROOMS", 1, create, wire.TOO_MANY),
    Cap("RELAY_MAX_ROOMS_PER_ADDRESS", 0, create, wire.TOO_MANY),
    Cap("RELAY_MAX_MEMBERS", MEMBERS, join, wire.TOO_MANY),
    Cap("RELAY_MAX_MEMBERS_PER_ADDRESS", 0, join, wire.TOO_MANY),
    Cap("RELAY_MAX_MEMBERS_PER_ROOM", MEMBERS, join, wire.ROOM_FULL),
]
CONNECTION_CAPS = {"RELAY_MAX_TRANSACTIONS", "RELAY_MAX_TRANSACTIONS_PER_ADDRESS", "RELAY_MAX_STREAMS"}


@contextmanager
def talking(own: OwnRelay) -> Iterator[Crowd]:
    """Have members who talk, and who must have heard everything in the end."""
    with People(own.relay) as people:
        crowd = Crowd([people.create(ROOM, b"ann"), *(people.join(ROOM, b"bob %d" % n) for n in range(1, MEMBERS))])
        await_metrics(own, lambda now: now.total("relay_datagrams_accepted_total") == MEMBERS)
        crowd.say_next()
        yield crowd
        crowd.say_next()
        crowd.check_nothing_lost()


@pytest.mark.parametrize("room_for_all", [False, True], ids=["filled", "control"])
@pytest.mark.parametrize("cap", CAPS, ids=lambda cap: cap.setting)
def test_one_over_a_limit_is_refused_with_a_status(start_relay: StartRelay, cap: Cap, room_for_all: bool) -> None:
    limit = cap.taken + MORE + room_for_all
    own = start_relay(**{cap.setting: str(limit)}, RELAY_COMPLETION_PAUSE_SECONDS="0")
    with talking(own) as crowd:
        for number in range(MORE):
            assert cap.take(own, number) == wire.OK
            crowd.say_next()
        assert cap.take(own, MORE) == (wire.OK if room_for_all else cap.refusal)


@pytest.mark.parametrize("room_for_all", [False, True], ids=["filled", "control"])
def test_a_connection_over_the_limit_of_an_address_is_refused_with_a_status(
    start_relay: StartRelay, room_for_all: bool
) -> None:
    own = start_relay(RELAY_MAX_TRANSACTIONS_PER_ADDRESS=str(HELD + room_for_all))
    with talking(own) as crowd, half_request(own.relay, ELSEWHERE), half_request(own.relay, ELSEWHERE):
        crowd.say_next()
        assert join(own, 1) == (wire.OK if room_for_all else wire.BUSY)


@pytest.mark.parametrize("room_for_all", [False, True], ids=["filled", "control"])
def test_the_slowest_connection_yields(start_relay: StartRelay, room_for_all: bool) -> None:
    own = start_relay(RELAY_MAX_TRANSACTIONS=str(HELD + room_for_all))
    with talking(own) as crowd, half_request(own.relay, ELSEWHERE) as slowest, half_request(own.relay, ELSEWHERE):
        crowd.say_next()
        assert join(own, 1) == wire.OK
        slowest.settimeout(0 if room_for_all else wire.WAIT_SECONDS)
        with pytest.raises(BlockingIOError) if room_for_all else nullcontext():
            assert wire.read_frames(slowest)[0].payload == bytes([wire.BUSY])


@pytest.mark.parametrize("room_for_all", [False, True], ids=["filled", "control"])
def test_the_lobby_takes_as_many_as_a_room(start_relay: StartRelay, room_for_all: bool) -> None:
    own = start_relay(RELAY_MAX_MEMBERS_PER_ROOM=str(MEMBERS + room_for_all))
    with talking(own), ExitStack() as stack:
        people = stack.enter_context(People(own.relay))
        clients = [people.listener(own.relay.lobby_port, people.local) for _ in range(MEMBERS + 1)]
        for number, client in enumerate(clients):
            client.send(wire.lobby(b"client %d" % number))
        await_metrics(own, lambda now: now.total("relay_lobby_datagrams_received_total") == MEMBERS + 1)
        dropped = scrape(own).value("relay_lobby_datagrams_dropped_total", reason="too_many")
        assert dropped == (not room_for_all)
        clients[0].send(wire.lobby(b"client 0", b"hello"))
        for client in clients[1:MEMBERS]:
            assert client.receive() == wire.lobby(b"client 0", b"hello")


@pytest.mark.requirement("STR-07")
@pytest.mark.parametrize("room_for_all", [False, True], ids=["filled", "control"])
def test_a_stream_over_the_limit_is_refused_and_joins_by_udp_go_on(start_relay: StartRelay, room_for_all: bool) -> None:
    own = start_relay(RELAY_MAX_STREAMS=str(MORE + room_for_all))
    with talking(own) as crowd, ExitStack() as stack:
        for number in range(MORE):
            stack.enter_context(StreamMember(own.relay, ROOM.decode(), f"stream {number}")).speak_up()
            crowd.say_next()
        refused = nullcontext() if room_for_all else pytest.raises(RefusedError, match=f"^{wire.TOO_MANY}$")
        with refused:
            stack.enter_context(StreamMember(own.relay, ROOM.decode(), "one more"))
        assert join(own, 1) == wire.OK
        assert scrape(own).value("relay_streams") == MORE + room_for_all


def test_every_cap_is_filled() -> None:
    there = set(re.findall(r"`(RELAY_MAX_\w+)`", SETTINGS.read_text()))
    assert there == {cap.setting for cap in CAPS} | CONNECTION_CAPS | FILLED_ELSEWHERE
