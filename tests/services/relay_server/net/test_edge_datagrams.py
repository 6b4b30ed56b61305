"""Datagrams of carried members on real sockets: who is gone at either end, and how that is learned (CLU-04, EVI-03)."""

import asyncio
import json
import socket
import sys

import pytest

from chatproto import Operation, encode_datagram
from relay_server.core import reachability
from relay_server.core.places import Node
from relay_server.net.links import PROBE_SECONDS
from services.relay_server.net.cluster import pair
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.test_edge import as_json, chatting, drain, granted, heard_of, plain, speaker
from services.relay_server.net.udp_chat import hear


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an error raise a suspicion however lately somebody was heard, and let every message be remembered."""
    monkeypatch.setattr(reachability, "HEARD_SECONDS", 0.0)
    monkeypatch.setattr(reachability, "SAMPLE_SECONDS", 0.0)


@pytest.mark.requirement("CLU-04", "EVI-03")
@pytest.mark.usefixtures("impatient")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whom an ICMP error is about")
def test_a_home_learns_that_a_carried_client_is_gone(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, bob_head = await chatting(both)
            (member,) = both.edge.carried._by_token.values()
            with ann:
                bob.close()
                while not member.paused:
                    ann.send(ann_head + b"is anybody there?")
                    await asyncio.sleep(0.01)
                assert both.edge.registry.counters.challenges == 1
                asked = both.home.registry.counters
                while not asked.challenges:  # the home's copies come back to it now
                    ann.send(ann_head + b"is anybody there?")
                    await asyncio.sleep(0.01)
                (session,) = (one for one in both.home.registry.sessions_by_token.values() if one.member.name == "bob")
                member.moved_at = session.moved_at = float("-inf")  # some seconds ago, say (UDP-03)
                with speaker(both.edge) as again:
                    again.send(bob_head + b"I am back")
                    drain(ann)
                    await until(lambda: not member.paused)
                    while (heard := await hear(ann)) != b"bob: I am back":
                        assert heard.startswith(b"Server: ")
                    ann.send(ann_head + b"welcome back")
                    while (heard := await hear(again)) != b"ann: welcome back":
                        assert b"Server: " in heard or heard == b"ann: is anybody there?"

    run(scenario)


@pytest.mark.requirement("CLU-04", "EVI-02")
def test_whose_room_closes_counts_no_more_at_the_edge(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, _ = await chatting(both)
            with ann, bob:
                ann.send(ann_head + b"/leave")
                while b"disconnected" not in await hear(bob):
                    pass
                assert (len(both.edge.carried), len(both.edge.ways._open)) == (0, 0)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_edge_that_ends_takes_nothing_more_from_a_home(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, _ = await chatting(both)
            (member,) = both.edge.carried._by_token.values()
            with ann, bob:
                both.edge.ways.deliver(member, [b"the last words"])  # in the same turn of the loop
                both.edge.close()
                assert await hear(bob) == b"the last words"
                assert (len(both.edge.carried), len(both.edge.ways._open)) == (0, 0)
                ann.send(ann_head + b"is anybody there?")
                sent = both.home.registry.counters
                await until(lambda: sent.received == 3)

    run(scenario)


@pytest.mark.requirement("CLU-04", "EVI-02")
def test_who_speaks_to_a_home_that_is_gone_is_told_so(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, _, bob, bob_head = await chatting(both)
            with ann, bob:
                both.home.close()
                told = asyncio.ensure_future(hear(bob))
                while not told.done():  # its system refuses the first, and the second meets that
                    bob.send(bob_head + b"hello?")
                    await asyncio.sleep(0.01)
                assert told.result() == b"server: disconnected: shutdown"
                assert (len(both.edge.carried), len(both.edge.ways._open)) == (0, 0)
                counters, cluster = both.edge.registry.counters, both.edge.counters
                assert cluster.edge_in + cluster.edge_failed == counters.carried

    run(scenario)


@pytest.mark.requirement("CLU-02", "CLU-04")
def test_who_can_take_its_seat_again_is_told_that_the_room_moved(run: Run) -> None:
    async def scenario() -> None:
        async with pair(hide_rooms=True) as both:  # so it isn't told where the room is, and is carried
            await granted(both.home, plain(Operation.CREATE, b"ann"), both.home.host)
            asked = as_json(Operation.JOIN, "bob", features=["follow", "resume", "notices"])
            head = encode_datagram(b"demo", (await granted(both.edge, asked)).token)
            with speaker(both.edge) as bob:
                bob.send(head)
                await until(lambda: heard_of(both.home) == 1)
                both.home.close()
                told = asyncio.ensure_future(hear(bob))
                while not told.done():
                    bob.send(head + b"hello?")
                    await asyncio.sleep(0.01)
                assert json.loads(told.result().removeprefix(b"server: "))["reason"] == "moved"

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_an_error_about_a_home_that_answers_ends_nobody(run: Run) -> None:
    """Anybody may forge one; here the home's port for datagrams is closed, and nothing else."""

    async def scenario() -> None:
        async with pair() as both:
            ann, _, bob, bob_head = await chatting(both)
            with ann, bob:
                both.home.udp.close()
                links, answers = both.edge.edge.links, []
                ask = links.probe

                async def probe(node: Node, seconds: float = PROBE_SECONDS) -> bool:
                    answers.append(await ask(node, seconds))
                    return answers[-1]

                links.probe = probe  # type: ignore[method-assign]
                while not answers:
                    bob.send(bob_head + b"hello?")
                    await asyncio.sleep(0.01)
                assert answers[0]
                assert len(both.edge.carried) == 1

    run(scenario)


@pytest.mark.requirement("CLU-04", "UDP-03")
def test_a_carried_member_has_one_socket_to_its_home_whatever_its_port(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, bob_head = await chatting(both)
            (member,) = both.edge.carried._by_token.values()
            with ann, bob, speaker(both.edge) as moved:
                (session,) = (one for one in both.home.registry.sessions_by_token.values() if one.member.name == "bob")
                where = session.address
                member.moved_at = float("-inf")  # a second ago, say
                moved.send(bob_head + b"from another port")
                assert await hear(ann) == b"bob: from another port"
                ann.send(ann_head + b"I hear")
                assert await hear(moved) == b"ann: I hear"
                assert session.address == where
                with pytest.raises(BlockingIOError):
                    bob.recv(9999, socket.MSG_DONTWAIT)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_the_largest_datagrams_pass(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, bob_head = await chatting(both)
            with ann, bob:
                text = b"x" * (4096 - len(b"bob: "))
                bob.send(bob_head + text[: 4096 - len(bob_head)])
                assert await hear(ann) == b"bob: " + text[: 4096 - len(bob_head)]
                longest = b"y" * (4096 - len(ann_head))
                ann.send(ann_head + longest)
                assert await hear(bob) == b"ann: " + longest

    run(scenario)
