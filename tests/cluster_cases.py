"""What is done to a cluster whose members talk, and what must be true of it then."""

import random
import time
from collections.abc import Callable
from typing import Final

import pytest

from chatclient import RefusedError, Status, Transport, create_room
from clusters import Cluster
from populace import Populace
from talkers import aside, call_roll, check_all_heard, come_back, doubled, lost, percentiles, talkers, until

Figures = Callable[[str], None]
MOST_LOG_LINES: Final = 10


async def kill_a_home(
    cluster: Cluster, chance: random.Random, figures: Figures, *, rooms: int, members: int, rate: float, talk: float
) -> None:
    """Kill a node with rooms on it: the others lose nothing, and its own are back with their hosts."""
    victim, *others = cluster.nodes
    async with talkers() as everybody:
        town = Populace(cluster, everybody, chance)
        for name in cluster.nodes:
            await town.settle(name, rooms, members)
        moved = town.members(victim)
        async with everybody.talking(rate):
            await talk_for(talk)
            for talker in moved:
                talker.await_taken()
            since = time.monotonic()
            cluster.nodes[victim].kill()
            for talker in moved:
                talker.say_next()
            back = await come_back(moved, since)
            await talk_for(talk)
        heard = await check_all_heard(town.members(*others))
        await call_roll(everybody.all)
        await town.check_one_home_each()
        town.check_hosts()
        gone = sum(map(len, lost(moved).values()))
        figures(f"back {percentiles(back)}; others lost 0 of {heard:,}; at the killed one {gone} lost, "
                f"{doubled(moved)} twice")  # fmt: skip


async def hang_a_home(
    cluster: Cluster, chance: random.Random, figures: Figures, *, rooms: int, members: int, rate: float, seconds: float
) -> None:
    """Stop a node for a while: its rooms get other homes, and it gives them up when it goes on."""
    victim, *others = cluster.nodes
    hung = cluster.nodes[victim]
    async with talkers() as everybody:
        town = Populace(cluster, everybody, chance)
        for name in cluster.nodes:
            await town.settle(name, rooms, members)
        moved = town.members(victim)
        # One in each room who says nothing may never notice: when the node goes on it has to send them away.
        quiet = [talker for talker in moved if talker.name.endswith("member 1")]
        loud = [talker for talker in everybody.all if talker not in quiet]
        async with everybody.talking(rate, loud):
            await talk_for(1)
            speaking = [talker for talker in moved if talker not in quiet]
            for talker in speaking:
                talker.await_taken()
            since = time.monotonic()
            hung.pause()
            for talker in speaking:
                talker.say_next()
            try:
                back = await come_back(speaking, since)
                await until(lambda: time.monotonic() > since + seconds)
            finally:
                hung.resume()
            since = time.monotonic()
            await town.check_one_home_each()
            alone = time.monotonic() - since
            for talker in quiet:  # who come along a moment later than the room, and miss what is said meanwhile
                talker.await_taken()
                talker.say_next()
            await come_back(quiet, since)
        heard = await check_all_heard(town.members(*others))
        await call_roll(everybody.all)
        town.check_hosts()
        figures(f"back {percentiles(back)}; one home {alone:.2f} s after it goes on; others lost 0 of {heard:,}; "
                f"at the stopped one {doubled(speaking)} twice")  # fmt: skip


async def lose_the_directory(
    cluster: Cluster, chance: random.Random, figures: Figures, *, rooms: int, members: int, rate: float, seconds: float
) -> None:
    """Kill the directory for a while: nobody loses anything, joins go on, and only new rooms are refused."""
    async with talkers() as everybody:
        town = Populace(cluster, everybody, chance)
        for name in cluster.nodes:
            await town.settle(name, rooms, members)
        inhabitants = everybody.all[:]
        lines = {name: len(node.said().splitlines()) for name, node in cluster.nodes.items()}
        async with everybody.talking(rate, inhabitants):
            await talk_for(1)
            cluster.bus.kill()
            since = time.monotonic()
            await until_disconnected(cluster)
            refused = [await refused_create(node.server) for node in cluster.nodes.values()]
            for room in town.hosts:
                await everybody.join(room, f"{room} late", town.any_node().server)
            await until(lambda: time.monotonic() > since + seconds)
            await aside(cluster.bus.start)
            await until_met(cluster)
            await talk_for(1)
        heard = await check_all_heard(inhabitants)
        await call_roll(everybody.all)
        await town.check_one_home_each()
        for node in cluster.nodes.values():
            await everybody.create(f"afterwards {node.name}", "hana", node.server)
    said = {name: len(node.said().splitlines()) - lines[name] for name, node in cluster.nodes.items()}
    figures(f"lost 0 of {heard:,}; creates refused in {', '.join(f'{1000 * each:.0f}' for each in refused)} ms; "
            f"log lines {said}")  # fmt: skip
    assert max(said.values()) <= MOST_LOG_LINES, [node.said() for node in cluster.nodes.values()]


async def refused_create(server: str) -> float:
    """Check that a relay makes no new room now; return the seconds until it said so."""
    since = time.monotonic()
    with pytest.raises(RefusedError) as refused:
        async with create_room("unheard of", "hana", server=server, rejoin=False, transport=Transport.UDP):
            pass
    assert refused.value.status is Status.BUSY
    return time.monotonic() - since


async def talk_for(seconds: float) -> None:
    """Let those who talk go on for a while."""
    since = time.monotonic()
    await until(lambda: time.monotonic() > since + seconds)


async def until_disconnected(cluster: Cluster) -> None:
    """Wait until all living nodes know that the directory is away."""
    await aside(cluster.wait_until, "relay_cluster_connected", 0)


async def until_met(cluster: Cluster) -> None:
    """Wait until all living nodes have the directory and one another."""
    await aside(cluster.wait_until, "relay_cluster_connected", 1)
    await aside(cluster.wait_until_met)
