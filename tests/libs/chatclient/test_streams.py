"""Chats over the connection by which one joined, on real sockets, plain and by TLS (STR-01 to STR-05)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatbrain import SendStream
from chatclient import (
    Carried,
    Connection,
    Delivery,
    DeliveryState,
    EndReason,
    Fault,
    Joined,
    Message,
    Missed,
    Recovered,
    Tls,
    Transport,
    UnreachableError,
    join_room,
)
from chatclient.names import Address
from chatclient.sockets import TcpWire
from chatproto.stream import Leave, Ping, Pong, Say, encode_entry, encode_gone, encode_heartbeat
from libs.chatclient.authority import Authority
from libs.chatclient.tiny_streams import GRANT, TinyStreams, tiny_streams

Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def messages(room: Connection, number: int) -> list[str]:
    found: list[str] = []
    async for event in room:
        if isinstance(event, Message):
            found.append(event.text)
            if len(found) == number:
                break
    return found


@pytest.mark.parametrize("secure", [True, False])
def test_the_connection_that_joined_carries_the_chat(run: Run, authority: Authority, *, secure: bool) -> None:
    async def scenario() -> None:
        context = authority.context() if secure else None
        tls = Tls(ca_file=authority.file) if secure else None
        async with tiny_streams(tls=context) as (relay, server):
            async with join_room("demo", "ann", server=server, tls=tls, transport=Transport.STREAM) as room:
                assert isinstance(await anext(room), Joined)
                assert await anext(room) == Carried(Transport.STREAM, tls=secure)
                known = room.say("hi")
                assert [await anext(room) for _ in range(2)] == [
                    Delivery(known, DeliveryState.SENDING, "hi"),
                    Delivery(known, DeliveryState.TAKEN, "hi"),
                ]
                assert await messages(room, 1) == ["hi"]
            await asyncio.gather(*filter(None, relay.serving))
        assert relay.heard == [Ping(1), Pong(7), Say("hi", 2), Leave()]

    run(scenario)


def test_by_tls_the_chat_is_a_stream_unless_one_says_otherwise(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_streams(tls=authority.context()) as (relay, server):
            tls = Tls(ca_file=authority.file)
            async with join_room("demo", "ann", server=server, tls=tls, transport=Transport.AUTO) as room:
                room.say("hi")
                assert await messages(room, 1) == ["hi"]
            async with join_room("demo", "ann", server=server, tls=tls):
                pass
            assert relay.received.count(b'"chat": "stream"') == 1

    run(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("secure", [True, False])
def test_a_stream_that_is_cut_goes_on(run: Run, authority: Authority, *, secure: bool) -> None:
    async def scenario() -> None:
        context = authority.context() if secure else None
        tls = Tls(ca_file=authority.file) if secure else None
        async with (
            tiny_streams(tls=context) as (relay, server),
            join_room("demo", "ann", server=server, tls=tls, transport=Transport.STREAM) as room,
        ):
            room.say("one")
            assert await messages(room, 1) == ["one"]
            relay.cut()
            room.say("two")
            assert await messages(room, 1) == ["two"]
            assert relay.resumed[0] == ("", 0)
            assert ("ticket 1", 2) in relay.resumed
            assert len(relay.resumed) == 2

    run(scenario)


def test_what_is_lost_is_an_event(run: Run) -> None:
    async def scenario() -> None:
        async with (
            tiny_streams() as (relay, server),
            join_room("demo", "ann", server=server, transport=Transport.STREAM) as room,
        ):
            relay.writer.write(encode_gone(1, 3) + encode_gone())
            found = [await anext(room) for _ in range(4)]
            assert found[2:] == [Missed(1, 3), Missed()]

    run(scenario)


def test_many_words_and_long_lines_pass_in_order(run: Run) -> None:
    words = [f"{number:03} " + "é" * 48 for number in range(300)]

    async def scenario() -> None:
        async with (
            tiny_streams() as (_, server),
            join_room("demo", "ann", server=server, transport=Transport.STREAM) as room,
        ):
            for word in words:
                assert room.say(word)
            assert await messages(room, len(words)) == words
            assert room.stage.name == "CHATTING"

    run(scenario)


def test_a_relay_that_grants_no_stream_hears_only_that_one_leaves_and_is_named(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_streams(TinyStreams(replace(GRANT, stream=False))) as (relay, server):
            with pytest.raises(UnreachableError) as caught:
                async with join_room("demo", "ann", server=server, transport=Transport.STREAM):
                    pass
            assert caught.value.cause.reason is EndReason.UNREACHABLE
            assert caught.value.cause.finding
            assert caught.value.cause.finding.fault is Fault.NO_STREAM
        assert relay.heard == [Leave()]

    run(scenario)


def test_who_asks_for_answers_and_reads_none_is_cut(run: Run) -> None:
    async def scenario() -> None:
        ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            opened = asyncio.Event()
            wire = TcpWire(
                asyncio.get_running_loop(), Address(socket.AF_INET, ("127.0.0.1", 0)), listener.getsockname()[1],
                opened.set, lambda _: None, ended.set_result,
            )  # fmt: skip
            wire.start()
            await opened.wait()
            pong, written = SendStream(encode_heartbeat(Pong(1))).data * 1000, 0
            while not ended.done():
                wire.write(pong)
                written += len(pong)
                assert written < 64 * 1024 * 1024
            wire.write(pong)  # into nothing
            assert len(wire._unsent) < 2 * 1024 * 1024

    run(scenario)


@pytest.mark.slow
def test_a_flood_of_pings_is_answered_and_nothing_is_lost(run: Run) -> None:
    async def scenario() -> None:
        async with (
            tiny_streams() as (relay, server),
            join_room("demo", "ann", server=server, transport=Transport.STREAM) as room,
        ):
            relay.seq = 9
            relay.writer.write(encode_heartbeat(Ping(1)) * 20_000 + encode_entry(relay.seq, "bob", "after all"))
            assert await messages(room, 1) == ["after all"]
            room.say("hi")
            assert await messages(room, 1) == ["hi"]
            assert relay.heard.count(Pong(1)) == 20_000

    run(scenario)


@pytest.mark.slow
def test_an_absence_is_told_and_ends(run: Run) -> None:
    async def scenario() -> None:
        async with (
            tiny_streams() as (relay, server),
            join_room("demo", "ann", server=server, transport=Transport.STREAM) as room,
        ):
            relay.cut()
            # A connection that held for less than some seconds is opened again after a pause, which is told.
            async for event in room:
                if isinstance(event, Recovered):
                    break
            room.say("hi")
            assert await messages(room, 1) == ["hi"]

    run(scenario)
