"""A node with a directory for its state ends and starts again: it asks for its rooms before it serves them (CLU-07)."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters import Bus, Cluster, NodeProcess
from conformance import wire
from conformance.people import NOTICE, Member, People, ask, call
from waiting import wait_until

ROOM = b"tea"
ELSEWHERE = 14
SHORT = ("ann", "ben", "cyd")
FEATURES = ("follow", "resume", "notices")
both_ends = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])


class Lasting(Cluster):
    """Nodes that keep their state."""

    def start_lasting(self, *names: str, **settings: str) -> None:
        for name in names:
            state = self.folder / f"state-{name}"
            state.mkdir(mode=0o700)
            own = {"RELAY_STATE_DIRECTORY": str(state), **settings}
            self.nodes[name] = NodeProcess(name, self.folder, self.bus.url, own)
        self.wait_until_met()


@pytest.fixture(params=["uvloop", "asyncio"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Lasting]]:
    bus = Bus(tmp_path)
    cluster = Lasting(tmp_path, bus)

    def start(*names: str, **settings: str) -> Lasting:
        cluster.start_lasting(*names, **{"RELAY_EVENT_LOOP": str(request.param), **settings})
        return cluster

    try:
        yield start
        if bus.process.poll() is None:
            cluster.stop()
    finally:
        for node in cluster.nodes.values():
            if node.lives:
                node.kill()
        bus.kill()


def end(node: NodeProcess, number: signal.Signals) -> None:
    """End a node without a farewell."""
    if number is signal.SIGKILL:
        node.metrics().check_books()
    node.process.send_signal(number)
    assert node.process.wait(20) == (-number if number is signal.SIGKILL else 0), node.said()


def restored(node: NodeProcess) -> tuple[float, float]:
    """Return how many rooms and members it has from before its start."""
    metrics = node.metrics()
    return metrics.value("relay_state_restored_rooms"), metrics.value("relay_state_restored_members")


def adoptions(node: NodeProcess) -> float:
    return node.metrics().value("relay_cluster_adoptions_total", outcome="adopted")


def check_chat(*members: Member) -> None:
    """Check that each hears what each says, and no notice."""
    for _ in range(20):
        for member in members:
            heard = [data for other in members if other is not member for data in other.heard(after=member)]
            assert not [data for data in heard if data.startswith(NOTICE)]


def resume(node: NodeProcess, member: Member) -> dict[str, Any]:
    """Resume a member's seat at a node; returns the answer."""
    completion = json.loads(member.completion)
    fields = {
        "username": member.name.decode(), "reply": "json", "features": FEATURES, "resume": completion["resume"]
    }  # fmt: skip
    frames = ask(node.relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM, json.dumps(fields).encode()))
    told: dict[str, Any] = json.loads(frames[-1].payload)
    return told


@pytest.mark.requirement("CONT-01", "CLU-07")
@both_ends
def test_the_only_node_of_a_cluster_has_its_rooms_again(make: Callable[..., Lasting], number: signal.Signals) -> None:
    node = make("ann").nodes["ann"]
    with People(node.relay) as people:
        members = people.trio(ROOM)
        for _ in range(3):
            end(node, number)
            for member in members:
                member.say(b"lost, or left in nobody's socket")
            node.start_again()
            wait_until(lambda: restored(node) == (1, 3), said=node.said)
            check_chat(*members)
            assert node.count("relay_evictions_total") == 0
            assert node.count("relay_cluster_homes") == 1
        assert people.join(ROOM, b"zoe").completion


@pytest.mark.requirement("CONT-01", "CLU-07")
def test_a_node_that_was_killed_has_its_rooms_again_before_others_ask(make: Callable[..., Lasting]) -> None:
    cluster = make(*SHORT)
    node, *others = cluster.nodes.values()
    with People(node.relay) as people:
        members = people.trio(ROOM)
        for _ in range(3):
            end(node, signal.SIGKILL)
            node.start_again()
            wait_until(lambda: restored(node) == (1, 3), said=node.said)
            check_chat(*members)
        cluster.wait_until_met()
        cluster.wait_until("relay_cluster_rooms", 1)
        assert [adoptions(one) for one in cluster.nodes.values()] == [0, 0, 0]
        with People(others[0].relay) as strangers:  # carried to where the room is
            zoe = strangers.join(ROOM, b"zoe")
            members[0].receive_until(lambda data: data == b"zoe: hello", lambda: zoe.say(b"hello"))


@pytest.mark.requirement("CONT-01", "CLU-07")
def test_what_another_node_adopted_meanwhile_is_left_to_it(make: Callable[..., Lasting]) -> None:
    cluster = make(*SHORT)
    node, other, _ = cluster.nodes.values()
    with People(node.relay) as people:
        ann, bob = (
            people.create(ROOM, b"ann", features=FEATURES), people.join(ROOM, b"bob", features=FEATURES)
        )  # fmt: skip
        ann.heard(after=bob)
        end(node, signal.SIGKILL)
        assert "token" in resume(other, ann)
        assert adoptions(other) == 1
        node.start_again()
        cluster.wait_until_met()
        wait_until(lambda: '"event": "state_restored"' in node.said())
        assert restored(node) == (0, 0)
        assert node.count("relay_rooms") == 0
        bob.say(b"is anybody here?")
        wait_until(lambda: node.metrics().value("relay_datagrams_dropped_total", reason="unknown_token") > 0)
        answer = resume(node, bob)
        assert (answer["status"], answer["server"]) == (ELSEWHERE, other.server)
        assert "token" in resume(other, bob)
        assert other.count("relay_members") == 2


@pytest.mark.requirement("CONT-01", "CLU-07")
def test_without_the_directory_nobody_is_served_until_it_is_back(make: Callable[..., Lasting]) -> None:
    cluster = make("ann")
    node = cluster.nodes["ann"]
    with People(node.relay) as people:
        members = people.trio(ROOM)
        end(node, signal.SIGKILL)
        cluster.bus.kill()
        node.start_again()
        members[0].say(b"is anybody here?")
        wait_until(lambda: node.metrics().value("relay_datagrams_dropped_total", reason="unknown_token") > 0)
        with call(node.relay) as connection:
            connection.sendall(wire.frame(wire.JOIN, wire.REQUEST, ROOM, b"zoe"))
            (reply,) = wire.read_frames(connection)
        assert reply.payload == bytes([wire.BUSY])
        assert node.count("relay_rooms") == 0
        end(node, signal.SIGKILL)  # what waits outlives this, too
        node.start_again()
        cluster.bus.start()
        wait_until(lambda: restored(node) == (1, 3))
        check_chat(*members)


@pytest.mark.requirement("CONT-01", "CLU-07")
def test_a_directory_that_lost_the_rooms_has_them_no_more(make: Callable[..., Lasting]) -> None:
    cluster = make("ann")
    node = cluster.nodes["ann"]
    with People(node.relay) as people:
        people.trio(ROOM)
        end(node, signal.SIGKILL)
        cluster.bus.kill()
        cluster.bus.forget()
        cluster.bus.start()
        node.start_again()
        wait_until(lambda: '"event": "state_restored"' in node.said())
        assert restored(node) == (0, 0)
        people.create(ROOM, b"zoe")


@pytest.mark.requirement("CLU-05", "CLU-07")
def test_a_node_that_is_told_to_end_gives_its_rooms_to_others(make: Callable[..., Lasting]) -> None:
    cluster = make(*SHORT)
    node, *others = cluster.nodes.values()
    with People(node.relay) as people:
        people.create(ROOM, b"ann", features=FEATURES)
        end(node, signal.SIGTERM)
        wait_until(lambda: sum(one.count("relay_rooms") for one in others) == 1)
        node.start_again()
        cluster.wait_until_met()
        wait_until(lambda: '"event": "state_restored"' in node.said())
        assert restored(node) == (0, 0)
        assert sum(one.count("relay_rooms") for one in others) == 1


@pytest.mark.requirement("CLU-04", "EVI-06")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whom_a_node_carries_is_told_that_it_ends(make: Callable[..., Lasting], number: signal.Signals) -> None:
    cluster = make(*SHORT)
    node, other, _ = cluster.nodes.values()
    with People(other.relay) as people, People(node.relay) as carried:
        ann = people.create(ROOM, b"ann")
        bob = carried.join(ROOM, b"bob")
        ann.receive_until(lambda data: data == b"bob: hello", lambda: bob.say(b"hello"))
        end(node, number)
        bob.await_notice(b"disconnected: shutdown")
