"""The wire below every connection: what is written after its end is dropped, on both event loops."""

import asyncio
import socket
from typing import cast

from relay_server.net.wire import Wire
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, until


class Kept(asyncio.Protocol):
    """Keeps the wire, and stays open when the peer ends its side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = Wire(cast("asyncio.Transport", transport))

    def eof_received(self) -> bool:
        return True


async def connected() -> tuple[Wire, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(DEADLINE_SECONDS)
    _, kept = await asyncio.get_running_loop().connect_accepted_socket(Kept, ours)
    return kept.wire, theirs


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(100), b""))


def test_nothing_is_written_after_the_end_however_often_it_comes(run: Run) -> None:
    async def scenario() -> None:
        wire, peer = await connected()
        with peer:
            wire.write(b"before")
            for _ in range(2):
                wire.write_eof()
                wire.write(b"after")
            assert await asyncio.to_thread(read_all, peer) == b"before"
            assert not wire.is_open
            assert not wire.is_closing()
            wire.close()

    run(scenario)


def test_nothing_is_written_to_what_is_closed_or_cut(run: Run) -> None:
    async def scenario() -> None:
        for end in (Wire.close, Wire.abort):
            wire, peer = await connected()
            with peer:
                end(wire)
                await until(wire.is_closing)
                wire.write(b"after")
                wire.write_eof()
                assert not wire.is_open
                assert await asyncio.to_thread(read_all, peer) == b""

    run(scenario)
