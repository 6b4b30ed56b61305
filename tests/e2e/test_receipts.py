"""Receipts from end to end: a real relay answers, and a client knows what became of its words (RCP-01 to RCP-03)."""

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
    """A way to a relay for one client, over which TCP passes, and UDP only if it is let."""

    def __init__(self, relay: Any) -> None:
        self.udp_passes = False
        self._relay = relay
        self._client: Any = None
        self._inner: socket.socket | None = None
        self._outer: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """Open it, and yield what clients call the server."""
        loop = asyncio.get_running_loop()
        host, port = self._relay.server.rsplit(":", 1)
        udp_port = self._relay.udp_port
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner.setblocking(False)
        self._inner.connect((host, udp_port))
        loop.add_reader(self._inner.fileno(), self._back)
        self._outer, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(ELSEWHERE, udp_port))
        server = await asyncio.start_server(self._join, ELSEWHERE, int(port))
        async with server:
            yield f"{ELSEWHERE}:{port}"
        loop.remove_reader(self._inner.fileno())
        self._inner.close()
        self._outer.close()

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
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        inner_writer.write(await reader.read(4096))
        while data := await inner_reader.read(4096):
            writer.write(data)
        for end in (writer, inner_writer):
            end.close()
            with suppress(OSError):
                await end.wait_closed()


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
