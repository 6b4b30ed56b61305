"""A whole relay with a web port on loopback, and browsers that speak to it by the library's client."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.typing import Origin

from ports import free_ports
from relay_server.parts import Parts, build
from relay_server.settings import Settings
from relay_server.web.port import WebPort
from services.relay_server.net.loopback import DEADLINE_SECONDS

HOST = "127.0.0.1"
UNLIMITED: dict[str, object] = {
    "message_rate": 0, "byte_rate": 0, "join_rate": 0, "max_members_per_address": 0, "max_transactions_per_address": 0,
}  # fmt: skip

FOREIGN_ORIGINS: Final = [
    None,
    "null",
    "http://127.0.0.1",  # another port
    "https://127.0.0.1:{port}",  # another scheme
    "http://127.0.0.1:{port}.evil.example",
    "http://evil-127.0.0.1:{port}",
    "http://127.0.0.1:{port}@evil.example",
    "http://127.0.0.1:{port}/",
    "http://user@127.0.0.1:{port}",
    "http://xn--127-0-0-1.example:{port}",
    "http://127。0。0。1:{port}".encode().decode("latin-1"),
    "ws://127.0.0.1:{port}",
    "file://",
    "http://127.0.0.1:{port}, http://evil.example",
    "http://localhost:{port}",
]
"""What a page of another site may call itself; a relay's own is ``http://127.0.0.1:{port}``."""


class WebRelay:
    """The relay's parts, and where they listen."""

    def __init__(self, parts: Parts, web: WebPort) -> None:
        self.parts, self.web = parts, web
        settings = parts.settings
        self.port, self.server = settings.web_port, f"{HOST}:{settings.tcp_port}"
        self.origin = f"http://{HOST}:{self.port}"
        self.opened: list[ClientConnection] = []

    async def open(self, origin: str | None = "", **headers: str) -> ClientConnection:
        """Open a WebSocket as a page of this origin; empty for the relay's own."""
        named = Origin(origin or self.origin) if origin is not None else None
        socket = await connect(
            f"ws://{HOST}:{self.port}/chat", origin=named, compression=None, ping_interval=None, proxy=None,
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
            open_timeout=DEADLINE_SECONDS,
        )  # fmt: skip
        self.opened.append(socket)
        return socket

    async def page(self, user: str, /, *, headers: dict[str, str] | None = None, **join: Any) -> "Page":
        """Open a WebSocket and ask to join the room `tea`."""
        page = Page(await self.open(**(headers or {})))
        await page.send({"join": {"room": "tea", "name": user, "features": ["resume", "sealed"], **join}})
        page.answer = await page.next()
        return page

    async def call(self) -> "Caller":
        """Connect without a word."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        return Caller(reader, writer)

    async def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Ask once; returns status, headers and body."""
        caller = await self.call()
        try:
            return await caller.ask(path, method, host=f"{HOST}:{self.port}", connection="close", **headers)
        finally:
            await caller.close()


class Page:
    """A browser's end of a chat."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answer: dict[str, Any] = {}

    async def send(self, fields: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(fields))

    async def say(self, text: str, n: int | None = None) -> None:
        await self.send({"say": text} if n is None else {"say": text, "n": n})

    def say_farewell(self, *told: dict[str, Any]) -> None:
        """Say all of this and close the socket, without a pause."""
        frames = [Frame(Opcode.TEXT, json.dumps(each).encode()) for each in told]
        farewell = Frame(Opcode.CLOSE, Close(CloseCode.NORMAL_CLOSURE, "").serialize())
        self.socket.transport.write(b"".join(frame.serialize(mask=True) for frame in [*frames, farewell]))

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            message = await self.socket.recv()
        assert isinstance(message, str)
        found: dict[str, Any] = json.loads(message)
        return found

    async def until(self, key: str, value: object = None) -> dict[str, Any]:
        """Return the next message that has this key, and this value under it if one is given."""
        while True:
            found = await self.next()
            if key in found and value in {None, found[key]}:
                return found

    async def end(self) -> tuple[dict[str, Any], int]:
        """Return the last message and the code by which the relay closes."""
        last: dict[str, Any] = {}
        async with asyncio.timeout(DEADLINE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    last = json.loads(await self.socket.recv())
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return last, self.socket.close_code


class Caller:
    """A connection whose bytes are ours to choose."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))
        return await self.answer(is_head=method == "HEAD")

    async def answer(self, *, is_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Read an answer."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            size = 0 if is_head or first.split()[1] in {"101", "304"} else int(headers["content-length"])
            return int(first.split()[1]), headers, await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Read until the relay ends the connection."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def close(self) -> None:
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@asynccontextmanager
async def web_relay(**changes: object) -> AsyncIterator[WebRelay]:
    """Run a relay with these settings."""
    names = ("tcp_port", "udp_port", "web_port")
    ports: dict[str, object] = dict(zip(names, free_ports(len(names)), strict=True))
    fixed: dict[str, object] = {"host": HOST, "lobby_port": 0, "ops_port": 0, "admin_socket": ""}
    parts = build(Settings(**fixed | UNLIMITED | ports | changes))  # type: ignore[arg-type]
    assert parts.web is not None
    assert parts.sockets.web is not None
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    for port in parts.udp:
        port.start()
    parts.tcp.start(parts.sockets.tcp)
    parts.web.start(parts.sockets.web)
    relay = WebRelay(parts, parts.web)
    try:
        yield relay
    finally:
        await cut(relay.opened)
        parts.web.close()
        parts.tcp.close()
        for port in parts.udp:
            port.close()
        await asyncio.sleep(0)
    assert errors == []


async def cut(connections: list[ClientConnection]) -> None:
    """End browsers' connections at once."""
    for connection in connections:
        connection.transport.abort()
    for connection in connections:
        await connection.wait_closed()


def slow_socket() -> socket.socket:
    """Return a socket that takes little unread."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return sock
