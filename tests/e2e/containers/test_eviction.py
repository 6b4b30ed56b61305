"""Containers that fall silent, die or end: the relay notices each, and says why."""

import pytest

from conformance import wire
from conformance.people import People, status_of
from e2e.containers.conftest import StartChat, StartRelay
from e2e.containers.stage import RelayContainer
from e2e.containers.waiting import eventually
from e2e.relay_metrics import Metrics

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

# A neighbour counts as reachable for up to 45 s after its last sign, then it is asked for; from there three failures
# over ten seconds.
UNREACHABLE_SECONDS = 150.0


def test_a_paused_container_is_evicted_for_silence_and_comes_back(
    start_relay: StartRelay, start_chat: StartChat
) -> None:
    relay = start_relay(silence_timeout_seconds=3)
    with People(relay.relay) as people:
        ann = people.create(b"demo", b"ann")
        bob = start_chat("join", "demo", "--name", "bob")
        ann.await_notice(b"bob joined", nudge=ann.keep_alive)
        bob.get_wrapped_container().pause()
        ann.await_notice(b"bob was disconnected: silence", nudge=ann.keep_alive)
        assert Metrics(relay.ops("/metrics")).value("relay_evictions_total", reason="silence") == 1
        bob.get_wrapped_container().unpause()
        ann.await_notice(b"bob joined", nudge=ann.keep_alive)
        bob.is_told("You are back")
        bob.say("where was I?")
        ann.receive_until(lambda data: data == b"bob: where was I?", nudge=ann.keep_alive)


def test_a_killed_container_is_evicted_as_unreachable(
    relay: RelayContainer, people: People, start_chat: StartChat
) -> None:
    ann = people.create(b"demo", b"ann")
    bob = start_chat("join", "demo", "--name", "bob")
    bob.is_told("You are in demo")
    bob.say("I am here")
    assert ann.receive_until(lambda data: data.startswith(b"bob: ")) == b"bob: I am here"
    bob.get_wrapped_container().kill()

    def is_evicted() -> bool:
        ann.say(b"are you still there?")  # who isn't spoken to isn't found missing before the silence time-out
        return Metrics(relay.ops("/metrics")).value("relay_evictions_total", reason="unreachable") == 1

    eventually(is_evicted, lambda: relay.ops("/metrics"), UNREACHABLE_SECONDS)
    ann.await_notice(b"bob was disconnected: unreachable")


def test_a_host_whose_container_is_stopped_closes_the_room(
    relay: RelayContainer, people: People, start_chat: StartChat
) -> None:
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    bob = people.join(b"demo", b"bob")
    ann.is_told("bob joined")
    ann.get_wrapped_container().stop()
    bob.await_notice(b"disconnected: host_left")
    assert status_of(relay.relay, wire.frame(wire.JOIN, wire.REQUEST, b"demo", b"eve")) == wire.NO_SUCH_ROOM


def test_a_host_whose_container_is_paused_closes_the_room(start_relay: StartRelay, start_chat: StartChat) -> None:
    relay = start_relay(silence_timeout_seconds=3)
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    with People(relay.relay) as people:
        bob = people.join(b"demo", b"bob")
        ann.is_told("bob joined")
        ann.get_wrapped_container().pause()
        bob.await_notice(b"disconnected: host_left", nudge=bob.keep_alive)
    assert Metrics(relay.ops("/metrics")).value("relay_rooms_closed_total", reason="silence") == 1
