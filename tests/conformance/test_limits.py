"""Rates, and that every datagram is accounted for."""

import re
import signal
import time

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import NOTICE, People, call
from conformance.relays import RESTRICTED, OwnRelay

pytestmark = pytest.mark.level("extension")


def counters(own: OwnRelay) -> dict[str, float]:
    """Return the relay's counters, those with labels summed up."""
    totals: dict[str, float] = {}
    for name, value in re.findall(r"^(relay_\w+)(?:\{.*?\})? ([\d.e+]+)$", own.ops("/metrics"), re.MULTILINE):
        totals[name] = totals.get(name, 0) + float(value)
    return totals


@pytest.mark.parametrize("limit", [{"message_rate": 1, "message_burst": 5}, {"byte_rate": 100}])
@pytest.mark.requirement("LIM-01")
def test_a_member_over_its_rate_is_limited_and_told(
    start_relay: StartRelay, room: bytes, limit: dict[str, int]
) -> None:
    with People(start_relay(**limit).relay) as people:
        ann, bob, eve = people.create(room, b"ann"), people.join(room, b"bob"), people.join(room, b"eve")
        started = time.monotonic()
        for _ in range(30):
            bob.say(b"x" * 1000)
        relayed = ann.heard_messages(after=eve)
        took = time.monotonic() - started
        told = [data for data in bob.heard(after=ann) if data.startswith(NOTICE) and b"joined" not in data]
        assert 1 <= len(relayed) < 30
        assert 1 <= len(told) <= 1 + took


@pytest.mark.requirement("LIM-01")
def test_an_address_that_joins_too_often_gets_status_busy(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(join_rate=1).relay
    request = wire.frame(wire.JOIN, wire.REQUEST, room, b"ann")
    statuses = []
    for source in ["127.0.0.1"] * 30 + ["127.0.0.2"]:
        with call(relay, source) as connection:
            connection.sendall(request)
            (reply,) = wire.read_frames(connection)
        statuses.append(reply.payload[0])
    assert statuses[0] == statuses[-1] == wire.NO_SUCH_ROOM
    assert statuses.count(wire.BUSY) > 0


@pytest.mark.requirement("LIM-01", "CON-03")
def test_guessing_tokens_disturbs_no_member(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    guesser = people.listener(people.relay.udp_port, people.local)
    for number in range(200):
        guesser.send(wire.chat(room, b"guess%d" % number, b"hello"))
    ann.say(b"hello")
    assert bob.heard(after=ann) == [b"ann: hello"]
    assert guesser.waiting() == []


@pytest.mark.requirement("CON-01", "CON-02")
def test_every_datagram_and_every_copy_is_accounted_for(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay()
    with People(own.relay) as people:
        ann, bob, eve = people.trio(room)
        before = counters(own)
        for _ in range(10):
            ann.say(b"hello")
        stranger = people.listener(own.relay.udp_port, "127.0.0.2")
        bad = [b"\0", b"\0\0\0\0", wire.chat(room, b"nobody", b"x"), wire.chat(room, ann.token, b"x"), b"x" * 5000]
        for datagram in bad:
            stranger.send(datagram)
        ann.say(b"\xff")
        bob.keep_alive()
        eve.heard(after=bob)
        after = counters(own)
    gained = {name: after[name] - before[name] for name in after}
    assert gained["relay_datagrams_dropped_total"] == len(bad) + 1
    assert gained["relay_datagrams_accepted_total"] == 10 + 2
    assert gained["relay_datagrams_received_total"] == len(bad) + 1 + 10 + 2
    assert gained["relay_datagrams_sent_total"] + gained["relay_send_failures_total"] == 2 * (10 + 1)
    total = after["relay_datagrams_accepted_total"] + after["relay_datagrams_dropped_total"]
    assert after["relay_datagrams_received_total"] == total


@pytest.mark.requirement("CON-04")
def test_datagrams_dropped_by_the_kernel_are_counted(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**RESTRICTED)
    with People(own.relay) as people:
        ann, bob = people.pair(room)
        before = counters(own)
        sent = 0
        own.process.send_signal(signal.SIGSTOP)  # nobody empties the buffer
        try:
            for _ in range(200):
                ann.say(b"x" * 1000)
                sent += 1
        finally:
            own.process.send_signal(signal.SIGCONT)
        bob.receive_until(lambda data: data.endswith(b"the end"), nudge=lambda: ann.say(b"the end"))
        after = counters(own)
        assert after["relay_kernel_drops_total"] > before["relay_kernel_drops_total"]
