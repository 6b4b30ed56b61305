"""Nodes that die, hang, restart or lose their directory while members talk: nobody else notices."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatclient import RefusedError, Status
from cluster_cases import hang_a_home, kill_a_home, lose_the_directory, talk_for, until_disconnected, until_met
from clusters import Cluster, cluster
from conftest import Figures
from populace import Populace
from talkers import aside, call_roll, come_back, doubled, lost, percentiles, talkers

NAMES = ("ann", "ben", "cyd")
RATE = 600.0
ROOMS, MEMBERS = 5, 20
"""At each node: a hundred members."""
ROOM = 20
"""Members of each room in a crowd."""


@contextmanager
def three_nodes(folder: Path, loop: str, **settings: str) -> Iterator[Cluster]:
    with cluster(folder, *NAMES, RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="warning", **settings) as nodes:
        yield nodes


@pytest.mark.repeated(10)
@pytest.mark.timeout(120)
def test_a_killed_homes_members_are_back_and_nobody_else_loses_anything(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures
) -> None:
    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(kill_a_home(nodes, chance, figures, rooms=ROOMS, members=MEMBERS, rate=RATE, talk=3))


@pytest.mark.repeated(3)
@pytest.mark.timeout(120)
def test_a_home_that_hangs_is_replaced_and_yields_when_it_goes_on(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures
) -> None:
    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(hang_a_home(nodes, chance, figures, rooms=ROOMS, members=MEMBERS, rate=RATE, seconds=8))


@pytest.mark.repeated(3)
@pytest.mark.timeout(120)
def test_nobody_loses_anything_while_the_directory_is_away(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures
) -> None:
    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(lose_the_directory(nodes, chance, figures, rooms=ROOMS, members=MEMBERS, rate=RATE, seconds=10))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("forgets", [False, True], ids=["with its store", "with an empty store"])
def test_the_directory_comes_back(tmp_path: Path, loop: str, chance: random.Random, forgets: bool) -> None:
    """A node that is started afterwards finds each room: homes tell again what the directory has lost."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            for name in NAMES:
                await town.settle(name, 2, 3)
            nodes.bus.kill()
            await until_disconnected(nodes)
            if forgets:
                nodes.bus.forget()
            await aside(nodes.bus.start)
            await until_met(nodes)
            await aside(lambda: nodes.start("dan", RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="warning"))
            await aside(nodes.wait_until, "relay_cluster_rooms", len(town.hosts))
            for room in town.hosts:
                await everybody.join(room, f"{room} late", nodes.nodes["dan"].server)
            await call_roll(everybody.all)
            await town.check_one_home_each()

    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(scenario())


@pytest.mark.repeated(3)
@pytest.mark.timeout(120)
def test_members_who_come_by_any_node_meet_in_one_room(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures
) -> None:
    """Three hundred joins."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            since = time.monotonic()
            for name in NAMES:
                await town.settle(name, 4, 25)
            figures(f"{len(everybody.all)} joins in {time.monotonic() - since:.1f} s")
            await call_roll(everybody.all)
            await town.check_one_home_each()
            town.check_hosts()

    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(scenario())


@pytest.mark.repeated(3)
@pytest.mark.timeout(120)
def test_of_many_who_create_a_room_at_once_one_does(tmp_path: Path, loop: str, figures: Figures) -> None:
    """A hundred names, twelve creators of each, four at each node."""
    names, creators = 100, 12

    async def scenario() -> None:
        async with talkers() as everybody:
            turn = asyncio.Semaphore(10)

            async def create(room: str, number: int) -> bool:
                server = nodes.nodes[NAMES[number % len(NAMES)]].server
                try:
                    await everybody.create(room, f"creator {number}", server, rejoin=False)
                except RefusedError as refused:
                    if refused.status is not Status.ROOM_EXISTS:
                        raise
                    return False
                return True

            async def race(room: str) -> int:
                async with turn:
                    return sum(await asyncio.gather(*(create(room, number) for number in range(creators))))

            won = await asyncio.gather(*(race(f"wanted {number}") for number in range(names)))
            assert won == [1] * names
            served = [node.count("relay_rooms") for node in nodes.nodes.values()]
            assert sum(served) == names
            figures(f"{sum(won)} winners of {names * creators}, rooms by node {served}")

    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(scenario())


@pytest.mark.repeated(1)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("loop", ["uvloop"])
def test_a_crowd_of_a_killed_home_comes_back(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures, crowd: int
) -> None:
    """Everybody joins again at once (risk R10)."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            await town.settle("ann", crowd // ROOM, ROOM)
            for talker in everybody.all:
                talker.await_taken()
            since = time.monotonic()
            nodes.nodes["ann"].kill()
            for talker in everybody.all:
                talker.say_next()
            figures(f"back {percentiles(await come_back(everybody.all, since, 90))}")
            await call_roll(everybody.all)
            await town.check_one_home_each()
            town.check_hosts()

    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(scenario())


@pytest.mark.timeout(180)
def test_a_rolling_restart_loses_nobody(tmp_path: Path, loop: str, chance: random.Random, figures: Figures) -> None:
    """Each node ends as it is asked to and is started again, one after the other, while members talk."""

    async def scenario() -> None:
        async with talkers() as everybody:
            town = Populace(nodes, everybody, chance)
            for name in NAMES:
                await town.settle(name, 2, 6)
            async with everybody.talking(RATE / 6):
                await talk_for(1)
                for node in nodes.nodes.values():
                    moved = everybody.all[:]
                    for talker in moved:
                        talker.await_taken()
                    since = time.monotonic()
                    assert await aside(node.stop) == 0, node.said()
                    ended = time.monotonic() - since
                    for talker in moved:
                        talker.await_taken()
                    since = time.monotonic()
                    back = await come_back(moved, since)
                    figures(f"{node.name} ended in {ended:.2f} s, then all are heard {percentiles(back)}")
                    await aside(node.start_again)
                    await aside(nodes.wait_until_met)
            await call_roll(everybody.all)
            await town.check_one_home_each()
            town.check_hosts()
            said = sum(talker.said for talker in everybody.all)
            gone = sum(map(len, lost(everybody.all).values()))
            untaken = sum(talker.undelivered for talker in everybody.all)
            figures(f"of {said:,} messages {untaken} weren't taken; {gone} copies lost, {doubled(everybody.all)} twice")

    with three_nodes(tmp_path, loop) as nodes:
        asyncio.run(scenario())
