"""A UDP port on both event loops: what comes is decided and sent, and dead peers neither deafen nor spin it."""

import asyncio
import errno
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest

from chatproto import encode_datagram, encode_lobby
from relay_server.core.address import Address, make_address, pack_targets, parse_ip
from relay_server.core.counters import DropReason, SendFailure
from relay_server.core.lobby import Lobby
from relay_server.core.model import Forward
from relay_server.core.policy import Policy
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net import loop
from relay_server.net.batch import SendError, Sent
from relay_server.net.fanout import Parcel
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import COPIES_A_TURN, UdpPort
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import DEADLINE_SECONDS, address_of, port_of, udp_peer, until

BUFFER_BYTES = 2**20
Scenario = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Return a function that runs a scenario on one of the event loops."""
    return lambda scenario: loop.run(scenario(), use_uvloop=request.param == "uvloop")


@pytest.fixture(params=["batch", "portable"])
def portable(request: pytest.FixtureRequest) -> bool:
    if request.param == "batch" and sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")
    return bool(request.param == "portable")


class Rooms:
    """The rooms' chat behind a real port; the clock counts the turns of the port."""

    def __init__(self, portable: bool, host: str = "127.0.0.1") -> None:
        self.registry = Registry(Policy(), lambda _: None, new_nonces())
        self.relay = Relay(self.registry, Policy())
        self.turns = 0
        self.now = 0.0
        self.raw = bind_udp(host, 0, BUFFER_BYTES)
        self.where = ("127.0.0.1", port_of(self.raw))
        self.port = UdpPort(
            self.raw, self.relay.handle_datagram, self.registry, self.clock, pinned=host == "::", portable=portable
        )

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
        assert counters.received == counters.accepted + sum(counters.dropped.values())
        assert counters.sent + sum(counters.send_failures.values()) == copies


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


@pytest.mark.requirement("UDP-04", "CON-02")
def test_what_one_says_the_others_hear(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as bob, udp_peer() as eve:
                headers = [chat.admit(name) for name in ("ann", "bob", "eve")]
                chat.registry.outbox.clear()
                for peer, header in zip((ann, bob, eve), headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 3)
                for number in range(200):
                    ann.sendto(headers[0] + b"message %d" % number, chat.where)
                    if number % 50 == 49:
                        for peer in (bob, eve):
                            assert [await hear(peer) for _ in range(50)] == [
                                b"ann: message %d" % earlier for earlier in range(number - 49, number + 1)
                            ]
                chat.assert_books_balance(400)
                assert chat.registry.counters.bytes_sent == 2 * sum(len(f"ann: message {n}") for n in range(200))

    run(scenario)


def record_parcels(chat: Rooms, monkeypatch: pytest.MonkeyPatch) -> list[list[Parcel]]:
    """Note what the port hands to its socket, call by call."""
    calls: list[list[Parcel]] = []
    send = chat.port._sock.send

    def note(parcels: list[Parcel]) -> Sent:
        calls.append(parcels)
        return send(parcels)

    monkeypatch.setattr(chat.port._sock, "send", note)
    return calls


@pytest.mark.requirement("UDP-04", "CON-02")
def test_what_is_said_at_once_goes_together(
    run: Callable[[Scenario], None], portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with ExitStack() as stack:
                ann, bob, eve = peers = [stack.enter_context(udp_peer()) for _ in range(3)]
                headers = [chat.admit(name) for name in ("ann", "bob", "eve")]
                chat.registry.outbox.clear()
                for peer, header in zip(peers, headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 3)
                calls = record_parcels(chat, monkeypatch)
                for peer, header, message in zip((ann, bob, ann), (*headers[:2], headers[0]), b"123", strict=True):
                    peer.sendto(header + b"%c" % message, chat.where)  # the port has no turn in between
                assert [await hear(eve) for _ in range(3)] == [b"ann: 1", b"bob: 2", b"ann: 3"]
                assert await hear(ann) == b"bob: 2"
                assert [await hear(bob) for _ in range(2)] == [b"ann: 1", b"ann: 3"]
                chat.assert_books_balance(6)
                assert chat.registry.counters.bytes_sent == 6 * len(b"ann: 1")
                (parcels,) = calls
                assert any(segment for _, _, segment in parcels) is not portable

    run(scenario)


def test_the_notices_of_a_crowd_are_sent_in_portions(
    run: Callable[[Scenario], None], portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann:
                row = pack_targets([address_of(ann)] * (COPIES_A_TURN // 2 + 1))
                calls = record_parcels(chat, monkeypatch)
                chat.registry.outbox += [(b"notice", row)] * 5
                chat.port.flush()
                assert [len(parcels) for parcels in calls if parcels] == [2, 2, 1]
                assert chat.registry.counters.notices_sent == 5 * (COPIES_A_TURN // 2 + 1)

    run(scenario)


@pytest.mark.requirement("UDP-10", "EVI-02")
def test_notices_are_sent_in_their_place_among_the_messages(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as bob, udp_peer() as eve:
                headers = [chat.admit(name) for name in ("ann", "bob", "eve")]
                chat.port.flush()  # nobody has an address yet
                for peer, header in zip((ann, bob, eve), headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 3)
                for message in (b"one", b"two", b"/leave"):
                    bob.sendto(headers[1] + message, chat.where)
                eve.sendto(headers[2] + b"three", chat.where)
                heard = [await hear(ann) for _ in range(4)]
                assert heard == [b"bob: one", b"bob: two", b"server: bob left", b"eve: three"]
                assert chat.registry.counters.notices_sent == 2
                chat.registry.shut_down()
                chat.port.flush()
                assert await hear(ann) == b"server: disconnected: shutdown"
                assert chat.registry.counters.notices_sent == 4
                assert chat.registry.outbox == []

    run(scenario)


def test_answers_leave_from_the_address_that_was_spoken_to(run: Callable[[Scenario], None]) -> None:
    if sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")

    async def scenario() -> None:
        async with rooms(portable=False, host="::") as chat:
            with udp_peer() as ann, udp_peer("::1") as bob:
                hello = [chat.admit("ann"), chat.admit("bob", "::1")]
                chat.registry.outbox.clear()
                bob.sendto(hello[1], ("::1", chat.where[1]))
                await until(lambda: chat.registry.counters.accepted == 1)
                ann.sendto(hello[0] + b"hello", ("127.0.0.2", chat.where[1]))
                assert await hear(bob) == b"ann: hello"
                bob.sendto(hello[1] + b"hi", ("::1", chat.where[1]))
                assert await hear(ann) == b"bob: hi"
                bob.sendto(hello[1] + b"from where?", ("::1", chat.where[1]))
                await until(lambda: chat.registry.counters.sent == 3)
                assert ann.recvfrom(100)[1] == ("127.0.0.2", chat.where[1])

    run(scenario)


@pytest.mark.requirement("EVI-03", "CON-02")
def test_dead_members_cost_nobody_a_message_and_go(run: Callable[[Scenario], None]) -> None:
    if sys.platform != "linux":
        pytest.skip("the error queue is Linux's")

    async def scenario() -> None:
        async with rooms(portable=False) as chat:
            with ExitStack() as stack:
                dying = ExitStack()
                peers = [stack.enter_context(udp_peer()) for _ in range(4)]
                corpses = [dying.enter_context(udp_peer()) for _ in range(8)]
                headers = [chat.admit(f"member {number}") for number in range(12)]
                chat.registry.outbox.clear()
                for peer, header in zip(peers + corpses, headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 12)
                dying.close()
                copies = 0
                for number in range(14):
                    chat.now = float(number)
                    copies += len(chat.registry.members_by_token) - 1
                    peers[0].sendto(headers[0] + b"message %d" % number, chat.where)
                    for peer in peers[1:]:
                        while (heard := await hear(peer)).startswith(b"server: "):
                            pass
                        assert heard == b"member 0: message %d" % number
                    await quiet(chat)
                chat.now = 20.0
                assert len(chat.registry.members_by_token) == 4
                chat.assert_books_balance(copies)

    run(scenario)


async def quiet(chat: Rooms) -> None:
    """Let the loop turn until the port has nothing more to do; it must come to that."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            before = chat.turns
            for _ in range(5):
                await asyncio.sleep(0.001)  # lets the loop look at its sockets
            if chat.turns == before:
                return


def test_errors_neither_deafen_nor_spin_the_port(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann:
                headers = [chat.admit("ann"), chat.admit("bob")]
                chat.registry.outbox.clear()
                ann.sendto(headers[0], chat.where)
                with udp_peer() as bob:
                    bob.sendto(headers[1], chat.where)
                    await until(lambda: chat.registry.counters.accepted == 2)
                for number in range(50):  # bob's port is dead
                    ann.sendto(headers[0] + b"message %d" % number, chat.where)
                    await until(lambda said=number: chat.registry.counters.accepted == 3 + said)  # type: ignore[misc]
                    await quiet(chat)
                # A datagram and an error take a few turns; a loop that spins takes thousands.
                assert chat.turns < 50 * 10
                with udp_peer() as other:
                    other.sendto(encode_datagram(b"demo", b"guess"), chat.where)
                    await until(lambda: chat.registry.counters.dropped[DropReason.UNKNOWN_TOKEN] == 1)

    run(scenario)


def test_a_flood_of_copies_lets_others_have_their_turn(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as target, udp_peer() as sender:
            row = pack_targets([address_of(target)] * (COPIES_A_TURN // 2))
            handled: list[int] = []
            turns: list[int] = []

            def handle(data: bytes, source: Address, now: float) -> Forward:
                del source, now
                handled.append(int(data))
                return data, row, 0

            def clock() -> float:
                turns.append(len(handled))
                return 0.0

            lobby = Lobby(Policy(), lambda _: None, new_nonces())
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            for number in range(10):
                sender.sendto(b"%d" % number, ("127.0.0.1", port_of(sock)))
            port = UdpPort(sock, handle, lobby, clock, pinned=False, portable=portable)
            await until(lambda: len(handled) == 10)
            assert handled == list(range(10))  # in order, each once
            assert len(turns) >= 4  # not all in one go
            assert lobby.counters.sent == 10 * COPIES_A_TURN // 2
            port.close()

    run(scenario)


def test_a_port_that_closes_amid_a_flood_is_silent(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        with udp_peer() as target, udp_peer() as sender:
            row = pack_targets([address_of(target)] * (COPIES_A_TURN + 1))
            handled: list[bytes] = []

            def handle(data: bytes, source: Address, now: float) -> Forward:
                del source, now
                handled.append(data)
                return data, row, 0

            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            for number in range(10):
                sender.sendto(b"%d" % number, ("127.0.0.1", port_of(sock)))
            lobby = Lobby(Policy(), lambda _: None, new_nonces())
            port = UdpPort(sock, handle, lobby, lambda: 0.0, pinned=False)
            await until(lambda: handled)
            count = len(handled)
            port.close()
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(handled) == count

    run(scenario)


@pytest.mark.requirement("CON-02")
def test_a_copy_that_the_kernel_refuses_is_counted_by_reason(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as bob, udp_peer() as ann:
            far = make_address(parse_ip("192.0.2.1"), 9)  # a loopback socket reaches nothing beyond it
            row = pack_targets([far, address_of(bob)])
            lobby = Lobby(Policy(), lambda _: None, new_nonces())
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            port = UdpPort(sock, lambda *_: (b"hello", row, 0), lobby, lambda: 0.0, pinned=False, portable=portable)
            ann.sendto(b"x", ("127.0.0.1", port_of(sock)))
            assert await hear(bob) == b"hello"
            assert (lobby.counters.sent, lobby.counters.bytes_sent) == (1, 5)
            assert sum(lobby.counters.send_failures.values()) == 1
            lobby.outbox.append((b"notice", row))
            port.flush()
            assert await hear(bob) == b"notice"
            assert (lobby.counters.notices_sent, lobby.counters.notice_failures) == (1, 1)
            port.close()

    run(scenario)


@pytest.mark.requirement("CON-02")
def test_a_broadcast_is_forbidden(run: Callable[[Scenario], None], portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as ann:
            row = pack_targets([make_address(parse_ip("255.255.255.255"), 9)] * 3)
            lobby = Lobby(Policy(), lambda _: None, new_nonces())
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            port = UdpPort(sock, lambda *_: (b"hello", row, 0), lobby, lambda: 0.0, pinned=False, portable=portable)
            ann.sendto(b"x", ("127.0.0.1", port_of(sock)))
            await until(lambda: lobby.counters.send_failures[SendFailure.FORBIDDEN] == 3)
            assert lobby.counters.sent == lobby.counters.bytes_sent == 0
            port.close()

    run(scenario)


@pytest.mark.requirement("CON-02", "EVI-03")
@pytest.mark.parametrize(
    ("reason", "failure", "evicts"),
    [
        (errno.EAGAIN, SendFailure.BUFFER_FULL, False),
        (errno.ENOBUFS, SendFailure.BUFFER_FULL, False),
        (errno.EHOSTUNREACH, SendFailure.UNREACHABLE, True),
        (errno.ENETUNREACH, SendFailure.UNREACHABLE, True),
        (errno.EPERM, SendFailure.FORBIDDEN, False),
        (errno.EMSGSIZE, SendFailure.OTHER, False),
    ],
)
def test_only_a_target_without_a_route_fails_by_its_own_fault(
    monkeypatch: pytest.MonkeyPatch, reason: int, failure: SendFailure, evicts: bool
) -> None:
    async def scenario() -> None:
        bob = make_address(parse_ip("192.0.2.1"), 9)
        lobby = Lobby(Policy(), lambda _: None, new_nonces())
        lobby.handle_datagram(encode_lobby(b"bob"), bob, 0.0)
        now = 0.0
        port = UdpPort(bind_udp("127.0.0.1", 0, BUFFER_BYTES), lobby.handle_datagram, lobby, lambda: now, pinned=False)
        # No address is without a route on every machine, so this is what the kernel would report.
        monkeypatch.setattr(port._sock, "send", lambda _: Sent(2, 10, [SendError(bob, reason, 5)]))
        for number in range(3):
            now = number * 5.0
            said = lobby.handle_datagram(encode_lobby(b"ann", b"%d" % number), make_address(bob[8:24], 10), now)
            assert isinstance(said, tuple)
            port._forwards.append(said)
            port._flush_messages()
        assert lobby.counters.send_failures[failure] == sum(lobby.counters.send_failures.values()) == 3
        assert (lobby.counters.sent, lobby.counters.bytes_sent) == (6, 30)
        assert (len(lobby.clients_by_remote) == 1) is evicts
        port.close()

    asyncio.run(scenario())


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """Bind a socket whose receive buffer holds next to nothing."""
    sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    yield sock
    sock.close()


@pytest.mark.requirement("CON-04")
def test_what_the_kernel_dropped_is_counted(deaf: socket.socket) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells")

    async def scenario() -> None:
        lobby = Lobby(Policy(), lambda _: None, new_nonces())
        port = UdpPort(deaf, lobby.handle_datagram, lobby, lambda: 0.0, pinned=False)
        assert port.kernel_drops() == 0
        assert port.receive_buffer_bytes == deaf.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        with udp_peer() as peer:
            for _ in range(100):
                peer.sendto(encode_lobby(b"ann", b"x" * 500), ("127.0.0.1", port_of(deaf)))
            await until(lambda: lobby.counters.received + port.kernel_drops() == 100)
        assert port.kernel_drops() > 0
        assert lobby.counters.received > 0
        port.close()

    asyncio.run(scenario())
