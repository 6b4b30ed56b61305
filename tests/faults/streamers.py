"""Members that chat over streams through a proxy that cuts their connections, and come back (STR-05)."""

import asyncio
import json
import random
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from conformance import wire
from conformance.relays import Relay

_HEADER_BYTES = 32
_PAUSE_SECONDS = 0.02
"""Before it is tried again to reach the relay."""


class _End(asyncio.Protocol):
    """One end of a connection through the proxy."""

    def __init__(self, passed: bytearray, on_made: Callable[["_End"], None] = lambda _: None) -> None:
        self.transport: asyncio.Transport
        self.other: _End | None = None
        self.waiting = b""
        """What came before the other end stood."""
        self._passed, self._on_made = passed, on_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        self._passed += data
        if self.other is None:
            self.waiting += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.abort()


class CuttingProxy:
    """Forwards connections to a relay, and cuts them when it is told to; it remembers all that passed."""

    def __init__(self, relay: Relay) -> None:
        self.passed = bytearray()
        self.port = 0
        self._relay = relay
        self._ends: list[_End] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CuttingProxy"]:
        server = await asyncio.get_running_loop().create_server(
            lambda: _End(self.passed, self._accept), self._relay.host, 0
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for end in self._ends:
                end.transport.abort()
            await asyncio.sleep(0)  # what is aborted closes in the loop's next turn

    def cut(self, chance: random.Random) -> None:
        """Reset a client's connection, if there is one; the relay's ends with it."""
        open_ends = [end for end in self._ends if end.other is not None and not end.transport.is_closing()]
        if open_ends:
            chance.choice(open_ends).transport.abort()

    def _accept(self, end: _End) -> None:
        self._ends.append(end)
        self._tasks.add(asyncio.get_running_loop().create_task(self._connect(end)))

    async def _connect(self, end: _End) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, other = await loop.create_connection(
                lambda: _End(self.passed, self._ends.append), self._relay.host, self._relay.tcp_port
            )
        except OSError:
            end.transport.abort()
            return
        end.other, other.other = other, end
        other.transport.write(end.waiting)
        if end.transport.is_closing():
            other.transport.abort()


class Streamer:
    """A member that follows the document: it numbers its words, resumes, and says again what wasn't answered."""

    def __init__(self, room: bytes, name: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.heard: list[tuple[int, str]] = []
        """The number and text of what others said, in the order of arrival."""
        self.gone: list[range] = []
        self.took: dict[int, str] = {}
        """What the relay took, by its number."""
        self.resumes: list[float] = []
        """How long each took, from the broken connection to the first line."""
        self.tokens: list[bytes] = []
        """All tokens and tickets that it ever got."""
        self._room, self._port, self._tls = room, port, tls
        self._unanswered: dict[int, str] = {}
        self._said = 0
        self._place: dict[str, Any] = {}
        self._newest = 0
        self._writer: asyncio.StreamWriter | None = None
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def there(self, operation: int = wire.JOIN) -> AsyncIterator["Streamer"]:
        """Be in the room for as long as the context lasts."""
        task = asyncio.create_task(self._stay(operation))
        try:
            await self.until(lambda: self._writer is not None)
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def say(self, text: str) -> None:
        """Say something; it is said again until it is answered."""
        self._said += 1
        self._unanswered[self._said] = text
        if self._writer is not None:
            self._write(say=text, n=self._said)

    async def until(self, true: Any, seconds: float = 60) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(true)

    @property
    def is_answered(self) -> bool:
        return not self._unanswered

    def _write(self, **fields: object) -> None:
        if self._writer is not None:
            self._writer.write(json.dumps(fields).encode() + b"\n")

    async def _stay(self, operation: int) -> None:
        loop, broken_at = asyncio.get_running_loop(), 0.0
        while True:
            attempt = secrets.token_hex(16)
            while True:
                with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                    async with asyncio.timeout(5):
                        reader, writer = await self._join(operation, attempt)
                    break
                await asyncio.sleep(_PAUSE_SECONDS)
            operation, self._writer = wire.JOIN, writer
            try:
                self._write(ping=0)
                for number, text in self._unanswered.items():
                    self._write(say=text, n=number)
                while (line := await reader.readline()).endswith(b"\n"):
                    if broken_at:
                        self.resumes.append(loop.time() - broken_at)
                        broken_at = 0.0
                    await self._take(json.loads(line))
            except OSError:
                pass
            finally:
                self._writer = None
                writer.transport.abort()
            broken_at = broken_at or loop.time()

    async def _join(self, operation: int, attempt: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = "127.0.0.1" if self._tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls, server_hostname=name)
        try:
            await self._ask(operation, attempt, reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    async def _ask(
        self, operation: int, attempt: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        fields: dict[str, object] = {
            "username": self.name, "reply": "json", "features": ["resume"], "chat": "stream", "attempt": attempt,
        }  # fmt: skip
        if self._place:
            fields |= {"resume": self._place["resume"], "epoch": self._place["epoch"], "heard": self._newest}
        writer.write(wire.frame(operation, wire.REQUEST, self._room, json.dumps(fields).encode()))
        for _ in range(2):
            header = await reader.readexactly(_HEADER_BYTES)
            body = await reader.readexactly(header[0] + int.from_bytes(header[3:], "big"))
            found = json.loads(body[header[0] :])
            assert not found.get("status"), found
        if not self._place:
            self._newest = found["seq"]
        self._place = found
        self.tokens += [found["token"].encode(), found["resume"].encode()]

    async def _take(self, found: dict[str, Any]) -> None:
        if "seq" in found:
            assert found["seq"] > self._newest, f"{self.name} got {found} after {self._newest}"
            self._newest = found["seq"]
        if "ping" in found:
            self._write(pong=found["ping"])
        elif "took" in found:
            if text := self._unanswered.pop(found["took"], None):
                self.took[found["took"]] = text
        elif "gone" in found:
            assert found["gone"] != "all"
            first, last = found["gone"]
            self.gone.append(range(first, last + 1))
            self._newest = max(self._newest, last)
        elif "text" in found:
            self.heard.append((found["seq"], found["text"]))
        assert "refused" not in found, found
        async with self._changed:
            self._changed.notify_all()
