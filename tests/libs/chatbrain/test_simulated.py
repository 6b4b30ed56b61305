"""What a client believes and says, over bad networks, restarts, routers and sleep, with the relay's own core."""

from collections import Counter

import pytest

from chatbrain import Stage
from chatbrain.entering import COMPANY_SECONDS
from chatbrain.events import Delivery, DeliveryState, Reconnecting, Recovered, Rejoined, Unheard
from chatproto import Operation
from libs.chatbrain.simulator import Client, Network, World, check_honest, converse, pair, talk_over_a_bad_network
from relay_server.core.receipts import SaidNumbers

SEEDS = range(10)
"""`make simulate` tries a thousand."""
TAKEN, NOT_DELIVERED = DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED
LOSSY = Network(loss=0.05, duplication=0.05)


@pytest.mark.requirement("RCP-01", "RCP-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_over_a_bad_network_every_word_is_taken_or_marked_and_none_twice(seed: int) -> None:
    fates = talk_over_a_bad_network(seed)
    assert fates.total() == 400
    assert fates[TAKEN] >= 396


@pytest.mark.parametrize("seed", SEEDS)
def test_over_a_very_bad_network_nothing_is_pretended(seed: int) -> None:
    world = World(seed, Network(loss=0.4, duplication=0.3, delay=(0.01, 1.5)))
    ann = Client(world, "ann", "10.0.0.1", Operation.CREATE)
    world.run(10.0)
    world.run(converse(world, (ann,), 100, (0.2, 1.0)) + 30.0)
    check_honest(world, ann)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_a_router_that_gives_another_port_costs_no_word(seed: int, loss: float) -> None:
    world = World(seed, Network(loss=loss))
    ann, bob = pair(world)
    for second in range(5, 100, 19):
        world.plan(float(second), ann.change_port)
    world.run(converse(world, (ann, bob), 200, (0.2, 0.6)) + 10.0)
    check_honest(world, ann, bob)
    assert ann.fates()[NOT_DELIVERED] + bob.fates()[NOT_DELIVERED] <= 8 * bool(loss)
    if not loss:
        assert bob.heard() == Counter({f"ann says {number}": 1 for number in range(200)})


@pytest.mark.parametrize("seed", SEEDS)
def test_udp_that_is_swallowed_from_the_start_is_told_in_five_seconds(seed: int) -> None:
    world = World(seed, Network())
    world.udp_works = False
    ann = Client(world, "ann", "10.0.0.1", Operation.CREATE)
    converse(world, (ann,), 20, (0.5, 2.0))
    world.run(60.0)
    assert ann.first(Unheard) <= 3.0
    assert ann.first(Reconnecting) <= 5.0  # which says that it is UDP, with what helps
    assert ann.texts(TAKEN) == set()
    causes = [event.cause.text for _, event in ann.events if isinstance(event, Reconnecting)]
    assert causes
    assert all("over UDP" in cause for cause in causes)
    world.udp_works = True
    world.run(100.0)
    assert ann.brain.stage is Stage.CHATTING
    check_honest(world, ann)
    assert ann.fates()[TAKEN] > 0  # what waited


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("speaks", "bound"), [(True, 5.0), (False, 30.0)])
def test_udp_that_dies_in_the_middle_is_noticed(seed: int, speaks: bool, bound: float) -> None:
    world = World(seed, LOSSY)
    ann, bob = pair(world)
    world.run(100.0 + 20.0 * world.chance.random())
    died_at, world.udp_works = world.now, False
    if speaks:
        ann.say("hello?")
    world.run(died_at + 60.0)
    assert died_at <= ann.first(Unheard, died_at) <= died_at + bound
    world.udp_works = True
    world.run(died_at + 130.0)
    assert ann.first(Recovered, died_at) < 1e9
    bob.say("still there")
    world.run(world.now + 10.0)
    check_honest(world, ann, bob)
    assert ann.fates()[NOT_DELIVERED] == speaks


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("speaks", "bound"), [(True, 5.0), (False, 30.0)])
def test_a_relay_that_was_killed_and_started_again_is_noticed(seed: int, speaks: bool, bound: float) -> None:
    world = World(seed, LOSSY)
    ann, bob = pair(world)
    world.run(100.0 + 20.0 * world.chance.random())
    killed_at = world.now
    world.stop_relay()
    world.plan(killed_at + 15.0, world.start_relay)
    if speaks:
        for client in (ann, bob):
            client.say(f"{client.name} says hello")
    world.plan(killed_at + 8.0, lambda: bob.say("while away"))
    world.run(killed_at + 120.0)
    for client in (ann, bob):
        assert client.first(Unheard, killed_at) <= killed_at + bound
        assert client.first(Rejoined, killed_at) < killed_at + 80
        assert client.brain.stage is Stage.CHATTING
    check_honest(world, ann, bob)
    assert world.relayed["while away"] <= 1
    if speaks:
        assert bob.texts(TAKEN) == {"while away"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alone", [False, True], ids=["company", "alone"])
def test_what_a_host_says_while_the_relay_is_away_waits_for_who_comes_back(seed: int, alone: bool) -> None:
    world = World(seed, Network())
    ann, bob = pair(world)
    killed_at = world.now
    world.stop_relay()
    world.plan(killed_at + 10.0, world.start_relay)
    for client in (ann, bob):
        client.say("hello?")  # and so notices that nobody answers
    world.plan(killed_at + 8.0, lambda: ann.say("while away"))
    if alone:
        bob.sleep(1000.0)
    world.run(killed_at + 80.0)
    check_honest(world, ann)
    assert ann.texts(TAKEN) == {"while away"}
    assert set(bob.heard()) == (set() if alone else {"while away"})
    sent_at = next(at for at, event in ann.events if isinstance(event, Delivery) and event.text == "while away")
    there = ann.first(Rejoined) + COMPANY_SECONDS if alone else bob.first(Rejoined)
    assert there <= sent_at < there + 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [20.0, 200.0, 1000.0])
def test_a_machine_that_slept_says_nothing_into_the_void(seed: int, seconds: float) -> None:
    world = World(seed, LOSSY)
    ann, bob = pair(world)
    world.run(50.0)
    bob.sleep(seconds)
    world.run(50.0 + seconds + 2.5)  # awake, and it has looked
    bob.say("good morning")
    world.run(world.now + 120.0)
    check_honest(world, ann, bob)
    assert bob.brain.stage is Stage.CHATTING
    if seconds > 300:  # the relay took the place away meanwhile
        assert bob.first(Rejoined, 50.0) <= 50.0 + seconds + 12.0
    bob.say("and now?")
    world.run(world.now + 10.0)
    assert "and now?" in bob.texts(TAKEN)


@pytest.mark.requirement("RES-01", "RES-03")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("who", [0, 1], ids=["host", "guest"])
@pytest.mark.parametrize(("speaks", "bound"), [(True, 5.0), (False, 30.0)])
def test_a_public_address_that_changes_costs_no_word(seed: int, who: int, speaks: bool, bound: float) -> None:
    world = World(seed, Network())
    both = pair(world)
    mover, other = both[who], both[1 - who]
    world.run(50.0 + 20.0 * world.chance.random())
    moved_at = world.now
    mover.change_address("10.0.0.77")
    if speaks:
        for number in range(3):
            mover.say(f"{mover.name} says hello {number}")
    world.run(moved_at + bound)
    assert mover.first(Recovered, moved_at) < moved_at + bound
    assert mover.first(Rejoined) > 1e9
    mover.say("and now?")
    other.say("yes")
    world.run(world.now + 10.0)
    check_honest(world, *both)
    assert not mover.fates()[NOT_DELIVERED]
    assert other.heard() == Counter(dict.fromkeys(mover.said.values(), 1))
    assert mover.heard()["yes"] == 1


@pytest.mark.requirement("RES-01", "RES-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_addresses_that_change_over_a_bad_network_double_no_word(seed: int) -> None:
    world = World(seed, LOSSY)
    both = pair(world)
    for number, second in enumerate(range(20, 200, 30)):
        mover = both[number % 2]
        world.plan(float(second), lambda mover=mover, number=number: mover.change_address(f"10.0.1.{number}"))  # type: ignore[misc]
    world.run(converse(world, both, 100, (1.0, 3.0)) + 30.0)
    check_honest(world, *both)
    assert [client.brain.stage for client in both] == [Stage.CHATTING] * 2
    assert both[0].fates()[TAKEN] + both[1].fates()[TAKEN] >= 196


def test_a_taken_name_is_waited_out_after_the_public_address_changed() -> None:
    world = World(1, Network())
    ann, bob = pair(world, resumes=False)
    world.run(50.0)
    bob.change_address("10.0.0.77")
    bob.say("hello?")
    world.run(56.0)
    assert bob.first(Unheard) <= 55.0
    assert bob.texts(TAKEN) == set()
    world.run(500.0)
    assert bob.first(Rejoined) < 400.0  # the relay's own time-out, for the name is the dead self's until then
    causes = [event.cause.text for _, event in bob.events if isinstance(event, Reconnecting)]
    assert all("over UDP" in cause for cause in causes)
    check_honest(world, ann, bob)


@pytest.mark.parametrize("seed", range(3))
def test_control_a_relay_that_remembers_no_numbers_is_found_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SaidNumbers, "add", lambda *_: None)
    with pytest.raises(AssertionError):
        talk_over_a_bad_network(seed)
