"""A node that another process takes over while it runs: its homes stay, and nobody notices (CLU-07)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import KEY, Bus, Cluster, NodeProcess
from conformance.people import People
from conftest import Figures
from e2e.relay_metrics import scrape
from faults import newcomers
from faults.town import Town
from ports import free_ports
from replaceable import ReplaceableRelay
from waiting import wait_until

RATE = 400.0
NAMES = ("ben", "cyd")


class ReplaceableNode(ReplaceableRelay):
    """A node whose process may be another one later."""

    def __init__(self, name: str, folder: Path, bus: Bus, **settings: str) -> None:
        self._chosen = free_ports(5)
        tcp, udp, *_, link = self._chosen
        cluster = {
            "RELAY_CLUSTER_URL": bus.url, "RELAY_CLUSTER_KEY": KEY, "RELAY_NODE_NAME": name,
            "RELAY_NODE_ADDRESS": f"127.0.0.1:{tcp}:{udp}", "RELAY_LINK_PORT": str(link),
            "RELAY_COMPLETION_PAUSE_SECONDS": "0",
        }  # fmt: skip
        super().__init__(folder / f"{name}.log", cluster | settings, program=(newcomers.__file__,))

    def _choose_ports(self) -> tuple[int, ...]:
        return tuple(self._chosen[:4])


@pytest.fixture(params=["uvloop", "asyncio"])
def three(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ReplaceableNode, Cluster]]:
    bus = Bus(tmp_path)
    others = Cluster(tmp_path, bus)
    node = ReplaceableNode("ann", tmp_path, bus, RELAY_EVENT_LOOP=str(request.param))
    try:
        for name in NAMES:
            others.nodes[name] = NodeProcess(name, tmp_path, bus.url, {})
        wait_until(lambda: all(one.count("relay_cluster_nodes") == 3 for one in others.nodes.values()))
        wait_until(lambda: scrape(node).value("relay_cluster_nodes") == 3)
        yield node, others
        scrape(node).check_books()
    finally:
        code = node.stop()
        for one in others.nodes.values():
            one.kill()
        bus.kill()
    assert code == 0, node.said()
    assert "Traceback" not in node.said(), node.said()


def test_a_node_keeps_its_homes_and_members_lose_nothing(
    three: tuple[ReplaceableNode, Cluster], figures: Figures
) -> None:
    node, others = three
    with People(node.relay) as people:
        town = Town(people, rooms=3, members=5)
        wait_until(lambda: scrape(node).value("relay_cluster_homes") == 3)
        for times in (1, 2, 3):
            town.talk_for(0.3, RATE)
            asked = node.begin_replacing()
            town.talk_until(lambda: asked.poll() is not None, RATE)  # noqa: B023
            row = node.finish_replacing(asked)
            figures(f"the chat paused for {row['pause_ms']} ms")
            assert scrape(node).value("relay_replacements_total") == times
            wait_until(lambda: scrape(node).value("relay_cluster_connected") == 1)
            wait_until(lambda: scrape(node).value("relay_cluster_nodes") == 3)
            assert scrape(node).value("relay_cluster_homes") == 3
        town.talk_for(0.3, RATE)
        town.check_nothing_lost()
        assert scrape(node).total("relay_cluster_moves_total") == 0
        for one in others.nodes.values():
            assert one.metrics().value("relay_cluster_adoptions_total", outcome="adopted") == 0
            assert one.count("relay_cluster_nodes") == 3
            assert one.count("relay_cluster_rooms") == 3
        with People(others.nodes["cyd"].relay) as strangers:  # over a link to the process that took over
            zoe, ann = strangers.join(b"room-0", b"zoe"), people.join(b"room-0", b"ann")
            ann.receive_until(lambda data: data == b"zoe: hello", lambda: zoe.say(b"hello"))
            node.replace()
            for _ in range(20):
                zoe.say(b"still here")
                assert ann.hear() in {b"zoe: hello", b"zoe: still here"}


@pytest.mark.requirement("CLU-04")
def test_whom_the_node_carries_loses_nothing(three: tuple[ReplaceableNode, Cluster], figures: Figures) -> None:
    node, others = three
    with People(others.nodes["ben"].relay) as people, People(node.relay) as carried:
        town = Town(people, rooms=3, members=6, others=carried)
        for how in ("dies_with_the_state", "", "", ""):
            town.talk_for(0.3, RATE)
            asked = node.begin_replacing({"NEWCOMER": how})
            town.talk_until(lambda: asked.poll() is not None, RATE)  # noqa: B023
            if how:
                out, err = asked.communicate()
                assert (asked.returncode, out) == (1, ""), err
                town.check_nothing_lost()
            else:
                figures(f"the chat paused for {node.finish_replacing(asked)['pause_ms']} ms")
            assert scrape(node).value("relay_cluster_edge_members") == 9
        town.talk_for(0.3, RATE)
        town.check_nothing_lost()
        yan = carried.join(b"room-0", b"yan")  # by a process that just began to know where rooms are
        assert scrape(node).value("relay_cluster_edge_members") == 10
        yan.leave()
        wait_until(lambda: scrape(node).value("relay_cluster_edge_members") == 9)


@pytest.mark.parametrize("how", ["exits", "dies_with_the_state"])
def test_a_newcomer_that_fails_changes_nothing(three: tuple[ReplaceableNode, Cluster], how: str) -> None:
    node, others = three
    with People(node.relay) as people:
        town = Town(people, rooms=2, members=4)
        for _ in range(2):
            asked = node.begin_replacing({"NEWCOMER": how})
            town.talk_until(lambda: asked.poll() is not None, RATE)  # noqa: B023
            out, err = asked.communicate()
            assert (asked.returncode, out) == (1, ""), err
        town.talk_for(1.0, RATE)
        town.check_nothing_lost()
        for one in others.nodes.values():
            assert one.count("relay_cluster_nodes") == 3  # it is heard
        assert people.create(b"new", b"zoe").token
        wait_until(lambda: scrape(node).value("relay_cluster_homes") == 3)
        row = node.replace()
        assert row["rooms"] == 3
        wait_until(lambda: scrape(node).value("relay_cluster_nodes") == 3)
        town.talk_for(0.3, RATE)
        town.check_nothing_lost()
        assert others.nodes["cyd"].count("relay_cluster_rooms") == 3


@pytest.mark.parametrize("name", ["RELAY_NODE_NAME", "RELAY_CLUSTER_KEY", "RELAY_CLUSTER_URL"])
def test_it_stays_the_same_node_of_the_same_cluster(three: tuple[ReplaceableNode, Cluster], name: str) -> None:
    node, _ = three
    value = {"RELAY_NODE_NAME": "other", "RELAY_CLUSTER_KEY": KEY[::-1], "RELAY_CLUSTER_URL": ""}[name]
    more = {"RELAY_CLUSTER_KEY": ""} if not value else {}
    asked = node.begin_replacing({name: value, **more})
    out, err = asked.communicate(timeout=60)
    assert asked.returncode == 1, out
    assert "restart it" in err
    assert "This relay goes on as before." in err
