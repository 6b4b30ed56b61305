"""Ports that stand still while another process takes the relay over, and go on if it fails."""

import asyncio

import pytest

from chatproto import Advice, Status
from chatproto.payloads import decode_status
from relay_server.core.audience import Outgoing
from relay_server.net.udp import COPIES_A_TURN
from services.relay_server.net.loopback import Run, address_of, udp_peer, until
from services.relay_server.net.stream_peer import say, settled
from services.relay_server.net.tcp_relay import relay
from services.relay_server.net.test_tcp import ACCEPTED, COMPLETED, request
from services.relay_server.net.udp_chat import SENDER, audience_at, hear, rooms


@pytest.mark.requirement("CON-01", "CON-02")
def test_what_was_read_is_sent_and_the_rest_stays_in_the_kernel(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as ann, udp_peer() as bob:
                headers = [chat.admit(name) for name in ("ann", "bob")]
                chat.registry.outbox.clear()
                for peer, header in zip((ann, bob), headers, strict=True):
                    peer.sendto(header, chat.where)
                await until(lambda: chat.registry.counters.accepted == 2)
                read = chat.port._sock.receive
                for number in range(5):
                    ann.sendto(headers[0] + b"%d" % number, chat.where)
                chat.port._waiting = list(read())  # as after a turn's measure
                ann.sendto(headers[0] + b"late", chat.where)
                chat.port.freeze()
                assert [await hear(bob) for _ in range(5)] == [b"ann: %d" % number for number in range(5)]
                chat.assert_books_balance(5)
                chat.registry.outbox.append(Outgoing(Advice("notice"), audience_at(address_of(bob))))
                chat.port.flush()
                for _ in range(5):
                    await asyncio.sleep(0.001)
                assert chat.registry.counters.accepted == 7
                assert chat.registry.counters.notices_sent == 0
                chat.port.start()
                assert {await hear(bob), await hear(bob)} == {b"server: notice", b"ann: late"}
                chat.assert_books_balance(6)

    run(scenario)


def test_copies_to_crowds_are_sent_before_it_stands_still(run: Run, portable: bool) -> None:
    async def scenario() -> None:
        async with rooms(portable) as chat:
            with udp_peer() as bob:
                crowd = audience_at(*[address_of(bob)] * (COPIES_A_TURN + 1))
                chat.port.forward((crowd, SENDER, b"hello"))
                chat.port.freeze()
                assert chat.registry.counters.sent + sum(chat.registry.counters.send_failures.values()) == len(
                    crowd.addresses
                )

    run(scenario)


def test_who_asks_is_told_to_try_again_and_who_comes_waits(run: Run) -> None:
    async def scenario() -> None:
        async with relay(completion_pause_seconds=0.05) as server:
            asking, granted = await server.connect(), await server.connect()
            async with asking, granted:
                await granted.send(request())
                assert await granted.frame() == ACCEPTED
                await asking.send(request("eve")[:20])
                await until(lambda: len(server.port.connections) == 2)
                server.port.pause()
                assert server.port.connections.are_under_way
                server.port.freeze()
                status, _ = decode_status((await asking.frame()).payload)
                assert (status, server.statuses[-1][1]) == (Status.BUSY, Status.BUSY)
                assert await granted.frame() == COMPLETED  # it was in before
                async with await server.connect() as late:
                    await late.send(request(operation=2))
                    for _ in range(5):
                        await asyncio.sleep(0.001)
                    assert len(server.statuses) == 2
                    server.port.resume()
                    await late.frame()
                    assert len(server.statuses) == 3

    run(scenario)


@pytest.mark.requirement("STR-08")
def test_lines_of_streams_wait(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server:
            ann = await settled(server, "ann", secure=False)
            bob = await settled(server, "bob", secure=False)
            await ann.line()  # bob came
            accepted = server.registry.stream_counters.accepted
            server.port.freeze()
            await bob.send(say("first", 1) + say("second", 2))
            for _ in range(5):
                await asyncio.sleep(0.001)
            assert server.registry.stream_counters.accepted == accepted
            server.port.resume()
            await bob.send(say("third", 3))
            assert [line["text"] for line in await ann.lines(3)] == ["first", "second", "third"]
            assert [line["took"] for line in await bob.lines(3)] == [1, 2, 3]
            server.check_books()
            server.port.streams.leave()
            await until(lambda: not server.port.streams.connections)
            ann.sock.close()
            bob.sock.close()

    run(scenario)
