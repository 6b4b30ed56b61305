"""Datagrams of carried members on real sockets: who is gone at either end, and how that is learned (CLU-04, EVI-03)."""

import asyncio
import socket
import sys

import pytest

from relay_server.core import reachability
from services.relay_server.net.cluster import pair
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.test_edge import chatting, drain, speaker
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
                assert (len(both.edge.carried), both.edge.ways._open) == (0, 0)

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
                assert (len(both.edge.carried), both.edge.ways._open) == (0, 0)
                ann.send(ann_head + b"is anybody there?")
                sent = both.home.registry.counters
                await until(lambda: sent.received == 3)

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_datagrams_to_a_home_that_is_gone_are_lost_and_counted(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            ann, _, bob, bob_head = await chatting(both)
            with ann, bob:
                both.home.close()
                counters, cluster = both.edge.registry.counters, both.edge.counters
                for count in range(1, 6):
                    bob.send(bob_head + b"hello?")
                    await until(lambda count=count: counters.carried == 1 + count)  # type: ignore[misc]
                assert cluster.edge_in + cluster.edge_failed == 6

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
