"""Streams that break anywhere, again and again, in virtual time: the promise holds (STR-03, STR-05)."""

import pytest

from chatbrain import Stage
from chatbrain.events import DeliveryState, Missed, Reconnecting, Rejoined
from libs.chatbrain.stream_world import Client, World, check_promise

WORDS = 60


def talk(world: World, *clients: Client, pause: tuple[float, float] = (0.02, 0.8)) -> float:
    """Plan what everybody says; returns when the last word is said."""
    last = world.now
    for client in clients:
        at = world.now
        for number in range(WORDS):
            at += world.chance.uniform(*pause)
            text = f"{client.name} says {number}"
            world.plan(at, lambda client=client, text=text: client.say(text))  # type: ignore[misc]
        last = max(last, at)
    return last


def crowd(world: World) -> tuple[Client, Client, Client]:
    clients = (Client(world, "ann"), Client(world, "bob"), Client(world, "eve"))
    world.run(1.0)
    assert {client.brain.stage for client in clients} == {Stage.CHATTING}
    return clients


def cut_now_and_then(world: World, until: float, *clients: Client, pause: tuple[float, float], silently: float) -> None:
    for client in clients:
        at = world.now
        while (at := at + world.chance.uniform(*pause)) < until:
            still = world.chance.random() < silently
            world.plan(at, lambda client=client, still=still: client.cut(silently=still))  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(25))
def test_what_was_taken_reaches_everybody_once_wherever_connections_are_cut(seed: int) -> None:
    world = World(seed, refused=0.02)
    clients = crowd(world)
    end = talk(world, *clients)
    cut_now_and_then(world, end, *clients, pause=(0.3, 12.0), silently=0.3)
    world.run(end + 90.0)
    check_promise(world, *clients)
    assert {client.brain.stage for client in clients} == {Stage.CHATTING}
    assert sum(client.fates()[DeliveryState.TAKEN] for client in clients) > WORDS
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
