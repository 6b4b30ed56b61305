"""Chats over real connections: lines in any pieces, slow readers, ends of every kind (STR-01, STR-05 to STR-07)."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any

import pytest

from relay_server.core.counters import DropReason, StreamFailure
from relay_server.net import streams
from relay_server.net.streams import LINES_A_TURN, READERS_A_TURN
from relay_server.tls.files import load_certificate
from relay_server.tls.server import Tls
from services.relay_server.core.policies import unlimited
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.stream_peer import ROOM, StreamPeer, enter, request, say, settled
from services.relay_server.net.tcp_relay import NEVER, Relay, relay
from services.relay_server.tls.certificates import issue


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    files = issue(tmp_path_factory.mktemp("tls"))
    return Tls(lambda: load_certificate(files, ssl.TLSVersion.TLSv1_3), join_rate=0.0)


@pytest.fixture(params=["plain", "tls"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


def away(server: Relay) -> int:
    return server.registry.streams.away


def names(server: Relay) -> list[str]:
    room = server.registry.rooms.get(ROOM)
    return [member.name for member in room.members] if room else []


def close(*peers: StreamPeer) -> None:
    for peer in peers:
        peer.sock.close()


@pytest.mark.requirement("STR-01", "STR-02", "STR-03")
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_lines_may_come_in_any_pieces_and_many_at_once(run: Run, tls: Tls, secure: bool, size: int) -> None:
    count = 3 * LINES_A_TURN + 1 if size > 7 else 5

    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            await ann.line()  # bob came
            data = b"".join(say(f"number {n}", n) for n in range(1, count + 1))
            for start in range(0, len(data), size):
                await bob.send(data[start : start + size])
                await asyncio.sleep(0)  # the relay may read the piece by itself
            assert [line["took"] for line in await bob.lines(count)] == list(range(1, count + 1))
            assert [line["text"] for line in await ann.lines(count)] == [f"number {n}" for n in range(1, count + 1)]
            server.check_books()
            close(ann, bob)

    run(scenario)


@pytest.mark.requirement("STR-01")
def test_a_line_that_is_too_long_ends_the_stream_before_its_end_comes(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            with suppress(OSError):  # the relay may be done with us before all is sent
                await ann.send(b"x" * 40_000, 16_000)
            (bye,) = await ann.rest()
            assert bye["bye"] == "malformed"
            assert not ann.is_cut
            close(ann)
            await until(lambda: away(server) == 1)

    run(scenario)


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


async def resumed(server: Relay, peer: StreamPeer, **named: Any) -> StreamPeer:
    """Take bob's seat again, having read nothing since the completion, and speak."""
    known = {"epoch": peer.completion["epoch"], "heard": peer.completion["seq"]}
    again = await enter(server, "bob", resume=peer.completion["resume"], **known, **named)
    await again.send(b'{"ping":9}\n')
    return again


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


@pytest.mark.requirement("STR-07", "STR-08")
def test_who_doesnt_read_is_cut_and_the_others_go_on(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            stalled = await settled(server, "eve", secure=secure)
            await ann.lines(2)
            await bob.line()
            counters = server.registry.stream_counters
            said = 0
            while not counters.send_failures[StreamFailure.SLOW]:
                said += 1
                await ann.say(f"{said} " + "x" * 4000)
                assert (await bob.line())["text"].startswith(f"{said} ")
                assert said < 1000
            *before, bye = await stalled.rest()
            assert (bye["bye"], len(before) < said) == ("slow", True)
            assert [line["text"].split()[0] for line in before] == [str(n) for n in range(1, len(before) + 1)]
            close(stalled)
            await until(lambda: away(server) == 1)
            server.check_books()
            close(ann, bob)

    run(scenario)


@pytest.mark.requirement("STR-07")
@pytest.mark.parametrize("how", ["slow", "half-closed"])
def test_who_reads_nothing_ever_is_gone_for_all_that(
    run: Run, monkeypatch: pytest.MonkeyPatch, tls: Tls, secure: bool, how: str
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(streams, "LINGER_SECONDS", 0.05)
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            stalled = await settled(server, "eve", secure=secure, stalls=True)
            for _ in range(250 if how == "slow" else 80):
                await ann.say("x" * 4000)
            if how == "half-closed":
                await ann.say("done", 1)
                while "took" not in await ann.line():
                    pass
                stalled.sock.shutdown(socket.SHUT_WR)
            await until(lambda: away(server) == 1)
            server.check_books()
            close(ann, stalled)

    run(scenario)


@pytest.mark.requirement("STR-05", "STR-07")
def test_a_long_replay_is_fed_as_its_reader_takes_it(run: Run, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            bob.sock.close()
            await until(lambda: away(server) == 1)
            for n in range(1, 701):
                await ann.say(f"{n} " + "x" * 1000, n)
            while (await ann.line()).get("took") != 700:
                pass
            again = await resumed(server, bob, secure=secure)
            await until(lambda: server.registry.stream_counters.replayed)
            await ann.say("701 live", 701)
            assert server.registry.stream_counters.replayed < 700  # it isn't all in memory
            lines = [line for line in await again.lines(702) if "pong" not in line]
            assert [line["text"].split()[0] for line in lines] == [str(n) for n in range(1, 702)]
            assert not server.registry.stream_counters.send_failures[StreamFailure.SLOW]
            server.check_books()
            close(ann, again)

    run(scenario)


@pytest.mark.requirement("STR-07", "LIM-01")
@pytest.mark.parametrize("pieces", ["one segment", "many"])
def test_who_says_too_much_isnt_read_for_a_moment(
    run: Run, monkeypatch: pytest.MonkeyPatch, tls: Tls, secure: bool, pieces: str
) -> None:
    burst = 5

    async def scenario() -> None:
        monkeypatch.setattr(streams, "PAUSE_SECONDS", NEVER)
        async with relay(unlimited(message_rate=0.001, message_burst=burst), tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            bob = await settled(server, "bob", secure=secure)
            data = [say("x", n) for n in range(1, 40)]
            for piece in [b"".join(data)] if pieces == "one segment" else data:
                await ann.send(piece)
            await until(lambda: server.registry.stream_counters.dropped[DropReason.MESSAGE_RATE])
            await bob.say("meanwhile")
            while (await bob.line()).get("text") != "x":
                pass
            assert server.registry.stream_counters.dropped[DropReason.MESSAGE_RATE] == 1
            assert server.registry.stream_counters.received <= burst + 1
            ann.sock.close()
            bob.sock.close()

    run(scenario)


@pytest.mark.requirement("STR-07", "LIM-01")
def test_and_then_it_is_read_on_where_it_was(run: Run, monkeypatch: pytest.MonkeyPatch, tls: Tls, secure: bool) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(streams, "PAUSE_SECONDS", 0.001)
        async with relay(unlimited(message_rate=0.001, message_burst=5), tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            await ann.send(b"".join(say("x", n) for n in range(1, 20)))
            lines = await ann.lines(19)
            assert [line.get("took", line.get("n")) for line in lines] == list(range(1, 20))
            assert ["refused" in line for line in lines] == [False] * 4 + [True] * 15  # its ping counted, too
            close(ann)

    run(scenario)


@pytest.mark.requirement("STR-03", "EVI-06")
@pytest.mark.parametrize("how", ["shut down", "closed"])
def test_a_port_that_closes_cuts_everybody(run: Run, tls: Tls, secure: bool, how: str) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=secure)
            if how == "shut down":
                server.registry.shut_down()
                assert [line["bye"] for line in await ann.rest()] == ["shutdown"]
            else:
                server.port.close()
                with suppress(ConnectionResetError):
                    assert await ann.rest() == []
            close(ann)
            await until(lambda: not server.port.streams.connections)

    run(scenario)


@pytest.mark.requirement("TCP-12", "STR-01")
@pytest.mark.parametrize("record", [4096, 300, 100])
def test_by_tls_a_line_may_come_in_some_records_and_there_may_be_any_number_of_lines(
    run: Run, tls: Tls, record: int
) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=True)
            size = min(4000, 20 * record)
            for n in range(1, 31):
                await ann.send(say("x" * size, n), record)
                assert (await ann.line())["took"] == n
            close(ann)

    run(scenario)


@pytest.mark.requirement("TCP-12", "STR-01")
def test_by_tls_records_without_end_and_without_a_line_end_the_connection(run: Run, tls: Tls) -> None:
    async def scenario() -> None:
        async with relay(tls=tls) as server:
            ann = await settled(server, "ann", secure=True)
            await ann.say("before", 1)
            assert (await ann.line())["took"] == 1
            with suppress(OSError):
                await ann.send(b"x" * 200, 1)
            with suppress(ConnectionResetError):
                assert await ann.rest() == []
            await until(lambda: away(server) == 1)
            close(ann)

    run(scenario)


@pytest.mark.requirement("STR-07")
def test_many_readers_have_their_turns_and_none_waits_twice(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(streams, "READERS_A_TURN", 2)
        async with relay() as server:
            ann = await settled(server, "ann")
            readers = [await settled(server, f"reader {number}") for number in range(9)]
            longest = 0
            for n in range(1, 51):
                await ann.say(f"{n}", n)
                await asyncio.sleep(0)
                longest = max(longest, len(server.port.streams._waiting))
            for number, reader in enumerate(readers):
                lines = await reader.lines(len(readers) - 1 - number + 50)
                assert [line["text"] for line in lines if "text" in line] == [f"{n}" for n in range(1, 51)]
            assert longest <= len(readers) + 1
            server.check_books()
            close(ann, *readers)

    assert READERS_A_TURN > 2
    run(scenario)
