"""The TCP side of a relay on loopback, and clients that speak to it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from chatproto import Frame, FrameDecoder, Operation, Status
from relay_server.control import Control
from relay_server.core.guesses import Guesses
from relay_server.core.judge import Judge
from relay_server.core.policy import Policy, TcpLimits
from relay_server.core.registry import Registry
from relay_server.core.stream_relay import StreamRelay
from relay_server.net.address import locate, make_address
from relay_server.net.sockets import listen_tcp
from relay_server.net.streams import StreamPort
from relay_server.net.tcp import TcpPort
from relay_server.net.workers import Workers
from relay_server.passwords import Passwords
from relay_server.tls.server import Tls
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import DEADLINE_SECONDS, until

if TYPE_CHECKING:
    from relay_server.core.events import Event

NEVER = 3600.0


class Relay:
    """The TCP side of a relay."""

    def __init__(
        self, policy: Policy, limits: dict[str, Any], passwords: Passwords, sock: socket.socket, tls: Tls | None,
        guesses: Guesses,
    ) -> None:  # fmt: skip
        self.events: list[Event] = []
        self.registry = Registry(policy, self.events.append, new_nonces(), locate)
        self.statuses: list[tuple[Operation | None, Status]] = []
        self.durations: list[float] = []
        self.flushes = 0
        tokens = count(1)
        control = Control(
            self.registry,
            passwords=passwords,
            guesses=guesses,
            make_address=make_address,
            hide_rooms=False,
            new_token=lambda: b"token-%d" % next(tokens),
            on_transaction=lambda operation, status: self.statuses.append((operation, status)),
            udp_port=9001,
            silence_timeout_seconds=300.0,
            attribution=True,
            moderation=True,
        )
        defaults = {
            "transaction_timeout_seconds": NEVER,
            "completion_pause_seconds": 0.0,
            "max_payload_bytes": 4096,
            "max_transactions": 0,
            "max_transactions_per_address": 0,
        }
        self.port = TcpPort(
            control,
            TcpLimits(**defaults | limits),
            asyncio.get_running_loop().time,
            admission=self.registry.admission,
            streams=self._streams(policy, control),
            workers=Workers(),
            flush=self._flush,
            on_duration=self.durations.append,
            pinned=True,
            tls=tls,
        )
        self.sock = sock
        self.number: int = self.sock.getsockname()[1]

    def _streams(self, policy: Policy, control: Control) -> StreamPort:
        """Return the connections that carry chats, where nobody is on UDP."""
        return StreamPort(
            self.registry.streams,
            StreamRelay(self.registry, Judge(self.registry, policy)),
            asyncio.get_running_loop().time,
            forward=lambda _forward: None,
            flush=self._flush,
            undo=control.undo,
        )

    def _flush(self) -> None:
        self.flushes += 1

    def check_books(self) -> None:
        """Check that every copy to a stream is accounted for (STR-08)."""
        counters = self.registry.stream_counters
        assert counters.received == counters.accepted + sum(counters.dropped.values())
        readers = [reader for room in self.registry.rooms.values() if room.ring for reader in room.ring.readers]
        waiting = sum(reader.waiting for reader in readers)
        due = sum(size * count for size, count in counters.fanout.items())
        assert due == counters.sent + sum(counters.send_failures.values()) + waiting

    async def connect(self, ip: str = "127.0.0.1") -> "Client":
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        sock = socket.socket(family)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((ip, 0))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await asyncio.get_running_loop().sock_connect(sock, (ip, self.number))
        except OSError:
            sock.close()
            raise
        return Client(sock)


class Client:
    """A client's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        self._decoder = FrameDecoder(4096)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sock.close()

    async def send(self, data: bytes) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._loop.sock_sendall(self.sock, data)

    async def recv(self) -> bytes:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._loop.sock_recv(self.sock, 4096)

    async def frame(self) -> Frame:
        while (frame := self._decoder.next_frame()) is None:
            data = await self.recv()
            assert data, "the relay ended before a whole frame"
            self._decoder.feed(data)
        return frame

    async def at_end(self) -> bool:
        return not self._decoder.take_rest() and await self.recv() == b""

    def reset(self) -> None:
        """Cut the connection as a machine that crashed would."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@asynccontextmanager
async def relay(
    policy: Policy | None = None,
    *,
    passwords: Passwords | None = None,
    sock: socket.socket | None = None,
    tls: Tls | None = None,
    guesses: Guesses | None = None,
    **limits: Any,
) -> AsyncIterator[Relay]:
    sock = sock or listen_tcp("::", 0)
    opened = Relay(policy or unlimited(), limits, passwords or Passwords(), sock, tls, guesses or Guesses(0))
    opened.port.start(opened.sock)
    try:
        yield opened
    finally:
        opened.port.close()
        await until(lambda: not opened.port.connections and not opened.port.streams.connections)
