"""Chats over real connections: lines in any pieces, slow readers, ends of every kind (STR-01, STR-05 to STR-07)."""

import asyncio
import socket
from contextlib import suppress

import pytest

from relay_server.core.counters import DropReason, StreamFailure
from relay_server.net import streams
from relay_server.net.streams import LINES_A_TURN, READERS_A_TURN
from relay_server.tls.server import Tls
from services.relay_server.core.policies import unlimited
from services.relay_server.net.loopback import Run, until
from services.relay_server.net.stream_peer import away, close, resumed, say, settled
from services.relay_server.net.tcp_relay import NEVER, relay


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
