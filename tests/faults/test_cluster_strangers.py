"""Who has no business in a cluster: forged records and beats, strangers at an edge, odd names, wrong credentials."""

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error

from cluster_cases import refused_create
from clusters import BUCKET, Bus, Cluster, NodeProcess, cluster, read_records
from conformance import wire
from conformance.people import People
from faults.weakened import carry_from_anywhere
from faults.weakening import program_with
from populace import Populace
from talkers import aside, call_roll, talkers
from waiting import wait_until

NAMES: Final = ("ann", "ben")
BEATS: Final = "relay.beats"
IGNORED: Final = "relay_cluster_records_ignored_total"
CARRIED: Final = "relay_cluster_edge_datagrams_total"
RECEIVED: Final = "relay_datagrams_received_total"
STRANGERS_DATAGRAMS: Final = 500
ODD_NAMES: Final = ("*", ">", "a.b", "a.>", "$KV", "$JS.API.>", "room.*", "relay.beats", "a b", "-", "\N{BULLET}")
"""What means something to NATS, or can't be in a subject."""


@pytest.fixture
def two(tmp_path: Path, loop: str) -> Iterator[Cluster]:
    with cluster(tmp_path, *NAMES, RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="error") as nodes:
        yield nodes


def test_forged_records_and_beats_are_ignored_and_counted(two: Cluster, chance: random.Random) -> None:
    """Somebody has the bus, but not the key: rooms stay where they are, and their homes tell it again (threat N17)."""

    async def scenario() -> None:
        async with talkers() as everybody, bus_of(two.bus) as client:
            town = Populace(two, everybody, chance)
            for name in NAMES:
                await town.settle(name, 2, 3)
            before = {node: await aside(node.count, IGNORED) for node in two.nodes.values()}
            await forge(two.bus, client, len(town.hosts))
            await aside(wait_until, lambda: all(node.count(IGNORED) > seen for node, seen in before.items()))
            assert [await aside(node.count, "relay_cluster_nodes") for node in before] == [2, 2]
            await call_roll(everybody.all)
            await town.check_one_home_each()
            # Who knows only what the directory says now finds each room.
            await aside(lambda: two.start("dan", RELAY_LOG_LEVEL="error"))
            for room in town.hosts:
                await town.join_with_patience(room, f"{room} late", two.nodes["dan"].server)
            await call_roll(everybody.all)
            await town.check_one_home_each()

    asyncio.run(scenario())


async def forge(bus: Bus, client: Client, rooms: int) -> None:
    """Write and say what the cluster's key didn't seal, or not for this place."""
    records = await read_records(bus)
    assert len(records) == rooms
    bucket = await client.jetstream().key_value(BUCKET)
    neighbours = dict(zip(records, [*records.values()][1:] + [*records.values()][:1], strict=True))
    for key, record in records.items():
        for forged in (b"", b"{}", secrets.token_bytes(200), record[:-1] + bytes([record[-1] ^ 1]), neighbours[key]):
            await bucket.put(key, forged)
    listening = await client.subscribe(BEATS)
    beat = (await listening.next_msg(timeout=10)).data
    for forged in (b"", b"{}", secrets.token_bytes(200), beat[:-1] + bytes([beat[-1] ^ 1]), beat):
        await client.publish(BEATS, forged)
        await client.publish("relay.node.ann", forged)
    await client.flush()


def test_an_edge_forwards_nothing_for_strangers(two: Cluster) -> None:
    """Only a member's datagrams from where it joined go on to its room's home (threat N19)."""
    with attacked_edge(two) as carried:
        assert carried == 0


@pytest.mark.parametrize("loop", ["uvloop"])
def test_an_edge_that_looks_at_no_address_forwards_for_strangers(tmp_path: Path, loop: str) -> None:
    program = program_with(carry_from_anywhere)
    settings = {"RELAY_EVENT_LOOP": loop, "RELAY_LOG_LEVEL": "error"}
    with cluster(tmp_path, *NAMES, program=program, **settings) as nodes, attacked_edge(nodes) as carried:
        assert carried >= STRANGERS_DATAGRAMS


@contextmanager
def attacked_edge(nodes: Cluster) -> Iterator[float]:
    """Send a stranger's datagrams to a node that carries a member; yields how many of them went on."""
    home, edge = nodes.nodes["ann"], nodes.nodes["ben"]
    with People(home.relay) as here, People(edge.relay) as there:
        host = here.create(b"club", b"hana")
        host.keep_alive()
        member = there.join(b"club", b"member")
        member.say(b"hello")
        assert host.hear() == b"member: hello"
        before, carried, received = home.count(RECEIVED), forwarded(edge), edge.count(RECEIVED)
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            for _ in range(STRANGERS_DATAGRAMS):
                for room, token in (
                    (b"club", member.token),
                    (b"club", secrets.token_bytes(22)),
                    (b"pub", member.token),
                ):
                    stranger.sendto(wire.chat(room, token, b"let me in"), ("127.0.0.1", edge.relay.udp_port))
        wait_until(lambda: edge.count(RECEIVED) == received + 3 * STRANGERS_DATAGRAMS)
        went_on = forwarded(edge) - carried
        wait_until(lambda: home.count(RECEIVED) == before + went_on)
        member.say(b"still here")
        wait_until(lambda: home.count(RECEIVED) == before + went_on + 1)
        yield went_on


def forwarded(edge: NodeProcess) -> float:
    return edge.metrics().value(CARRIED, direction="in")


def test_rooms_with_odd_names_are_rooms_like_others(two: Cluster) -> None:
    """No name reaches the directory, so none means anything there (risk R4)."""

    async def scenario() -> None:
        async with talkers() as everybody:
            for number, name in enumerate(ODD_NAMES):
                await everybody.create(name, "hana", two.nodes[NAMES[number % 2]].server)
            for number, name in enumerate(ODD_NAMES):
                await everybody.join(name, "guest", two.nodes[NAMES[1 - number % 2]].server)
            assert len(await read_records(two.bus)) == len(ODD_NAMES)
            await call_roll(everybody.all)
            for talker in everybody.all:
                assert [len(numbers) for numbers in talker.heard.values()] == [1], talker.room

    asyncio.run(scenario())


def test_the_directory_shows_no_name_in_the_clear(two: Cluster, tmp_path: Path) -> None:
    secrets_of_a_room = ("ministry of silly walks", "eric the half a bee", "dead parrots only", "let the cheese in")
    room, host, topic, password = secrets_of_a_room

    async def scenario() -> None:
        async with talkers() as everybody:
            talker = await everybody.create(room, host, two.nodes["ann"].server, password=password)
            before = await read_records(two.bus)
            talker.connection.command(f"/topic {topic}")
            while await read_records(two.bus) == before:
                pass
            for path in (tmp_path / "store").rglob("*"):
                data = path.read_bytes() if path.is_file() else b""
                assert not [secret for secret in secrets_of_a_room if secret.encode() in data], path
                assert room not in str(path)

    asyncio.run(scenario())


def test_who_has_the_wrong_credentials_is_refused(tmp_path: Path, loop: str) -> None:
    """A node with them is no part of the cluster and makes no rooms; the others don't notice (risk R5)."""
    bus = Bus(tmp_path, ["--user", "relay", "--pass", "secret"])
    right, wrong = (f"nats://relay:{word}@127.0.0.1:{bus.port}" for word in ("secret", "guessed"))
    nodes = Cluster(tmp_path, bus)
    settings = {"RELAY_EVENT_LOOP": loop, "RELAY_LOG_LEVEL": "warning"}
    try:
        for name, url in (("ann", right), ("ben", right), ("eve", wrong)):
            nodes.nodes[name] = NodeProcess(name, tmp_path, url, dict(settings))
        eve = nodes.nodes.pop("eve")
        nodes.wait_until_met()
        asyncio.run(check_refused(bus, eve))
        assert eve.count("relay_cluster_connected") == 0
        assert "refuses the user and password" in eve.said()
        assert all(node.count("relay_cluster_nodes") == 2 for node in nodes.nodes.values())
        assert eve.stop() == 0
        nodes.stop()
    finally:
        for node in (*nodes.nodes.values(), eve):
            if node.lives:
                node.kill()
        bus.kill()


async def check_refused(bus: Bus, eve: NodeProcess) -> None:
    client = Client()
    try:
        with pytest.raises(Error):
            await client.connect(bus.url, allow_reconnect=False, max_reconnect_attempts=1)
    finally:
        await client.close()
    await refused_create(eve.server)


@asynccontextmanager
async def bus_of(bus: Bus) -> AsyncIterator[Client]:
    client = await nats.connect(bus.url)
    try:
        yield client
    finally:
        await client.close()
