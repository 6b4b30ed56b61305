"""Streams that another node carries to their room's home, plain and by TLS (CLU-04, STR-01)."""

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest

from chatproto import Operation
from relay_server.core.counters import StreamCut
from relay_server.core.model import Session
from relay_server.core.policy import StreamsAllowed
from relay_server.net import carriage as carriage_module
from relay_server.net import streams as streams_module
from relay_server.net.streams import LINES_A_TURN
from relay_server.tls.files import load_certificate
from relay_server.tls.server import Tls
from services.relay_server.net.cluster import ClusterNode, Pair, pair
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, until
from services.relay_server.net.stream_peer import StreamPeer, close, request
from services.relay_server.net.stream_peer import say as say_line
from services.relay_server.net.test_edge import PERSON, as_json, ask, plain
from services.relay_server.tls.certificates import issue


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    files = issue(tmp_path_factory.mktemp("tls"))
    return Tls(lambda: load_certificate(files, ssl.TLSVersion.TLSv1_2), join_rate=0.0)


async def enter(
    node: ClusterNode, name: str, *, secure: bool = False, create: bool = False, stalls: bool = False
) -> StreamPeer:
    """Create the room or join it, and speak once."""
    peer = StreamPeer(await node.connect(PERSON), secure=secure)
    if stalls:
        peer.stall()
    async with asyncio.timeout(DEADLINE_SECONDS):
        _, completed = await peer.ask(request(name, create=create))
    peer.completion = json.loads(completed.payload)
    await peer.send(b'{"ping":0}\n')
    if not stalls:
        while (await peer.line()) != {"pong": 0}:
            pass
    return peer


async def say(peer: StreamPeer, text: str, number: int) -> None:
    """Say something, and wait until the home has taken it."""
    await peer.say(text, number)
    while (await peer.line()).get("took") != number:
        pass


async def hear(peer: StreamPeer) -> str:
    """Return the text that is said next."""
    while "text" not in (line := await peer.line()):
        pass
    return str(line["text"])


def session_of(both: Pair, name: str) -> Session:
    return next(one for one in both.home.registry.sessions_by_token.values() if one.member.name == name)


def is_forgotten(node: ClusterNode) -> bool:
    """Tell whether nothing is left of who was carried."""
    return not (node.edge.carriages or node.registry.streams.carried or len(node.carried))


@pytest.mark.slow
@pytest.mark.requirement("CLU-04", "STR-01")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_stream_is_carried_both_ways(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with pair(tls=tls) as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob", secure=secure)
            session = session_of(both, "bob")
            assert session.place is not None
            assert session.place.encrypted == secure
            assert (both.edge.registry.streams.carried, len(both.edge.tcp.connections)) == (1, 0)
            await say(bob, "hello", 1)
            assert await hear(ann) == "hello"
            for number in range(1, 200):  # more than any buffer on the way holds
                await say(ann, f"{number} " + "x" * 3000, number)
                assert (await hear(bob)).split()[0] == str(number)
            close(bob)
            await until(lambda: session.is_away and is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("CLU-04", "STR-01")
def test_a_stream_that_leaves_is_closed_as_at_home(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann = await enter(both.home, "ann", create=True)
            rests = []
            for node in (both.home, both.edge):
                peer = await enter(node, "bob")
                await peer.send(b'{"leave":true}\n')
                rests.append(await peer.rest())
                close(peer)
            assert rests[0] == rests[1]
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("CLU-04", "STR-01")
def test_a_stream_that_sends_no_more_ends_as_at_home(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann = await enter(both.home, "ann", create=True)
            rests = []
            for node, name in ((both.home, "bob"), (both.edge, "eve")):
                peer = await enter(node, name)
                words = b"".join(say_line(f"word {n}", n) for n in range(1, LINES_A_TURN + 2))
                await peer.send(words, ends=True)
                rests.append([line["took"] for line in await peer.rest()])
                await until(lambda name=name: session_of(both, name).is_away)  # type: ignore[misc]
                close(peer)
            assert rests[0] == rests[1] == list(range(1, LINES_A_TURN + 2))
            await until(lambda: is_forgotten(both.edge))
            close(ann)

    run(scenario)


@pytest.mark.requirement("CLU-04", "STR-07")
def test_streams_count_at_the_edge(run: Run) -> None:
    async def scenario() -> None:
        async with pair(edge_policy={"max_streams": 1}) as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob")
            assert b'"status": 7' in await ask(both.edge, request("tom"))
            await ask(both.edge, as_json(Operation.JOIN, "eve"))  # over UDP there is room
            assert both.edge.registry.streams.carried == 1
            close(bob)
            await until(lambda: not both.edge.registry.streams.carried)
            tom = await enter(both.edge, "tom")
            close(ann, tom)

    run(scenario)


@pytest.mark.requirement("CLU-04", "STR-07")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_slow_reader_is_cut_by_its_home(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with pair(tls=tls) as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob", secure=secure, stalls=True)
            cuts = both.home.registry.stream_counters.cuts
            number = 0
            while not cuts[StreamCut.SLOW]:
                number += 1
                await say(ann, "x" * 3000, number)
                assert number < 2000, "everything on the way holds less"
            await say(ann, "others go on", number + 1)
            close(ann, bob)
            await until(lambda: is_forgotten(both.edge))

    run(scenario)


@pytest.mark.requirement("CLU-04", "STR-07")
def test_who_reads_nothing_for_long_is_cut_at_the_edge(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriage_module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(streams_module, "MAX_UNREAD_BYTES", 2**30)

    async def scenario() -> None:
        async with pair() as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob", stalls=True)
            number = 0
            while both.edge.edge.carriages:
                number += 1
                await say(ann, "x" * 3000, number)
            await until(lambda: session_of(both, "bob").is_away)
            close(ann, bob)

    run(scenario)


@pytest.mark.requirement("CLU-04", "STR-06")
@pytest.mark.parametrize("end", [ClusterNode.close, lambda edge: edge.edge.leave()], ids=["dies", "leaves"])
def test_a_stream_whose_edge_dies_may_come_back(run: Run, end: Callable[[ClusterNode], None]) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob")
            end(both.edge)
            await until(lambda: session_of(both, "bob").is_away)
            with suppress(ConnectionResetError):
                await bob.rest()
            close(ann, bob)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("CLU-04", "STR-06")
def test_a_stream_whose_home_dies_ends(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann = await enter(both.home, "ann", create=True)
            bob = await enter(both.edge, "bob")
            (carriage,) = both.edge.edge.carriages
            both.home.close()
            await until(lambda: carriage._link is None)
            await bob.send(b"x" * 10_000)  # nobody will ever want it
            await bob.rest()
            assert carriage._waiting == b""
            close(ann, bob)
            await until(lambda: is_forgotten(both.edge))

    run(scenario)


@pytest.mark.requirement("CLU-04", "STR-01")
def test_who_gets_no_stream_and_gives_back_leaves_no_trace(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            both.home.control._streams = StreamsAllowed.OFF
            await ask(both.home, plain(Operation.CREATE, b"ann"), "127.0.0.1")
            async with await both.edge.connect(PERSON) as client:
                await client.send(request("bob"))
                await client.frame()
                await client.frame()
                assert (len(both.edge.carried), both.edge.registry.streams.carried) == (1, 0)
                await client.send(b'{"leave":true}\n')
                await until(lambda: len(both.edge.carried) == 0)
            await until(lambda: len(both.home.registry.sessions_by_token) == 1)

    run(scenario)
