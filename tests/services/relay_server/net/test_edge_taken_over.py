"""Members whom a node carries elsewhere, from one process to the next: what it knows of them, and their sockets."""

import os
import sys
from typing import TYPE_CHECKING, cast

import pytest

from chatproto import Operation, encode_datagram
from relay_server.core.carried import CarriedMember
from relay_server.handover import carried
from relay_server.handover.carried import CarriedSaving, load_carried
from services.relay_server.core.policies import unlimited
from services.relay_server.net.cluster import ClusterNode, pair
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.test_edge import chatting, drain, granted, plain
from services.relay_server.net.udp_chat import hear

if TYPE_CHECKING:
    from relay_server.net.homeward import HomeWay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone")


def known(member: CarriedMember) -> tuple[object, ...]:
    """Return what both processes are to know of somebody."""
    return (
        member.ip, member.room, member.token, member.address, member.seen_at, member.moved_at, member.silence_seconds,
        member.patience_seconds, member.json_notices, member.follows, member.home,
        cast("HomeWay", member.homeward).route,
    )  # fmt: skip


def pass_on(saving: CarriedSaving, to: ClusterNode) -> list[int]:
    """Let a node know what a process has to tell; returns how many descriptors each frame had."""
    counts = []
    for body, descriptors in saving.frames():
        counts.append(len(descriptors))
        load_carried(to.edge, body, lambda _, numbers=descriptors: list(map(os.dup, numbers)))  # type: ignore[misc]
    return counts


@pytest.mark.requirement("CLU-04")
def test_members_and_their_sockets_cross(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "AT_ONCE", 1)

    async def scenario() -> None:
        async with pair() as both:
            ann, ann_head, bob, bob_head = await chatting(both)
            mute, cut = [(await granted(both.edge, plain(Operation.JOIN, name))).token for name in (b"mute", b"cut")]
            new, saving = ClusterNode("edge", unlimited(), None, {}), CarriedSaving(both.edge.edge)
            with ann, bob:
                assert pass_on(saving, new) == [1, 0, 0]
                assert pass_on(saving, new) == []
                both.edge.carried.end_by_token(cut)
                bob.send(bob_head + b"I moved on")
                await until(lambda: both.home.registry.counters.accepted == 3)
                both.edge.edge.freeze()
                drain(bob)
                ann.send(ann_head + b"meanwhile")
                await until(lambda: both.home.registry.counters.accepted == 4)
                assert pass_on(saving, new) == [1]
                assert {known(one) for one in new.carried} == {known(one) for one in both.edge.carried}
                assert (len(new.carried), len(new.ways._open)) == (2, 1)
                bob.connect((new.host, new.udp_number))
                both.edge.edge.close()
                new.edge.start()
                while await hear(bob) != b"ann: meanwhile":
                    pass
                bob.send(bob_head + b"after")
                while await hear(ann) != b"bob: after":
                    pass
                bob.send(encode_datagram(b"demo", mute) + b"I was mute")
                while await hear(ann) != b"mute: I was mute":
                    pass
            new.close()

    run(scenario)


@pytest.mark.requirement("CLU-04")
def test_that_somebody_is_gone_is_told_even_if_nobody_else_changed(run: Run) -> None:
    async def scenario() -> None:
        async with pair() as both:
            await granted(both.home, plain(Operation.CREATE, b"ann"), both.home.host)
            token = (await granted(both.edge, plain(Operation.JOIN, b"bob"))).token
            new, saving = ClusterNode("edge", unlimited(), None, {}), CarriedSaving(both.edge.edge)
            assert (pass_on(saving, new), len(new.carried)) == ([0], 1)
            both.edge.carried.end_by_token(token)
            assert (pass_on(saving, new), len(new.carried)) == ([0], 0)
            new.close()

    run(scenario)


def test_a_relay_that_is_alone_carries_nobody() -> None:
    assert list(CarriedSaving(None).frames()) == []
