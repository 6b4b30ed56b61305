"""Receipts and resume from end to end: a client knows what became of its words, and keeps its seat (RCP-01, RES-01)."""

import asyncio
import re
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from chatclient import Delivery, DeliveryState, Joined, Message, Recovered, Unheard, create_room, join_room
from e2e.way import Way

SECONDS = 30.0
_T = TypeVar("_T")


async def hears(events: Any, kind: type[_T], state: DeliveryState | None = None) -> _T:
    async for event in events:
        if isinstance(event, kind) and (state is None or getattr(event, "state", None) is state):
            return event
    raise AssertionError(f"There was no {kind.__name__}.")


@pytest.mark.requirement("RCP-01", "RCP-03")
def test_who_says_something_knows_that_the_relay_has_it(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"

    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            create_room(room, "ann", server=relay.server, receipts=True) as ann,
            join_room(room, "bob", server=relay.server) as bob,
        ):
            await hears(bob, Joined)
            said = ann.say("hello")
            assert (await hears(bob, Message)).text == "hello"
            assert await hears(ann, Delivery, DeliveryState.TAKEN) == Delivery(said, DeliveryState.TAKEN, "hello")
            muting = ann.command("/mute bob")
            assert (await hears(ann, Delivery, DeliveryState.TAKEN)).id == muting

    asyncio.run(scenario())


@pytest.mark.requirement("RCP-03")
def test_where_udp_is_swallowed_it_says_so_and_what_waited_is_sent_when_it_passes(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"

    async def scenario(way: Way) -> None:
        way.udp_passes = False
        async with (
            asyncio.timeout(SECONDS),
            create_room(room, "ann", server=way.server, receipts=True) as ann,
        ):
            await hears(ann, Unheard)
            said = ann.say("does anybody hear me?")
            way.udp_passes = True
            await hears(ann, Recovered)
            assert (await hears(ann, Delivery, DeliveryState.TAKEN)).id == said

    with Way(relay) as way:
        asyncio.run(scenario(way))


@pytest.mark.requirement("RES-01", "RES-03")
def test_when_a_router_has_another_address_a_member_keeps_its_seat_and_no_word_is_lost(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"

    async def scenario(way: Way) -> None:
        async with (
            asyncio.timeout(SECONDS),
            create_room(room, "bob", server=relay.server) as bob,
            join_room(room, "ann", server=way.server, receipts=True) as ann,
        ):
            ann.say("here")
            await hears(ann, Delivery, DeliveryState.TAKEN)
            way.move("127.0.0.77")
            words = [f"hello {number}" for number in range(3)]
            said = {ann.say(word): word for word in words}
            began = asyncio.get_running_loop().time()
            await hears(ann, Unheard)
            await hears(ann, Recovered)
            print(f"back after {asyncio.get_running_loop().time() - began:.1f} s")
            taken = [await hears(ann, Delivery, DeliveryState.TAKEN) for _ in words]
            assert {one.id: one.text for one in taken} == said
            ann.say("and on")
            heard = [(await hears(bob, Message)).text for _ in range(5)]
            assert sorted(heard) == sorted(["here", *words, "and on"])
            assert not bob.ended

    with Way(relay) as way:
        asyncio.run(scenario(way))
    tickets = set(re.findall(rb'"resume": ?"([^"]+)"', way.tcp_seen))
    assert len(tickets) > 1  # the first, and that of the new address
    assert b"hello 0" in way.udp_seen
    assert not [ticket for ticket in tickets if ticket in way.udp_seen]  # threat N3


LOSSY_MESSAGES = 200
LOSS = 0.05
OVER = "over"
FAREWELLS = 10
"""So many that one of them arrives: nothing comes after it, for loopback keeps the order."""


class Talker:
    """Somebody who says much, and keeps what became of each word and what is heard."""

    def __init__(self) -> None:
        self.fates: dict[int, DeliveryState] = {}
        self.heard: list[str] = []
        self._farewell = False

    async def talk(self, me: Any) -> None:
        """Talk until all is taken or marked, and the other has nothing more to say."""
        for number in range(LOSSY_MESSAGES):
            self.fates[me.say(f"{me.name} {number}")] = DeliveryState.SENDING
        ready = False
        async for event in me:
            self._take(event)
            if not ready and DeliveryState.SENDING not in self.fates.values():
                ready = True
                for number in range(FAREWELLS):
                    me.say(f"{OVER} {number}")
            if ready and self._farewell:
                return

    def _take(self, event: object) -> None:
        if isinstance(event, Delivery) and event.id in self.fates:
            self.fates[event.id] = event.state
        elif isinstance(event, Message) and event.text.startswith(OVER):
            self._farewell = True
        elif isinstance(event, Message):
            self.heard.append(event.text)


@pytest.mark.requirement("RCP-01", "RCP-02")
def test_on_a_lossy_way_each_message_is_taken_or_marked_and_none_is_heard_twice(start_relay: Any) -> None:
    relay = start_relay(RELAY_MESSAGE_RATE="0", RELAY_BYTE_RATE="0")
    talkers = Talker(), Talker()

    async def scenario(ann_way: Way, bob_way: Way) -> None:
        async with (
            asyncio.timeout(2 * SECONDS),
            create_room("lossy", "ann", server=ann_way.server, receipts=True) as ann,
            join_room("lossy", "bob", server=bob_way.server, receipts=True) as bob,
        ):
            await asyncio.gather(talkers[0].talk(ann), talkers[1].talk(bob))

    with Way(relay, loss=LOSS, seed=1) as ann_way, Way(relay, "127.0.0.10", loss=LOSS, seed=2) as bob_way:
        asyncio.run(scenario(ann_way, bob_way))
        assert ann_way.dropped
        assert bob_way.dropped
    for talker in talkers:
        assert set(talker.fates.values()) <= {DeliveryState.TAKEN, DeliveryState.NOT_DELIVERED}
        assert len(talker.heard) == len(set(talker.heard)) > LOSSY_MESSAGES / 2
    fates = [fate for talker in talkers for fate in talker.fates.values()]
    heard = sum(len(talker.heard) for talker in talkers)
    print(f"{LOSS:.0%} lost each way: {fates.count(DeliveryState.TAKEN)} of {len(fates)} taken, {heard} heard")
