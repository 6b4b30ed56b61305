"""Streams that break anywhere, again and again, in virtual time: the promise holds (STR-03, STR-05)."""

import pytest

from chatbrain.events import DeliveryState, Missed, Reconnecting, Rejoined
from libs.chatbrain.stream_world import (
    WORDS,
    World,
    check_promise,
    crowd,
    cut_now_and_then,
    talk,
    talk_over_breaking_connections,
)


@pytest.mark.parametrize("seed", range(25))
def test_what_was_taken_reaches_everybody_once_wherever_connections_are_cut(seed: int) -> None:
    fates, clients = talk_over_breaking_connections(seed)
    assert fates[DeliveryState.TAKEN] > WORDS
    assert not [event for client in clients for event in client.events if isinstance(event, Missed | Rejoined)]


@pytest.mark.parametrize("seed", range(10))
def test_what_was_on_the_way_when_a_stream_broke_is_said_again(seed: int) -> None:
    world = World(seed)
    clients = crowd(world)
    end = talk(world, *clients, pause=(0.02, 1.6))
    cut_now_and_then(world, end, *clients, pause=(6.0, 9.0), silently=0.0)
    world.run(end + 30.0)
    check_promise(world, *clients)
    assert [client.fates() for client in clients] == [{DeliveryState.TAKEN: WORDS}] * 3


@pytest.mark.parametrize("seed", range(10))
def test_what_a_small_ring_lost_is_told(seed: int) -> None:
    world = World(seed, ring=3)
    clients = crowd(world)
    end = talk(world, *clients, pause=(0.02, 0.2))
    cut_now_and_then(world, end, *clients, pause=(1.0, 4.0), silently=0.5)
    world.run(end + 90.0)
    check_promise(world, *clients)
    assert [event for client in clients for event in client.events if isinstance(event, Missed)]


def test_with_connections_that_hold_nothing_is_ever_lost() -> None:
    world = World(1)
    clients = crowd(world)
    world.run(talk(world, *clients) + 10.0)
    check_promise(world, *clients)
    assert {client.fates()[DeliveryState.TAKEN] for client in clients} == {WORDS}


def test_what_is_said_in_a_long_absence_waits_for_its_end() -> None:
    world = World(2)
    ann, bob, _ = crowd(world)
    world.run(20.0)
    world.blocked = True
    ann.cut(silently=False)
    world.run(25.0)
    assert [event for event in ann.events if isinstance(event, Reconnecting)]
    ann.say("ann waits")
    bob.say("bob speaks")
    world.run(80.0)
    world.blocked = False
    world.run(120.0)
    assert (ann.texts(), bob.texts()) == (["bob speaks"], ["ann waits"])
    check_promise(world, ann, bob)


def test_another_numbering_is_told_and_goes_on() -> None:
    world = World(3)
    ann, bob, _ = crowd(world)
    world.run(20.0)
    bob.say("bob is early")
    world.run(21.0)
    world.relay.renumber()
    ann.cut(silently=False)
    world.run(30.0)
    bob.cut(silently=False)
    world.run(40.0)
    bob.say("bob goes on")
    world.run(50.0)
    assert ann.texts() == ["bob is early", "bob goes on"]
    assert [event for event in ann.events if isinstance(event, Missed)] == [Missed()]


def test_who_was_away_for_too_long_joins_anew() -> None:
    world = World(4)
    ann, bob, _ = crowd(world)
    world.run(20.0)
    world.blocked = True
    ann.cut(silently=False)
    world.run(25.0)
    world.relay.forget("ann")
    world.blocked = False
    world.run(70.0)
    bob.say("bob is there")
    world.run(71.0)
    assert ann.texts() == ["bob is there"]
    assert [event for event in ann.events if isinstance(event, Rejoined)]


def test_a_relay_that_answers_before_it_is_asked_breaks_the_promise_and_is_found_out() -> None:
    world = World(5)
    ann, bob, _ = crowd(world)
    ann.say("ann speaks")
    world.run(5.0)
    world.relay.taken["eve spoke, and nobody heard it"] = 99
    with pytest.raises(AssertionError):
        check_promise(world, ann, bob)
