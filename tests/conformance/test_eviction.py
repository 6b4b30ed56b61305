"""Evictions: their reasons, and the notices about them."""

import time

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import DISCONNECTED, NOTICE, People, call, status_of
from conformance.relays import OwnRelay

pytestmark = pytest.mark.level("extension")

SILENCE_SECONDS = 0.5
SESSION_SECONDS = 6.0
CHALLENGE = NOTICE + b"can you hear me? "


@pytest.fixture
def strict(start_relay: StartRelay) -> OwnRelay:
    """Start a relay that evicts members after half a second of silence."""
    return start_relay(silence_timeout_seconds=SILENCE_SECONDS)


@pytest.mark.requirement("EVI-01", "EVI-02", "EVI-05", "UDP-10")
def test_a_silent_member_is_evicted_told_and_must_join_again(strict: OwnRelay, room: bytes) -> None:
    with People(strict.relay) as people:
        ann = people.create(room, b"ann")
        started = time.monotonic()
        bob = people.join(room, b"bob")
        bob.await_notice(b"disconnected: silence", nudge=ann.keep_alive)
        assert time.monotonic() - started >= SILENCE_SECONDS
        ann.await_notice(b"bob was disconnected: silence", nudge=ann.keep_alive)
        bob.say(b"my token is dead")
        again = people.join(room, b"bob")
        assert ann.heard_messages(after=again) == []
        assert again.token != bob.token


@pytest.mark.requirement("EVI-01", "UDP-07")
def test_keep_alives_keep_a_member(strict: OwnRelay, room: bytes) -> None:
    with People(strict.relay) as people:
        ann, bob, eve = people.trio(room)

        def nudge() -> None:
            ann.keep_alive()
            bob.keep_alive()

        eve.await_notice(b"disconnected: silence", nudge)
        ann.say(b"who is left?")
        bob.await_notice(b"eve was disconnected: silence")
        assert bob.hear() == b"ann: who is left?"


@pytest.mark.requirement("EVI-04", "ROOM-01")
def test_the_eviction_of_a_host_closes_the_room(strict: OwnRelay, room: bytes) -> None:
    with People(strict.relay) as people:
        people.create(room, b"ann")
        bob = people.join(room, b"bob")
        bob.await_notice(b"disconnected: host_left", nudge=bob.keep_alive)
        request = wire.frame(wire.JOIN, wire.REQUEST, room, b"eve")
        assert status_of(people.relay, request) == wire.NO_SUCH_ROOM


@pytest.mark.requirement("EVI-03", "EVI-05")
def test_a_member_whose_port_is_dead_is_evicted_as_unreachable(people: People, room: bytes) -> None:
    if not people.relay.is_loopback_v4:
        pytest.skip("ICMP errors may not come through: the target is not on 127.0.0.x")
    ann, bob, eve = people.trio(room)
    started = time.monotonic()
    bob.udp.close()
    said = 0

    def keep_talking() -> None:
        nonlocal said
        if time.monotonic() - started > said / 2:
            said += 1
            ann.say(b"%d" % said)

    ann.await_notice(b"bob was disconnected: unreachable", nudge=keep_talking)
    assert said >= 3
    heard = eve.heard(after=ann)
    assert [data for data in heard if not data.startswith(NOTICE)] == [
        b"ann: %d" % number
        for number in range(1, said + 1)  # the living lost nothing
    ]
    assert not any(b"can you hear me?" in data for data in heard)  # that only the suspect is asked


@pytest.mark.requirement("EVI-07", "EVI-05", "UDP-12")
def test_a_long_session_needs_a_new_proof(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(max_session_seconds=SESSION_SECONDS).relay) as people:
        ann, bob = people.create(room, b"ann"), people.join(room, b"bob")
        started, answers = time.monotonic(), 0

        def answer_until_bob_is_gone(data: bytes) -> bool:
            nonlocal answers
            if data.startswith(CHALLENGE):
                ann.say(data.removeprefix(CHALLENGE))
                answers += 1
            return data == NOTICE + b"bob was disconnected: expired"

        ann.receive_until(answer_until_bob_is_gone)
        bob.await_notice(b"disconnected: expired")
        assert answers
        while time.monotonic() < started + 2 * SESSION_SECONDS:
            ann.receive_until(lambda data: answer_until_bob_is_gone(data) or data.startswith(CHALLENGE))
        again = people.join(room, b"bob")
        again.say(b"the room is still here")
        assert ann.receive_until(lambda data: answer_until_bob_is_gone(data) or data.startswith(b"bob: "))


@pytest.mark.requirement("EVI-06", "EVI-05", "LOB-04", "TCP-10")
def test_a_relay_that_stops_tells_everybody_and_refuses(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(log_level="warning")
    with People(own.relay) as people, call(own.relay) as late:
        request = wire.frame(wire.CREATE, wire.REQUEST, room + b"2", b"eve")
        late.sendall(request[:10])
        ann, bob = people.pair(room)
        lobby = people.listener(own.relay.lobby_port, people.local)
        lobby.send(wire.lobby(b"carol"))
        lobby.send(wire.lobby(b"carol", b"hello"))
        ann.heard(after=bob)
        own.terminate()
        for member in (ann, bob):
            assert member.receive() == DISCONNECTED + b"shutdown"
        assert lobby.receive() == wire.lobby(b"server", b"disconnected: shutdown")
        late.sendall(request[10:])
        (reply,) = wire.read_frames(late)
        assert reply.payload == bytes([wire.SHUTTING_DOWN])
        assert own.stop() == 0
