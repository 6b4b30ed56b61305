"""What becomes of a chat when nodes die, hang, come back, move rooms or lie, with the relay's own core (CLU-01)."""

import pytest

from chatbrain import ServerAddress
from chatbrain.events import DeliveryState, Ended, Joined, Moved, Reconnecting, Recovered
from chatbrain.findings import Fault
from chatproto import Operation
from libs.chatbrain.cluster_world import Cluster, check_all_back, crowd, talk_while_nodes_die
from libs.chatbrain.simulator import Client, converse

SEEDS = range(10)
TAKEN, NOT_DELIVERED = DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED


@pytest.mark.requirement("CLU-01")
@pytest.mark.parametrize("seed", SEEDS)
def test_who_comes_to_another_node_is_where_the_room_is(seed: int) -> None:
    world = Cluster(seed)
    ann = Client(world, "ann", "10.0.0.1", Operation.CREATE)
    world.run(2.0)
    world.move(b"demo", "b")
    world.run(4.0)
    bob = Client(world, "bob", "10.0.0.2", Operation.JOIN)
    world.run(5.0)
    assert world.home() == "b"
    assert (bob.first(Joined), bob.first(Moved)) < (5.0, 1e9)
    check_all_back(world, ann, bob)


@pytest.mark.requirement("CLU-02", "CLU-03", "CLU-06")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("machine", [False, True], ids=["process", "machine"])
def test_when_a_home_dies_who_speaks_is_back_at_another_node_soon(seed: int, *, machine: bool) -> None:
    world = Cluster(seed)
    people = crowd(world)
    died_at = world.now
    world.kill("a", machine=machine)
    for person in people:
        person.say(f"{person.name} says hello")
    world.run(died_at + 5.0)
    assert all(died_at < person.first(Moved, died_at) <= died_at + 4.0 for person in people)
    assert world.home() in {"b", "c"}
    check_all_back(world, *people)
    assert [person.fates()[NOT_DELIVERED] for person in people] == [0, 0, 0]
    (room,) = world.nodes[world.home()].registry.rooms.values()
    assert room.host
    assert room.host.name == "ann"


@pytest.mark.requirement("CLU-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_who_says_nothing_is_back_at_the_next_keep_alive(seed: int) -> None:
    world = Cluster(seed)
    people = crowd(world)
    died_at = world.now
    world.kill("a", machine=True)
    world.run(died_at + 30.0)
    assert all(person.first(Recovered, died_at) < died_at + 28.0 for person in people)
    check_all_back(world, *people)


@pytest.mark.requirement("CLU-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_that_hangs_is_left_and_yields_when_it_goes_on(seed: int) -> None:
    world = Cluster(seed)
    people = crowd(world)
    hung_at = world.now
    world.hang("a", 8.0)
    for person in people:
        person.say(f"{person.name} says hello")
    world.run(hung_at + 20.0)
    assert all(person.first(Moved, hung_at) <= hung_at + 6.0 for person in people)
    assert not world.nodes["a"].registry.rooms
    check_all_back(world, *people)


@pytest.mark.requirement("CLU-05")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_room_that_moves_takes_all_along_and_nothing_is_lost(seed: int) -> None:
    world = Cluster(seed)
    people = crowd(world)
    end = converse(world, people, 60, (0.1, 0.6))
    for second, to in ((6.0, "b"), (12.0, "c"), (18.0, "a")):
        world.plan(world.now + second, lambda to=to: world.move(b"demo", to))  # type: ignore[misc]
    world.run(end + 10.0)
    for person in people:
        assert person.fates() == {TAKEN: 60}
        assert person.first(Reconnecting) > 1e9
        moves = [event.server for _, event in person.events if isinstance(event, Moved)]
        assert moves[-3:] == ["b:9000", "c:9000", "a:9000"]
    check_all_back(world, *people)


@pytest.mark.requirement("CLU-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_one_node_after_the_other_may_die_and_come_back(seed: int) -> None:
    fates = talk_while_nodes_die(seed)
    assert fates[TAKEN] >= 0.9 * 600


@pytest.mark.requirement("CLU-02")
@pytest.mark.parametrize("seed", SEEDS)
def test_when_all_nodes_are_gone_for_a_while_the_seat_is_still_asked_for(seed: int) -> None:
    world = Cluster(seed)
    ann, bob, eve = crowd(world)
    for name in "abc":
        world.kill(name)
    for person in (ann, bob, eve):
        person.say("anybody there?")
    world.run(world.now + 10.0)
    assert [event.cause.finding for _, event in ann.events if isinstance(event, Reconnecting)]
    ann.say("while away")
    world.start("c")
    world.run(world.now + 20.0)
    assert world.home() == "c"
    assert "while away" in ann.texts(TAKEN)
    check_all_back(world, ann, bob, eve)


@pytest.mark.requirement("CLU-01")
def test_two_nodes_that_name_each_other_get_four_requests_and_the_person_a_sentence() -> None:
    world = Cluster(1)
    world.nodes["a"].lies_to, world.nodes["b"].lies_to = "b", "a"
    bob = Client(world, "bob", "10.0.0.2", Operation.JOIN)
    world.run(100.0)
    assert world.asked == ["a", "b", "a", "b"]
    ((_, ended),) = bob.events
    assert isinstance(ended, Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.CIRCLES


@pytest.mark.requirement("CLU-01")
def test_members_whose_nodes_name_each_other_wait_longer_and_longer_and_come_back() -> None:
    world = Cluster(2, names=("a", "b"))
    people = crowd(world)
    world.asked.clear()
    world.nodes["a"].lies_to, world.nodes["b"].lies_to = "b", "a"
    world.nodes["a"].hangs = True
    for person in people:
        person.say("hello?")
    world.run(world.now + 60.0)
    assert len(world.asked) < 3 * 60
    world.nodes["a"].hangs = False
    world.nodes["a"].lies_to = world.nodes["b"].lies_to = None
    world.run(world.now + 60.0)
    check_all_back(world, *people)


@pytest.mark.requirement("CLU-01", "CLU-02")
@pytest.mark.parametrize("machine", [False, True])
def test_a_member_that_is_sent_to_a_server_that_is_not_there_goes_on(*, machine: bool) -> None:
    world = Cluster(3)
    people = crowd(world)
    if machine:
        world.lost_machines.add("nowhere")
    world.nodes["b"].lies_to = "nowhere"
    world.kill("a")
    for person in people:
        person.say("hello?")
    world.run(world.now + 8.0)
    assert world.home() == "c"
    check_all_back(world, *people)


def test_a_client_speaks_udp_with_the_node_that_let_it_in() -> None:
    world = Cluster(4)
    ann, _, _ = crowd(world)
    world.move(b"demo", "b")
    world.run(world.now + 2.0)
    assert ann._spoken_with == ServerAddress("b", 9000)
