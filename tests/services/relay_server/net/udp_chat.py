"""The rooms' chat behind a real UDP port, and peers that hear it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatproto import encode_datagram
from relay_server.core.address import parse_ip
from relay_server.core.audience import Audience, Listener
from relay_server.core.judge import Judge
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import UdpAddress, locate
from relay_server.net.fanout import GsoBatch
from relay_server.net.sending import Sent
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import UdpPort
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import DEADLINE_SECONDS, port_of

BUFFER_BYTES = 2**20
SENDER = Listener()
"""Somebody who is in no audience of `audience_at`."""


def audience_at(*addresses: UdpAddress) -> Audience:
    """Make an audience of somebody at each address."""
    return Audience({Listener(): address for address in addresses})


class Rooms:
    """The rooms' chat behind a real port; the clock counts the turns of the port."""

    def __init__(self, portable: bool, host: str = "127.0.0.1") -> None:
        self.registry = Registry(unlimited(), lambda _: None, new_nonces(), locate)
        self.relay = Relay(self.registry, unlimited(), Judge(self.registry, unlimited()))
        self.turns = 0
        self.now = 0.0
        self.raw = bind_udp(host, 0, BUFFER_BYTES)
        self.where = ("127.0.0.1", port_of(self.raw))
        self.port = UdpPort(
            self.raw,
            self.relay.handle_datagram,
            self.registry,
            self.clock,
            pinned=host == "::",
            portable=portable,
            receipts=self.relay.receipts,
        )
        self.port.start()

    def clock(self) -> float:
        self.turns += 1
        return self.now

    def admit(self, name: str, ip: str = "127.0.0.1") -> bytes:
        """Let a member into the room; returns what its datagrams begin with."""
        token = name.encode() + b"-token"
        enter = self.registry.join_room if self.registry.rooms else self.registry.create_room
        enter(b"demo", name, token, parse_ip(ip), self.now)
        return encode_datagram(b"demo", token)

    def assert_books_balance(self, copies: int) -> None:
        """Check CON-01 and CON-02."""
        counters = self.registry.counters
        assert counters.received == counters.accepted + counters.carried + sum(counters.dropped.values())
        assert counters.sent + sum(counters.send_failures.values()) == copies


def record_batches(chat: Rooms, monkeypatch: pytest.MonkeyPatch) -> list[list[GsoBatch]]:
    """Note what the port hands to its socket, call by call."""
    calls: list[list[GsoBatch]] = []
    send = chat.port._sock.send

    def note(batches: list[GsoBatch]) -> Sent:
        calls.append(batches)
        return send(batches)

    monkeypatch.setattr(chat.port._sock, "send", note)
    return calls


@asynccontextmanager
async def rooms(portable: bool, host: str = "127.0.0.1") -> AsyncIterator[Rooms]:
    opened = Rooms(portable, host)
    try:
        yield opened
    finally:
        opened.port.close()


async def hear(peer: socket.socket) -> bytes:
    peer.setblocking(False)
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await asyncio.get_running_loop().sock_recv(peer, 9999)


async def quiet(chat: Rooms) -> None:
    """Let the loop turn until the port has nothing more to do; it must come to that."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            before = chat.turns
            for _ in range(5):
                await asyncio.sleep(0.001)  # lets the loop look at its sockets
            if chat.turns == before:
                return
