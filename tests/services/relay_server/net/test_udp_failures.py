"""A UDP port that can't send all: it is counted, and dead peers neither deafen nor spin it."""

import asyncio
import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatproto import Advice, encode_datagram, encode_lobby
from relay_server.core.address import parse_ip
from relay_server.core.audience import Outgoing
from relay_server.core.counters import DropReason, SendFailure
from relay_server.core.lobby import Lobby
from relay_server.net.address import locate, make_address
from relay_server.net.sending import SendError, Sent
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import UdpPort
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import Run, address_of, port_of, udp_peer, until
from services.relay_server.net.udp_chat import BUFFER_BYTES, SENDER, audience_at, hear, quiet, rooms


@pytest.mark.requirement("EVI-03", "CON-02")
def test_dead_members_cost_nobody_a_message_and_go(run: Run) -> None:
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
                    chat.registry.expire(chat.now)  # as the relay does twice a second: who fails is asked again
                    chat.port.flush()
                    await quiet(chat)
                    copies += sum(not session.paused for session in chat.registry.sessions_by_token.values()) - 1
                    peers[0].sendto(headers[0] + b"message %d" % number, chat.where)
                    for peer in peers[1:]:
                        while (heard := await hear(peer)).startswith(b"server: "):
                            pass
                        assert heard == b"member 0: message %d" % number
                    await quiet(chat)
                chat.now = 20.0
                assert len(chat.registry.sessions_by_token) == 4
                chat.assert_books_balance(copies)

    run(scenario)


@pytest.mark.slow
def test_errors_neither_deafen_nor_spin_the_port(run: Run, portable: bool) -> None:
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


@pytest.mark.requirement("CON-02")
def test_a_copy_that_the_kernel_refuses_is_counted_by_reason(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as bob, udp_peer() as ann:
            far = make_address(parse_ip("192.0.2.1"), 9)  # a loopback socket reaches nothing beyond it
            crowd = audience_at(far, address_of(bob))
            lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            port = UdpPort(
                sock,
                lambda *_: (crowd, SENDER, b"hello"),
                lobby,
                lambda: 0.0,
                pinned=False,
                portable=portable,
            )
            port.start()
            ann.sendto(b"x", ("127.0.0.1", port_of(sock)))
            assert await hear(bob) == b"hello"
            assert (lobby.counters.sent, lobby.counters.bytes_sent) == (1, 5)
            assert sum(lobby.counters.send_failures.values()) == 1
            lobby.outbox.append(Outgoing(Advice("notice"), crowd))
            port.flush()
            assert await hear(bob) == b"server: notice"
            assert (lobby.counters.notices_sent, lobby.counters.notice_failures) == (1, 1)
            port.close()

    run(scenario)


@pytest.mark.requirement("CON-02")
def test_a_broadcast_is_forbidden(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as ann:
            crowd = audience_at(*[make_address(parse_ip("255.255.255.255"), 9)] * 3)
            lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            port = UdpPort(
                sock,
                lambda *_: (crowd, SENDER, b"hello"),
                lobby,
                lambda: 0.0,
                pinned=False,
                portable=portable,
            )
            port.start()
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
        (errno.EINVAL, SendFailure.OTHER, True),
        (errno.EACCES, SendFailure.FORBIDDEN, True),
        (errno.EPERM, SendFailure.FORBIDDEN, False),
        (errno.EMSGSIZE, SendFailure.OTHER, False),
    ],
)
def test_only_a_target_that_takes_nothing_fails_by_its_own_fault(
    monkeypatch: pytest.MonkeyPatch, reason: int, failure: SendFailure, evicts: bool
) -> None:
    async def scenario() -> None:
        bob = make_address(parse_ip("192.0.2.1"), 9)
        lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
        lobby.handle_datagram(encode_lobby(b"bob"), bob, 0.0)
        now = 0.0
        port = UdpPort(bind_udp("127.0.0.1", 0, BUFFER_BYTES), lobby.handle_datagram, lobby, lambda: now, pinned=False)
        port.start()
        # No address is without a route on every machine, so this is what the kernel would report.
        monkeypatch.setattr(port._sock, "send", lambda _: Sent(2, 10, [SendError(bob, reason, b"hello")]))
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
        lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
        port = UdpPort(deaf, lobby.handle_datagram, lobby, lambda: 0.0, pinned=False)
        port.start()
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
