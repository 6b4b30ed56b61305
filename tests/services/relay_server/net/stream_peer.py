"""A client that chats over its connection, plain or by TLS, and reads when it likes."""

import asyncio
import json
import socket
import ssl
from typing import Any

from chatproto import Frame, FrameDecoder, Operation, State, encode_frame
from chatproto.tls import TlsEnd
from services.relay_server.net.loopback import DEADLINE_SECONDS
from services.relay_server.net.tcp_relay import Client, Relay

ROOM = b"demo"
FEATURES = ["resume", "notices"]


class StreamPeer:
    """A client's end of a stream."""

    def __init__(self, client: Client, *, secure: bool) -> None:
        self.client, self.sock = client, client.sock
        self._tls: TlsEnd | None = None
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._tls = TlsEnd(context, server_side=False)
        self._heard = b""
        self.completion: dict[str, Any] = {}

    async def send(self, data: bytes, pieces: int = 0, *, ends: bool = False) -> None:
        """Send bytes of the stream; by TLS in records of at most so many bytes, all in one segment with the end."""
        if self._tls:
            for start in range(0, len(data), pieces or len(data)):
                self._tls.write(data[start : start + pieces] if pieces else data)
            if ends:
                self._tls.end()
            data = self._tls.take()
        await self.client.send(data)
        if ends:
            self.sock.shutdown(socket.SHUT_WR)

    async def say(self, text: str, n: int | None = None) -> None:
        await self.send(say(text, n))

    async def recv(self) -> bytes:
        """Return the next bytes of the stream, none at its end."""
        data = await self.client.recv()
        if not self._tls or not data:
            return data
        stream = self._tls.feed(data)
        if pending := self._tls.take():
            await self.client.send(pending)
        return stream or (b"" if self._tls.ended else await self.recv())

    async def line(self) -> dict[str, Any]:
        """Return the next line."""
        while b"\n" not in self._heard:
            data = await self.recv()
            assert data, f"the relay ended, after {self._heard!r}"
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    async def lines(self, count: int) -> list[dict[str, Any]]:
        return [await self.line() for _ in range(count)]

    async def rest(self) -> list[dict[str, Any]]:
        """Return all lines up to the end."""
        while data := await self.recv():
            self._heard += data
        *lines, broken = self._heard.split(b"\n")
        assert broken == b""
        return [json.loads(line) for line in lines]

    @property
    def is_cut(self) -> bool:
        """Whether TLS hasn't said the end: anybody on the way could have made it."""
        return self._tls is not None and not self._tls.ended

    async def shake_hands(self) -> None:
        assert self._tls is not None
        self._tls.feed(b"")
        await self.client.send(self._tls.take())
        while not self._tls.ready:
            self._tls.feed(await self.client.recv())
            await self.client.send(self._tls.take())

    async def ask(self, data: bytes) -> list[Frame]:
        """Send a request and return its two frames; what comes after them stays unread."""
        if self._tls:
            await self.shake_hands()
        await self.send(data)
        decoder, frames = FrameDecoder(4096), list[Frame]()
        while len(frames) < 2:
            piece = await self.recv()
            assert piece, "the relay ended instead of an answer"
            decoder.feed(piece)
            while frame := decoder.next_frame():
                frames.append(frame)
        self._heard = decoder.take_rest()
        return frames

    def stall(self) -> None:
        """Let little fit into our system's buffer, as nobody reads."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


def say(text: str, n: int | None = None) -> bytes:
    return json.dumps({"say": text} if n is None else {"say": text, "n": n}).encode() + b"\n"


def request(name: str, *, create: bool = False, **fields: Any) -> bytes:
    payload = {"username": name, "reply": "json", "chat": "stream", "features": FEATURES, **fields}
    operation = Operation.CREATE if create else Operation.JOIN
    return encode_frame(Frame(operation, State.REQUEST, ROOM, json.dumps(payload).encode()))


async def enter(server: Relay, name: str, *, secure: bool = False, stalls: bool = False, **fields: Any) -> StreamPeer:
    """Create the room or join it, and chat by the connection."""
    peer = StreamPeer(await server.connect(), secure=secure)
    if stalls:
        peer.stall()
    async with asyncio.timeout(DEADLINE_SECONDS):
        _, completed = await peer.ask(request(name, create=ROOM not in server.registry.rooms, **fields))
    peer.completion = json.loads(completed.payload)
    return peer


async def settled(server: Relay, name: str, **fields: Any) -> StreamPeer:
    """Do the same and let it speak once, so that it is sure to be there."""
    peer = await enter(server, name, **fields)
    await peer.send(b'{"ping":0}\n')
    while (await peer.line()) != {"pong": 0}:
        pass
    return peer


def away(server: Relay) -> int:
    return server.registry.streams.away


def names(server: Relay) -> list[str]:
    room = server.registry.rooms.get(ROOM)
    return [member.name for member in room.members] if room else []


def close(*peers: StreamPeer) -> None:
    for peer in peers:
        peer.sock.close()


async def resumed(server: Relay, peer: StreamPeer, **named: Any) -> StreamPeer:
    """Take bob's seat again, having read nothing since the completion, and speak."""
    known = {"epoch": peer.completion["epoch"], "heard": peer.completion["seq"]}
    again = await enter(server, "bob", resume=peer.completion["resume"], **known, **named)
    await again.send(b'{"ping":9}\n')
    return again
