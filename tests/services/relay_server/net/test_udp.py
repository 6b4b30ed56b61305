"""A UDP port on both event loops: what comes is decided and sent, in its order and in turns."""

import asyncio
import sys
from contextlib import ExitStack, closing

import pytest

from chatproto import Advice
from relay_server.core.audience import Forward, Outgoing
from relay_server.core.endpoint import Address
from relay_server.core.lobby import Lobby
from relay_server.net.address import locate
from relay_server.net.crowds import CROWD, FEW, MAX_QUEUED_COPIES, SLICE_COPIES
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import COPIES_A_TURN, UdpPort
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import Run, address_of, port_of, udp_peer, until
from services.relay_server.net.udp_chat import BUFFER_BYTES, SENDER, audience_at, hear, record_batches, rooms


@pytest.mark.requirement("UDP-04", "CON-02")
def test_what_one_says_the_others_hear(run: Run, portable: bool) -> None:
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


@pytest.mark.requirement("UDP-04", "CON-02")
def test_what_is_said_at_once_goes_together(run: Run, portable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with ExitStack() as stack:
                ann, bob, eve = peers = [stack.enter_context(udp_peer()) for _ in range(3)]
                headers = [chat.admit(name) for name in ("ann", "bob", "eve")]
                chat.registry.outbox.clear()
                for peer, header in zip(peers, headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 3)
                calls = record_batches(chat, monkeypatch)
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


def test_many_notices_are_sent_in_portions(run: Run, portable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann:
                listeners = audience_at(*[address_of(ann)] * FEW)
                calls = record_batches(chat, monkeypatch)
                chat.registry.outbox += [Outgoing(Advice("notice"), listeners)] * 300
                chat.port.flush()
                assert [len(parcels) for parcels in calls if parcels] == [129, 129, 42]
                assert chat.registry.counters.notices_sent == 300 * FEW

    run(scenario)


@pytest.mark.requirement("UDP-04")
def test_what_goes_to_a_crowd_lets_others_have_their_turn(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as bob, udp_peer() as eve:
                crowd = audience_at(*[address_of(eve)] * (40 * SLICE_COPIES))
                headers = [chat.admit(name) for name in ("ann", "bob")]
                for peer, header in zip((ann, bob), headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 2)
                counters = chat.registry.counters
                before = counters.notices_sent
                chat.registry.outbox.append(Outgoing(Advice("notice"), crowd))
                chat.port.flush()
                assert counters.notices_sent == before  # which waits
                bob.sendto(headers[1] + b"hi", chat.where)
                assert await hear(ann) == b"bob: hi"
                assert counters.notices_sent < before + 40 * SLICE_COPIES  # it isn't all sent yet
                await until(lambda: counters.notices_sent == before + 40 * SLICE_COPIES)

    run(scenario)


@pytest.mark.requirement("UDP-04")
def test_a_notice_to_many_listeners_is_sent_in_slices_between_other_work(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as eve:
                counters = chat.registry.counters
                chat.registry.outbox.append(Outgoing(Advice("few"), audience_at(*[address_of(ann)] * FEW)))
                chat.registry.outbox.append(Outgoing(Advice("more"), audience_at(*[address_of(eve)] * (FEW + 1))))
                chat.port.flush()
                assert counters.notices_sent == FEW
                await until(lambda: counters.notices_sent == 2 * FEW + 1)

    run(scenario)


@pytest.mark.requirement("CON-02")
def test_a_port_that_closes_sends_what_waits(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as eve:
                counters = chat.registry.counters
                chat.registry.outbox.append(Outgoing(Advice("notice"), audience_at(*[address_of(eve)] * (FEW + 1))))
                chat.port.flush()
                assert counters.notices_sent == 0
                chat.port.close()
                assert counters.notices_sent == FEW + 1

    run(scenario)


@pytest.mark.requirement("CON-02")
def test_whoever_counts_finds_nothing_that_waits(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as eve:
                crowd = audience_at(*[address_of(eve)] * (CROWD + 1))
                chat.registry.outbox.append(Outgoing(Advice("notice"), crowd))
                chat.port.finish()
                assert chat.registry.counters.notices_sent == CROWD + 1

    run(scenario)


@pytest.mark.requirement("UDP-10", "EVI-02")
def test_notices_are_sent_in_their_place_among_the_messages(run: Run, portable: bool) -> None:
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


def test_answers_leave_from_the_address_that_was_spoken_to(run: Run) -> None:
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


def test_a_flood_of_copies_lets_others_have_their_turn(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        with udp_peer() as target, udp_peer() as sender:
            crowd = audience_at(*[address_of(target)] * (COPIES_A_TURN // 2))
            handled: list[int] = []
            turns: list[int] = []

            def handle(data: bytes, source: Address, now: float) -> Forward:
                del source, now
                handled.append(int(data))
                return crowd, SENDER, data

            def clock() -> float:
                turns.append(len(handled))
                return 0.0

            lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            for number in range(10):
                sender.sendto(b"%d" % number, ("127.0.0.1", port_of(sock)))
            port = UdpPort(sock, handle, lobby, clock, pinned=False, portable=portable)
            port.start()
            await until(lambda: lobby.counters.sent == 10 * COPIES_A_TURN // 2)
            assert handled == list(range(10))  # in order, each once
            assert len(turns) >= 4  # not all in one go
            port.close()

    run(scenario)


@pytest.mark.slow
def test_a_flood_of_notices_waits_where_it_came_from(run: Run, portable: bool) -> None:
    """Otherwise whoever counts would send it all at once, as when everybody leaves a large room."""

    async def scenario() -> None:
        with udp_peer() as target, udp_peer() as sender:
            crowd = audience_at(*[address_of(target)] * (MAX_QUEUED_COPIES // 4))
            handled, most_at_once = 0, 0

            def handle(data: bytes, source: Address, now: float) -> None:
                nonlocal handled
                del data, source, now
                handled += 1
                lobby.outbox.append(Outgoing(Advice("notice"), crowd))

            lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            for _ in range(10):
                sender.sendto(b"/leave", ("127.0.0.1", port_of(sock)))
            with closing(UdpPort(sock, handle, lobby, lambda: 0.0, pinned=False, portable=portable)) as port:
                port.start()
                while handled < 10:
                    before = lobby.counters.notices_sent
                    await asyncio.sleep(0)
                    port.finish()
                    most_at_once = max(most_at_once, lobby.counters.notices_sent - before)
                assert lobby.counters.notices_sent == 10 * MAX_QUEUED_COPIES // 4
                assert most_at_once <= MAX_QUEUED_COPIES

    run(scenario)


def test_a_port_that_closes_amid_a_flood_is_silent(run: Run) -> None:
    async def scenario() -> None:
        with udp_peer() as target, udp_peer() as sender:
            crowd = audience_at(*[address_of(target)] * (COPIES_A_TURN + 1))
            handled: list[bytes] = []

            def handle(data: bytes, source: Address, now: float) -> Forward:
                del source, now
                handled.append(data)
                return crowd, SENDER, data

            sock = bind_udp("127.0.0.1", 0, BUFFER_BYTES)
            for number in range(10):
                sender.sendto(b"%d" % number, ("127.0.0.1", port_of(sock)))
            lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
            port = UdpPort(sock, handle, lobby, lambda: 0.0, pinned=False)
            port.start()
            await until(lambda: handled)
            count = len(handled)
            port.close()
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(handled) == count

    run(scenario)
