"""Somebody between a client and a relay, who may change what passes, and everything that clients let out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Change = Callable[[bytes], bytes]


class Overheard:
    """Bytes, and waiting for some of them."""

    def __init__(self) -> None:
        self.data = b""
        self._news = asyncio.Event()

    def add(self, data: bytes) -> None:
        self.data += data
        self._news.set()

    async def wait_for(self, words: bytes) -> None:
        while words not in self.data:
            self._news.clear()
            await self._news.wait()


class Ear(asyncio.DatagramProtocol):
    """A UDP port that keeps what comes."""

    def __init__(self) -> None:
        self.heard = Overheard()

    def datagram_received(self, data: bytes, _address: Any) -> None:
        self.heard.add(data)


class Middleman:
    """Passes connections on to a relay, or takes its place for some of them."""

    def __init__(self, relay: str) -> None:
        self.seen = Overheard()
        """All that clients sent over TCP, as it is on the wire."""
        self.answered = b""
        """All that the relay sent."""
        self.connections = 0
        self.to_relay: Change = lambda data: data
        self.to_client: Change = lambda data: data
        self.impostor: Callable[[bytes], bytes] | None = None
        """What answers in the relay's place, by what was sent to it so far on a connection."""
        self._host, _, self._port = relay.rpartition(":")
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        self._writers.append(writer)
        self.connections += 1
        try:
            if self.impostor:
                await self._answer(self.impostor, reader, writer)
            else:
                await self._pass_on(reader, writer)
        except OSError:
            pass
        finally:
            await abort(writer)

    def take_over(self, impostor: Change) -> None:
        """Cut all connections, and answer those that come in the relay's place."""
        self.impostor = impostor
        for writer in self._writers:
            writer.transport.abort()

    async def end(self) -> None:
        """Close everything; whoever waits for more then finds the end."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*filter(None, self._tasks))

    async def _answer(self, impostor: Change, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = b""
        while data := await reader.read(65_536):
            self.seen.add(data)
            sent += data
            writer.write(impostor(sent))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, int(self._port))

        self._writers.append(back)

        async def to_relay() -> None:
            while data := await reader.read(65_536):
                self.seen.add(data)
                back.write(self.to_relay(data))
            back.close()

        sending = asyncio.create_task(to_relay())
        try:
            while data := await there.read(65_536):
                self.answered += data
                writer.write(self.to_client(data))
        finally:
            await abort(back)
            writer.transport.abort()
            with suppress(OSError):
                await sending


async def abort(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def middleman(relay: str) -> AsyncIterator[tuple[Middleman, str]]:
    """Stand before a relay; yields the middleman, and its address, which clients take for the relay's."""
    between = Middleman(relay)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    try:
        yield between, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await between.end()
        await server.wait_closed()


@asynccontextmanager
async def ear() -> AsyncIterator[tuple[Ear, int]]:
    """Yield a UDP port that listens, and its number."""
    transport, heard = await asyncio.get_running_loop().create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0))
    try:
        yield heard, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
