"""asyncio's sockets, against real ones at the other end."""

import asyncio
import errno
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from chatbrain.findings import HUNG_UP
from chatclient import Fault, join_room
from chatclient.names import Address
from chatclient.sockets import SocketToolkit, TcpWire, UdpPort
from libs.chatclient.tiny_relay import tiny_relay

if TYPE_CHECKING:
    from chatbrain import Finding

Run = Callable[[Callable[[], Awaitable[None]]], None]
LOOPBACK = Address(socket.AF_INET, ("127.0.0.1", 0))
PIECE = 100_000


class Caller:
    """Somebody who connects, and keeps what happens."""

    def __init__(self, port: int, address: Address = LOOPBACK) -> None:
        self.data = b""
        self.opened = asyncio.Event()
        self.ended: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()
        self.wire: TcpWire = SocketToolkit(asyncio.get_running_loop()).make_wire(
            address, port, self.opened.set, self._hear, self.ended.set_result
        )

    def _hear(self, data: bytes) -> None:
        self.data += data


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_bytes_go_both_ways_and_what_the_system_does_not_take_at_once_waits(run: Run, listener: socket.socket) -> None:
    async def scenario() -> None:
        caller = Caller(listener.getsockname()[1])
        caller.wire.start()
        await caller.opened.wait()
        assert str(caller.wire.local) == caller.wire.local_text == "127.0.0.1"
        peer, address = listener.accept()
        with peer:
            assert caller.wire.local.at(address[1]) == address
            written = 0
            while len(caller.wire._unsent) < 3 * PIECE:  # nobody reads yet
                caller.wire.write(bytes(PIECE))
                written += PIECE
            peer.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=peer)
            assert len(await reader.readexactly(written)) == written
            writer.write(b"bye")
            writer.close()
            assert await caller.ended == HUNG_UP
            assert caller.data == b"bye"
            caller.wire.close()

    run(scenario)


def test_who_does_not_listen_refuses(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            caller = Caller(bound.getsockname()[1])
            caller.wire.start()
            assert (await caller.ended).fault is Fault.REFUSED

    run(scenario)


def test_an_address_that_cannot_be_called_is_told_at_once(run: Run) -> None:
    async def scenario() -> None:
        caller = Caller(9, Address(socket.AF_INET, ("255.255.255.255", 0)))
        caller.wire.start()
        assert caller.ended.done()
        assert (await caller.ended).fault in {Fault.NO_ROUTE, Fault.SYSTEM}

    run(scenario)


def test_a_connection_that_is_reset_has_hung_up(run: Run, listener: socket.socket) -> None:
    async def scenario() -> None:
        caller = Caller(listener.getsockname()[1])
        caller.wire.start()
        await caller.opened.wait()
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        assert (await caller.ended).fault is Fault.HUNG_UP
        caller.wire.write(b"anybody?")

    run(scenario)


@pytest.mark.parametrize("connected", [False, True])
def test_what_is_closed_tells_nothing(run: Run, listener: socket.socket, *, connected: bool) -> None:
    async def scenario() -> None:
        caller, other = (Caller(listener.getsockname()[1]) for _ in range(2))
        caller.wire.start()
        if connected:
            await caller.opened.wait()
        caller.wire.close()
        caller.wire.close()
        other.wire.start()
        await other.opened.wait()
        assert (caller.opened.is_set(), caller.ended.done()) == (connected, False)
        other.wire.close()

    run(scenario)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops the first packet where too many wait")
def test_a_connection_whose_first_packet_is_lost_is_tried_a_second_time(run: Run) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as blocker:
            blocker.connect(listener.getsockname())  # more than one don't fit
            caller = Caller(listener.getsockname()[1])
            caller.wire.start()
            (first,) = caller.wire._dialling
            port = first.getsockname()[1]
            listener.accept()[0].close()
            await caller.opened.wait()
            assert caller.wire._dialling == []
            assert first.fileno() < 0
            peer, address = listener.accept()
            with peer:
                assert address[1] != port
            caller.wire.close()

    run(scenario)


def test_each_address_of_a_name_is_tried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    several = [Address(socket.AF_INET, (f"127.0.0.{last}", 0)) for last in (2, 3, 1)]
    monkeypatch.setattr("chatclient.names._look_up", lambda _host, _flags: several)
    monkeypatch.setattr("chatbrain.stream.NEXT_ADDRESS_SECONDS", 0.01)

    async def scenario() -> None:
        async with tiny_relay() as (_, server):
            port = int(server.rpartition(":")[2])
            with socket.socket() as mute, socket.socket() as first, socket.socket() as second:
                mute.bind(("127.0.0.3", port))
                mute.listen(0)
                for caller in (first, second):  # with these its queue is full, and who calls then isn't answered
                    caller.setblocking(False)
                    caller.connect_ex(mute.getsockname())
                async with join_room("demo", "ann", server=f"several.example:{port}") as room:
                    assert room.say("hi")

    run(scenario)


class Ear:
    """A UDP port that keeps what it hears."""

    def __init__(self, peer: socket.socket) -> None:
        self.heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        """None: something came back."""
        self.port: UdpPort = SocketToolkit(asyncio.get_running_loop()).make_port(
            LOOPBACK, LOOPBACK, peer.getsockname()[1], self.heard.put_nowait, lambda: self.heard.put_nowait(None)
        )
        self.port.send(b"hello")
        self.address = peer.recvfrom(9)[1]


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        yield peer


def test_what_is_longer_than_any_legal_datagram_and_what_others_say_is_passed_over(
    run: Run, peer: socket.socket
) -> None:
    async def scenario() -> None:
        ear = Ear(peer)
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"it's me", ear.address)
        for size in (4096, 4097, 5000, 0, 1):
            peer.sendto(bytes(size), ear.address)
        heard = [await ear.heard.get() for _ in range(3)]
        assert [data and len(data) for data in heard] == [4096, b"", 1]
        ear.port.close()

    run(scenario)


def test_an_error_is_told_and_the_next_datagram_goes_out_all_the_same(run: Run, peer: socket.socket) -> None:
    async def scenario() -> None:
        ear = Ear(peer)
        address = peer.getsockname()
        peer.close()
        ear.port.send(b"anybody?")
        with socket.socket(type=socket.SOCK_DGRAM) as later:
            later.bind(address)
            later.settimeout(20)
            ear.port.send(b"hello")  # the answer to the one before isn't this one's
            assert later.recv(9) == b"hello"
        ear.port.send(b"anybody?")
        assert await ear.heard.get() is None
        with pytest.raises(OSError, match=str(errno.EMSGSIZE)):
            ear.port.send(bytes(70_000))
        ear.port.close()

    run(scenario)


@pytest.mark.parametrize("speaks", [False, True])
def test_a_port_hears_after_an_error_too(run: Run, peer: socket.socket, *, speaks: bool) -> None:
    async def scenario() -> None:
        ear = Ear(peer)
        address = peer.getsockname()
        for _ in range(3):
            peer.close()
            ear.port.send(b"anybody?")
            if speaks:  # and so takes the error before anybody reads it
                ear.port.send(b"anybody?")
            assert await ear.heard.get() is None
            with socket.socket(type=socket.SOCK_DGRAM) as later:
                later.bind(address)
                later.sendto(b"hello", ear.address)
                assert await ear.heard.get() == b"hello"
        ear.port.close()

    run(scenario)


def test_addresses_that_cannot_be_used_are_an_error(run: Run) -> None:
    async def scenario() -> None:
        nowhere = Address(socket.AF_INET, ("192.0.2.1", 0))
        with pytest.raises(OSError, match="assign"):
            SocketToolkit(asyncio.get_running_loop()).make_port(nowhere, LOOPBACK, 9, lambda _data: None, lambda: None)

    run(scenario)


def test_a_port_that_is_closed_by_what_it_hears_hears_no_more(run: Run, peer: socket.socket) -> None:
    async def scenario() -> None:
        ear = Ear(peer)

        def hear(data: bytes) -> None:
            ear.heard.put_nowait(data)
            ear.port.close()

        ear.port._on_data = hear
        for _ in range(3):
            peer.sendto(b"x", ear.address)
        assert await ear.heard.get() == b"x"
        await asyncio.sleep(0)
        assert ear.heard.empty()
        ear.port.close()

    run(scenario)


def test_others_get_their_turn_during_a_flood(run: Run, peer: socket.socket) -> None:
    async def scenario() -> None:
        ear = Ear(peer)
        for _ in range(100):
            peer.sendto(b"x", ear.address)
        steps: list[int] = []
        while sum(steps) < 100:
            before = ear.heard.qsize()
            await asyncio.sleep(0)
            steps.append(ear.heard.qsize() - before)
        assert max(steps) <= 64
        ear.port.close()

    run(scenario)
