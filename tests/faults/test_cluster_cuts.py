"""Networks that are cut between nodes, or between a node and the directory: once they are whole, nobody is apart."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from cluster_cases import talk_for, until_met
from conftest import Figures
from faults.cuts import DIRECTORY, cluster_of_networks
from populace import Populace
from talkers import aside, call_roll, check_all_heard, come_back, percentiles, talkers

pytestmark = [pytest.mark.needs("namespaces"), pytest.mark.timeout(180)]

NAMES = ("ann", "ben", "cyd")
RATE = 60.0
CUT_SECONDS = 4.0
"""Longer than a beat counts."""


@pytest.mark.repeated(4)
@pytest.mark.parametrize(
    ("from_directory", "from_nodes"), [(True, False), (False, True), (True, True)], ids=["directory", "nodes", "both"]
)
def test_after_a_cut_each_room_has_one_home_and_nobody_is_apart(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures, from_directory: bool, from_nodes: bool
) -> None:
    """Cut one node off; members who are there stay, others come by the other nodes meanwhile."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            for name in NAMES:
                await town.settle(name, 2, 4)
            inhabitants = everybody.all[:]
            async with everybody.talking(RATE, inhabitants):
                await talk_for(1)
                if from_directory:
                    await aside(places.cut, cut_off, DIRECTORY)
                if from_nodes:
                    await aside(places.cut, cut_off, *others)
                await talk_for(CUT_SECONDS)
                since = time.monotonic()
                for room in town.rooms[cut_off]:
                    await town.join_with_patience(room, f"{room} late", nodes.nodes[others[0]].server)
                joined = time.monotonic() - since
                await aside(places.heal)
                since = time.monotonic()
                await until_met(nodes)
                await town.check_one_home_each()
                alone = time.monotonic() - since
                await talk_for(1)
            heard = await check_all_heard(town.members(*others))
            await call_roll(everybody.all)
            town.check_hosts()
            served = {name: node.count("relay_rooms") for name, node in nodes.nodes.items()}
            # Only who is cut off from both is taken for dead; it yields, for its term is the lower one.
            expected = 0 if from_directory and from_nodes else len(town.rooms[cut_off])
            assert served[cut_off] == expected, served
            figures(f"late ones in after {joined:.2f} s, one home each {alone:.2f} s after the heal, "
                    f"others lost 0 of {heard:,}")  # fmt: skip

    with cluster_of_networks(tmp_path, *NAMES, RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="warning") as (nodes, places):
        cut_off, *others = NAMES
        asyncio.run(scenario())


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

    with cluster_of_networks(tmp_path, *NAMES, RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="warning") as (nodes, places):
        asyncio.run(scenario())
