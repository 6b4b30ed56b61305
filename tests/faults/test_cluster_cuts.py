"""Networks that are cut between nodes, or between a node and the directory: once they are whole, nobody is apart."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster_cases import talk_for, until_met
from clusters import Cluster
from conformance.relays import NORMAL
from conftest import Figures
from faults.cuts import DIRECTORY, Places, cluster_of_networks
from faults.weakened import adopt_without_a_question, never_yield
from faults.weakening import Weakness, program_with
from populace import Populace
from talkers import aside, call_roll, check_all_heard, come_back, percentiles, talkers

pytestmark = [pytest.mark.needs("namespaces"), pytest.mark.timeout(180)]

NAMES = ("ann", "ben", "cyd")
RATE = 60.0
CUT_SECONDS = 4.0
"""Longer than a beat counts."""


CUTS = {"directory": (True, False), "nodes": (False, True), "both": (True, True)}
"""From what the first node is cut off: the directory, the other nodes."""


@pytest.mark.repeated(4)
@pytest.mark.parametrize("cut", CUTS)
def test_after_a_cut_each_room_has_one_home_and_nobody_is_apart(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures, cut: str
) -> None:
    """Members who are there stay, others come by the other nodes meanwhile."""
    with three_networks(tmp_path, loop) as (nodes, places):
        asyncio.run(cut_off(nodes, places, chance, figures, *CUTS[cut]))


@pytest.mark.parametrize(
    ("cut", "weakness"),
    [("directory", adopt_without_a_question), ("both", never_yield)],
    ids=["no question", "no yielding"],
)
@pytest.mark.parametrize("loop", ["uvloop"])
def test_nodes_that_ask_no_questions_or_never_yield_fail_there(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures, cut: str, weakness: Weakness
) -> None:
    with (
        three_networks(tmp_path, loop, weakness) as (nodes, places),
        pytest.raises(AssertionError, match=r"serve|hear"),
    ):
        asyncio.run(cut_off(nodes, places, chance, figures, *CUTS[cut]))


async def cut_off(
    nodes: Cluster, places: Places, chance: random.Random, figures: Figures, from_directory: bool, from_nodes: bool
) -> None:
    """Cut the first node off for a while, and check what must be true before, meanwhile and afterwards."""
    alone, *others = NAMES
    async with talkers() as everybody:
        town = Populace(nodes, everybody, chance)
        for name in NAMES:
            await town.settle(name, 2, 4)
        inhabitants = everybody.all[:]
        async with everybody.talking(RATE, inhabitants):
            await talk_for(1)
            if from_directory:
                await aside(places.cut, alone, DIRECTORY)
            if from_nodes:
                await aside(places.cut, alone, *others)
            await talk_for(CUT_SECONDS)
            since = time.monotonic()
            for room in town.rooms[alone]:
                await town.join_with_patience(room, f"{room} late", nodes.nodes[others[0]].server)
            joined = time.monotonic() - since
            await aside(places.heal)
            since = time.monotonic()
            await until_met(nodes)
            await town.check_one_home_each()
            healed = time.monotonic() - since
            await talk_for(1)
        heard = await check_all_heard(town.members(*others))
        await call_roll(everybody.all)
        town.check_hosts()
        # Only who is cut off from both is taken for dead; it yields, for its term is the lower one.
        served = await aside(nodes.nodes[alone].count, "relay_rooms")
        expected = 0 if from_directory and from_nodes else len(town.rooms[alone])
        assert served == expected, f"{alone} should serve {expected} rooms, and serves {served}"
        figures(f"late ones in after {joined:.2f} s, one home each {healed:.2f} s after the heal, "
                f"others lost 0 of {heard:,}")  # fmt: skip


def test_members_of_a_home_that_vanishes_with_its_network_come_back(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures
) -> None:
    """No packet comes from there any more, not even a refusal: neither members nor nodes are told."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            for name in NAMES:
                await town.settle(name, 2, 4)
            moved = town.members("ann")
            async with everybody.talking(RATE):
                await talk_for(1)
                for talker in moved:
                    talker.await_taken()
                since = time.monotonic()
                await aside(places.vanish, "ann")
                for talker in moved:
                    talker.say_next()
                back = await come_back(moved, since)
                await aside(places.heal)
                await until_met(nodes)
                await town.check_one_home_each()
            heard = await check_all_heard(town.members("ben", "cyd"))
            await call_roll(everybody.all)
            town.check_hosts()
            figures(f"back {percentiles(back)}, others lost 0 of {heard:,}")

    with three_networks(tmp_path, loop) as (nodes, places):
        asyncio.run(scenario())


@contextmanager
def three_networks(
    folder: Path, loop: str, weakness: Weakness | None = None
) -> Iterator[tuple[Cluster, Places]]:  # fmt: skip
    settings = {"RELAY_EVENT_LOOP": loop, "RELAY_LOG_LEVEL": "warning"}
    program = program_with(weakness) if weakness else NORMAL
    with cluster_of_networks(folder, *NAMES, program=program, **settings) as made:
        yield made
