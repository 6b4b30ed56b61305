"""How chats over real connections end, for one side or both (STR-01, STR-05, STR-06, RES-02)."""

import socket
from contextlib import suppress

import pytest

from relay_server.net.streams import LINES_A_TURN
from relay_server.tls.server import Tls
from services.relay_server.core.policies import unlimited
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.stream_peer import away, close, enter, names, request, resumed, say, settled
from services.relay_server.net.tcp_relay import relay


@pytest.mark.requirement("STR-03")
def test_after_the_last_word_nothing_is_read_and_nothing_resets_it(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            await ann.line()
            await bob.send(say("before", 1) + b"nonsense\n" + say("after", 2) * 2000)
            with suppress(OSError):
                for _ in range(20):
                    await bob.send(say("later", 3) * 500)
            took, bye = await bob.rest()
            assert ("took" in took, bye["bye"]) == (True, "malformed")
            assert not bob.is_cut
            assert (await ann.line())["text"] == "before"
            assert server.registry.stream_counters.received == 1
            close(ann, bob)
            server.check_books()

    run(scenario)


@pytest.mark.requirement("STR-06")
@pytest.mark.parametrize("how", ["closed", "half-closed", "reset"])
def test_a_connection_that_breaks_leaves_its_seat_waiting(run: Run, tls: Tls, secure: bool, how: str) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            await ann.line()
            if how == "closed":
                bob.sock.close()
            elif how == "half-closed":
                bob.sock.shutdown(socket.SHUT_WR)
                assert await bob.rest() == []
                bob.sock.close()
            else:
                bob.client.reset()
            await until(lambda: away(server) == 1)
            assert names(server) == ["ann", "bob"]
            await ann.say("hello", 1)
            assert "took" in await ann.line()
            again = await resumed(server, bob, secure=secure)
            assert ((await again.line())["text"], await again.line(), away(server)) == ("hello", {"pong": 9}, 0)
            server.check_books()
            close(ann, again)

    run(scenario)


@pytest.mark.slow
@pytest.mark.requirement("STR-01", "STR-02")
@pytest.mark.parametrize(("count", "rate"), [(LINES_A_TURN + 1, 0), (5, 0.001)], ids=["many", "too many"])
def test_all_that_comes_before_an_end_counts(run: Run, tls: Tls, secure: bool, count: int, rate: float) -> None:
    async def scenario() -> None:
        async with relay(unlimited(message_rate=rate, message_burst=3), tls=tls) as server:
            ann, bob = [await settled(server, name, secure=secure) for name in ("ann", "bob")]
            await bob.send(b"".join(map(say, map(str, range(count)))) + b'{"leave":true}\n', ends=True)
            await until(lambda: names(server) == ["ann"])
            assert server.registry.stream_counters.received == count
            close(ann, bob)

    run(scenario)


@pytest.mark.requirement("STR-05", "STR-06", "TCP-09", "RES-02")
@pytest.mark.parametrize("attempt", ["", "0123456789abcdef"])
def test_a_connection_that_breaks_before_its_first_line_is_a_lost_join(
    run: Run, tls: Tls, secure: bool, attempt: str
) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await enter(server, "bob", secure=secure, attempt=attempt)
            bob.sock.close()
            await until(lambda: len(server.port.streams.connections) == 1)
            assert names(server) == (["ann", "bob"] if attempt else ["ann"])
            assert away(server) == 0
            close(ann)

    run(scenario)


@pytest.mark.requirement("RES-02", "STR-05")
def test_an_attempt_again_takes_the_chat_over(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            first = await enter(server, "bob", secure=secure, attempt="0123456789abcdef")
            second = await enter(server, "bob", secure=secure, attempt="0123456789abcdef")
            assert second.completion == first.completion
            assert [line["bye"] for line in await first.rest()] == ["resumed_elsewhere"]
            await ann.say("hello")
            assert (await second.line())["text"] == "hello"
            first.sock.close()
            await until(lambda: len(server.port.streams.connections) == 2)
            assert names(server) == ["ann", "bob"]
            close(ann, second)

    run(scenario)


@pytest.mark.requirement("STR-01", "TCP-09")
def test_who_ends_its_side_with_its_request_has_no_stream(run: Run) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            await client.send(request("ann", create=True, password="secret"))  # which takes a while
            client.sock.shutdown(socket.SHUT_WR)
            assert [(await client.frame()).state for _ in range(2)] == [1, 2]
            assert await client.at_end()
            await until(lambda: not server.registry.rooms)
            assert server.registry.streams.total == 0

    run(scenario)


@pytest.mark.needs("interpreted")
@pytest.mark.requirement("STR-01")
def test_who_is_put_out_before_its_stream_begins_is_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with relay() as server, await server.connect() as client:
            monkeypatch.setattr(server.registry.streams, "connect", lambda *_: None)
            await client.send(request("ann", create=True))
            assert [(await client.frame()).state for _ in range(2)] == [1, 2]
            assert await client.at_end()

    run(scenario)
