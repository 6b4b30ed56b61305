"""Receipts and resume from end to end: a client knows what became of its words, and keeps its seat (RCP-01, RES-01)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from chatclient import Delivery, DeliveryState, Joined, Message, Recovered, Unheard, create_room, join_room

SECONDS = 30.0
ELSEWHERE = "127.0.0.9"
"""Where the way to the relay begins: its ports are the same there."""
_T = TypeVar("_T")


class Way(asyncio.DatagramProtocol):
    """A way to a relay for one client, over which TCP passes, and UDP only if it is let: a router with an address."""

    def __init__(self, relay: Any, *, udp_passes: bool = False) -> None:
        self.udp_passes = udp_passes
        self._source = "127.0.0.1"
        self._relay = relay
        self._client: Any = None
        self._inner: socket.socket | None = None
        self._outer: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """Open it, and yield what clients call the server."""
        loop = asyncio.get_running_loop()
        port = self._relay.server.rpartition(":")[2]
        udp_port = self._relay.udp_port
        self.move(self._source)
        self._outer, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(ELSEWHERE, udp_port))
        server = await asyncio.start_server(self._join, ELSEWHERE, int(port))
        async with server:
            yield f"{ELSEWHERE}:{port}"
        self._close_inner()
        self._outer.close()

    def move(self, source: str) -> None:
        """Have another address from now on, as the relay sees it; the client knows nothing of it."""
        self._close_inner()
        self._source = source
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner.setblocking(False)
        self._inner.bind((source, 0))
        self._inner.connect((self._relay.server.rpartition(":")[0], self._relay.udp_port))
        asyncio.get_running_loop().add_reader(self._inner.fileno(), self._back)

    def _close_inner(self) -> None:
        if self._inner:
            asyncio.get_running_loop().remove_reader(self._inner.fileno())
            self._inner.close()

    def datagram_received(self, data: bytes, source: Any) -> None:
        self._client = source
        if self.udp_passes and self._inner:
            self._inner.send(data)

    def _back(self) -> None:
        assert self._inner
        assert self._outer
        with suppress(OSError):
            data = self._inner.recv(4096)
            if self.udp_passes:
                self._outer.sendto(data, self._client)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._relay.server.rsplit(":", 1)
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port), local_addr=(self._source, 0))
        try:
            inner_writer.write(await reader.read(4096))
            while data := await inner_reader.read(4096):
                writer.write(data)
        finally:
            for end in (writer, inner_writer):
                end.close()


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
    way = Way(relay)

    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            way.opened() as server,
            create_room(room, "ann", server=server, receipts=True) as ann,
        ):
            await hears(ann, Unheard)
            said = ann.say("does anybody hear me?")
            way.udp_passes = True
            await hears(ann, Recovered)
            assert (await hears(ann, Delivery, DeliveryState.TAKEN)).id == said

    asyncio.run(scenario())


@pytest.mark.requirement("RES-01", "RES-03")
def test_when_a_router_has_another_address_a_member_keeps_its_seat_and_no_word_is_lost(relay: Any) -> None:
    room = f"room {uuid4().hex[:8]}"
    way = Way(relay, udp_passes=True)

    async def scenario() -> None:
        async with (
            asyncio.timeout(SECONDS),
            create_room(room, "bob", server=relay.server) as bob,
            way.opened() as server,
            join_room(room, "ann", server=server, receipts=True) as ann,
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

    asyncio.run(scenario())
