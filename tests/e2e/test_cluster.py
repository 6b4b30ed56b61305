"""Many nodes as one service, in short; tests/faults has the same with crowds."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from chatclient import NotRelayed, RefusedError, Stage, Status, Topic, UnreachableError, join_room
from cluster_cases import kill_a_home, lose_the_directory
from clusters import KEY, Bus, Cluster, NodeProcess, cluster, read_records
from conformance import wire
from conformance.people import Member, People, ask
from conformance.test_document_client import Chatter, save_client
from conftest import Figures
from e2e import here
from e2e.streaming import RefusedError as StreamRefusedError
from e2e.streaming import StreamMember
from ports import free_ports
from relay_server.cluster.vault import Vault
from relay_server.core.records import decode_record
from talkers import Talkers, call_roll, talkers, until

NAMES: Final = ("ann", "ben", "cyd")
FIRST_PASSWORD: Final = "open sesame"
PASSWORD: Final = "close sesame"
COMMANDS: Final = (
    "/topic The case", "/mute mute", "/ban banned", "/kick kicked", f"/password {PASSWORD}",
)  # fmt: skip
ROUND_TRIPS: Final = 200
MAX_FOLLOWS: Final = 3


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes; rooms are each test's own."""
    with cluster(tmp_path_factory.mktemp("cluster"), *NAMES, RELAY_LOG_LEVEL="warning") as three:
        yield three


@pytest.fixture
def mortal(nodes: Cluster) -> Iterator[Cluster]:
    """Start again afterwards what a test killed."""
    yield nodes
    for node in nodes.nodes.values():
        if not node.lives:
            node.start_again()
    nodes.wait_until_met()


def test_a_killed_homes_members_are_back_with_their_host(mortal: Cluster, figures: Figures) -> None:
    asyncio.run(kill_a_home(mortal, random.Random(1), figures, rooms=2, members=4, rate=100, talk=1))


def test_without_its_directory_a_cluster_goes_on(nodes: Cluster, figures: Figures) -> None:
    asyncio.run(lose_the_directory(nodes, random.Random(1), figures, rooms=1, members=3, rate=50, seconds=1))


def test_what_a_host_decided_outlives_the_home(mortal: Cluster) -> None:
    """Topic, ban, mute and password hold at the next home, and who was kicked has no seat there."""

    async def scenario() -> None:
        ann, ben, cyd = (mortal.nodes[name] for name in NAMES)
        async with talkers() as everybody:
            host = await everybody.create("court", "hana", ann.server, password=FIRST_PASSWORD)
            before = [
                await everybody.join("court", name, ben.server, password=FIRST_PASSWORD) for name in ("mute", "banned")
            ]
            with StreamMember(ann.relay, "court", "kicked", password=FIRST_PASSWORD) as kicked:
                kicked.speak_up()
                for words in COMMANDS:
                    given = host.connection.command(words)
                    await until(lambda: given in host.taken)  # noqa: B023 - it is awaited at once
            assert await settled_record(mortal.bus)
            ann.kill()
            async with everybody.talking(50, [host, *before]):
                # Tickets are older than the password: the host has the new one, the others don't.
                await until(lambda: all(talker.ended for talker in before))
                await until(lambda: host.connection.host and host.connection.stage is Stage.CHATTING)
                late = await everybody.join("court", "late", cyd.server, password=PASSWORD)
                mute = await everybody.join("court", "mute", ben.server, password=PASSWORD)
                await check_decisions(ben, everybody, kicked.granted["resume"])
                await until(lambda: Topic("The case") in late.notices, why=lambda: late.notices)
                mute.say_next()
                await until(lambda: any(isinstance(notice, NotRelayed) for notice in mute.notices) or mute.undelivered)
                await until(lambda: host.said in late.heard[host.name])
            assert "mute" not in late.heard

    asyncio.run(scenario())


async def check_decisions(node: NodeProcess, everybody: Talkers, ticket: str) -> None:
    """Check whom a node lets in; ``ticket`` is of somebody who was kicked."""
    for name, password, status in (
        ("other", FIRST_PASSWORD, Status.WRONG_PASSWORD),
        ("banned", PASSWORD, Status.BAD_NAME),
    ):
        with pytest.raises(RefusedError) as refused:
            await everybody.join("court", name, node.server, password=password)
        assert refused.value.status is status
    with pytest.raises(StreamRefusedError) as lost_seat:
        StreamMember(node.relay, "court", "kicked", ticket=ticket, password=PASSWORD)
    assert lost_seat.value.status == wire.NO_SEAT


async def settled_record(bus: Bus) -> bool:
    """Wait until the directory has all that the host decided."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sealed = await read_records(bus)
        records = [decode_record(Vault(KEY).records.open(key, value)) for key, value in sealed.items()]
        for record in records:
            if all((record.password_revision, record.topic, record.kicked, record.bans, record.mutes)):
                return True
    return False


def test_a_node_without_its_directory_is_healthy_and_says_what_it_cant_do(tmp_path: Path) -> None:
    """So nobody restarts it, which would end its rooms."""
    (nobody,) = free_ports(1)
    node = NodeProcess("ann", tmp_path, f"nats://127.0.0.1:{nobody}", {"RELAY_LOG_LEVEL": "error"})
    try:
        settings = node.settings
        done = here.relay_server("healthcheck", "--server", node.server, **settings)
    finally:
        node.stop()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("healthy, but no room can be created now: The relay's directory of rooms")


def test_of_many_who_create_a_room_at_once_one_does(nodes: Cluster) -> None:
    async def scenario() -> None:
        async with talkers() as everybody:
            for number in range(10):
                creating = (
                    everybody.create(f"wanted {number}", name, nodes.nodes[name].server, rejoin=False) for name in NAMES
                )
                results = await asyncio.gather(*creating, return_exceptions=True)
                statuses = [result.status for result in results if isinstance(result, RefusedError)]
                assert statuses == [Status.ROOM_EXISTS] * 2, results
            town = [talker.room for talker in everybody.all]
            for room in town:
                await everybody.join(room, "late", random.choice([*nodes.nodes.values()]).server)
            await call_roll(everybody.all)

    asyncio.run(scenario())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_client("A complete client", tmp_path_factory.mktemp("client"))


def test_the_documents_client_chats_by_a_node_that_has_no_such_room(nodes: Cluster, client: Path) -> None:
    with ExitStack() as ends:

        def start(verb: str, name: str, node: str) -> Chatter:
            chatter = Chatter(client, nodes.nodes[node].relay, verb, b"hall", name)
            ends.callback(chatter.process.communicate)
            ends.callback(chatter.process.kill)
            assert chatter.reads() == "You are in hall."
            return chatter

        host, guest = start("create", "hana", "ann"), start("join", "guest", "ben")
        assert host.reads() == "server: guest joined"
        guest.type("hello")
        assert host.reads() == "guest: hello"
        host.type("welcome")
        assert guest.reads() == "hana: welcome"
        assert guest.close() == (0, "")
        assert host.reads() == "server: guest left"


def test_a_plain_client_sees_the_same_bytes_at_every_node(nodes: Cluster, figures: Figures) -> None:
    """What it joins by, what it hears, and how it ends: but for the token nothing differs."""
    seen, seconds = {}, {}
    for node in ("ann", "ben"):
        with People(nodes.nodes["ann"].relay) as here, People(nodes.nodes[node].relay) as there:
            room = f"bytes {node}".encode()
            host = here.create(room, b"hana")
            host.keep_alive()
            assert [frame.payload for frame in ask(there.relay, plain_join(room, b"hana"))] == [
                bytes([wire.NAME_TAKEN])
            ]
            frames = ask(there.relay, plain_join(room, b"first"))
            guest = there.join(room, b"guest")
            guest.keep_alive()
            host.await_notice(b"guest joined")
            seconds[node] = statistics.median(round_trip(host, guest) for _ in range(ROUND_TRIPS))
            host.leave()
            ended = guest.receive_until(lambda data: data.startswith(b"server: disconnected"))
            assert [frame.room for frame in frames] == [room, room]
            reply, completion = frames
            seen[node] = (reply[:2], reply.payload, completion[:2], len(completion.payload), ended)
    assert seen["ben"] == seen["ann"]
    added = seconds["ben"] - seconds["ann"]
    figures(f"a message back and forth takes {1000 * seconds['ann']:.2f} ms at home, {1000 * added:+.2f} ms by an edge")


def plain_join(room: bytes, name: bytes) -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, room, name)


def round_trip(host: Member, guest: Member) -> float:
    """Let both say a word; return the seconds that it took both to arrive."""
    since = time.perf_counter()
    guest.say(b"ping")
    assert host.hear() == b"guest: ping"
    host.say(b"pong")
    assert guest.hear() == b"hana: pong"
    return time.perf_counter() - since


def test_a_client_that_is_sent_in_circles_says_so() -> None:
    """Two nodes that point at each other: after three of them there is one sentence (threat N18)."""

    async def scenario() -> None:
        asked: list[str] = []
        async with pointing_at_each_other(asked) as server:
            with pytest.raises(UnreachableError) as ended:
                async with join_room("maze", "bob", server=server, receipts=True):
                    pass
        assert len(asked) == 1 + MAX_FOLLOWS
        assert "servers send one to each other" in str(ended.value)

    asyncio.run(scenario())


@asynccontextmanager
async def pointing_at_each_other(asked: list[str]) -> AsyncIterator[str]:
    """Run two relays that say of any room that the other has it; yields where one is."""
    ports: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(32)
        room = await reader.readexactly(header[0])
        await reader.readexactly(int.from_bytes(header[3:], "big"))
        here = writer.get_extra_info("sockname")[1]
        (other,) = (port for port in ports if port != here)
        asked.append(f"{here}")
        told = {"status": Status.ELSEWHERE, "message": "It is there.", "server": f"127.0.0.1:{other}"}
        writer.write(wire.frame(header[1], wire.REPLY, room, json.dumps(told).encode()))
        writer.close()

    async with AsyncExitStack() as ends:
        for _ in range(2):
            server = await ends.enter_async_context(await asyncio.start_server(answer, "127.0.0.1", 0))
            ports.append(server.sockets[0].getsockname()[1])
        yield f"127.0.0.1:{ports[0]}"
