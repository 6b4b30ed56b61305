"""The asyncio side, over real loopback sockets: ways in, ways out, and nothing left behind."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from chatclient import (
    BadNameError,
    BadPasswordError,
    Connection,
    Ended,
    EndReason,
    Fault,
    Finding,
    Joined,
    Message,
    Rebound,
    Reconnecting,
    RefusedError,
    Rejoined,
    Stage,
    Status,
    UnreachableError,
    create_room,
    join_lobby,
    join_room,
)
from chatclient.names import Address
from chatproto import Disconnected, EvictionReason, HostChanged, Topic
from libs.chatclient.tiny_relay import TinyRelay, tiny_relay

Run = Callable[[Callable[[], Awaitable[None]]], None]


async def until(connection: Connection, kind: type) -> Any:
    async for event in connection:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"There was no {kind.__name__}: {connection.ended}.")


@pytest.fixture
def closed_port() -> Iterator[int]:
    # Bound but not listening: connections are refused, and nobody else can take it meanwhile.
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        yield tcp.getsockname()[1]


def test_a_bot_in_ten_lines(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            room.say("hi")
            async for message in room.messages():
                assert (message.sender, message.text) == ("echo", "hi")
                await room.leave()
            assert room.ended == Ended(EndReason.LEFT, "You left.")
            heard = [(await relay.heard.get())[0] for _ in range(3)]
            assert heard == [b"", b"hi", b"/leave"]

    run(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_datagrams_come_from_the_address_that_tcp_came_from(run: Run, host: str) -> None:
    async def scenario() -> None:
        async with tiny_relay(host) as (relay, server), create_room("demo", "ann", server=server) as room:
            assert room.host
            _, address = await relay.heard.get()
            assert address[0] == relay.tcp_peers[0][0]
            assert await anext(room) == Joined("demo", "ann", True, 100, 300.0)

    run(scenario)


@pytest.mark.slow
def test_a_name_with_several_addresses_is_tried_through(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            async with join_room("demo", "ann", server=server.replace("127.0.0.1", "localhost")) as room:
                assert room.say("hi")
                await until(room, Message)
            relay.lobby = True
            async with join_lobby("ann", server=f"localhost:{relay.udp_port}") as lobby:
                assert lobby.say("hi")
                assert (await until(lobby, Message)).sender == "echo"

    run(scenario)


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """To which addresses all names lead, now."""
    addresses: list[str] = []
    found = lambda _host, _flags: [Address(socket.AF_INET, (each, 0)) for each in addresses]  # noqa: E731
    monkeypatch.setattr("chatclient.names._look_up", found)
    return addresses


@pytest.mark.slow
def test_a_lobby_is_found_behind_an_address_where_nobody_answers(
    run: Run, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbrain.lobby.HUNT_SECONDS", 0.05)

    async def scenario() -> None:
        async with tiny_relay() as (relay, _):
            relay.lobby = True
            with socket.socket(type=socket.SOCK_DGRAM) as mute:
                mute.bind(("127.0.0.2", relay.udp_port))
                addresses[:] = ["127.0.0.2", "127.0.0.1"]
                async with join_lobby("ann", server=f"several.example:{relay.udp_port}") as lobby:
                    joined = await until(lobby, Joined)
                    assert not joined.heard
                    assert lobby.say("hi")
                    await until(lobby, Rebound)
                    assert lobby.say("hi again")
                    assert (await until(lobby, Message)).text == "hi again"

    run(scenario)


@pytest.mark.slow
def test_a_lobby_that_moves_to_another_address_is_found_by_its_name(run: Run, addresses: list[str]) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with tiny_relay() as (old, _):
            old.lobby, port = True, old.udp_port
            addresses[:] = ["127.0.0.1"]
            async with join_lobby("ann", server=f"moving.example:{port}") as lobby:
                old.transport.close()
                new, relay = await loop.create_datagram_endpoint(TinyRelay, local_addr=("127.0.0.2", port))
                relay.lobby = True
                addresses[:] = ["127.0.0.2"]
                assert lobby.say("anybody?")
                await until(lobby, Rejoined)
                assert lobby.say("hi")
                assert (await until(lobby, Message)).text == "hi"
                new.close()

    run(scenario)


def test_leaving_the_context_leaves_the_room_even_when_it_breaks(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            with pytest.raises(ZeroDivisionError):
                async with join_room("demo", "bot", server=server):
                    raise ZeroDivisionError
            heard = [(await relay.heard.get())[0] for _ in range(2)]
            assert heard == [b"", b"/leave"]

    run(scenario)


def test_a_refusal_says_why(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            for verdict in (Status.NAME_TAKEN, Status.WRONG_PASSWORD):
                relay.verdict = verdict
                with pytest.raises(RefusedError, match=verdict.message) as caught:
                    async with join_room("demo", "bot", server=server, password="a guess"):
                        pass
                assert caught.value.status is verdict

    run(scenario)


def test_a_relay_that_isnt_there_is_unreachable(run: Run, closed_port: int) -> None:
    async def scenario() -> None:
        with pytest.raises(UnreachableError, match=r"127.0.0.1:\d+ \(connection refused\)") as caught:
            async with join_room("demo", "bot", server=f"127.0.0.1:{closed_port}"):
                pass
        assert caught.value.cause == Ended.unreachable(
            f"127.0.0.1:{closed_port}", Finding(Fault.REFUSED, "connection refused")
        )
        with pytest.raises(UnreachableError, match="no lobby is at this port"):
            async with join_lobby("bot", server=f"127.0.0.1:{closed_port}"):
                pass

    run(scenario)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64 + ".invalid"])
def test_a_host_name_nobody_knows_is_unreachable(run: Run, host: str) -> None:
    async def scenario() -> None:
        with pytest.raises(UnreachableError, match="the host name isn't"):
            async with join_room("demo", "bot", server=host):
                pass
        with pytest.raises(UnreachableError, match="the host name isn't"):
            async with join_lobby("bot", server=host):
                pass

    run(scenario)


def test_a_relay_that_hangs_up_is_unreachable(run: Run) -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        with pytest.raises(UnreachableError):
            async with join_room("demo", "b", server=f"127.0.0.1:{server.sockets[0].getsockname()[1]}"):
                pass
        server.close()
        await server.wait_closed()

    run(scenario)


@pytest.mark.parametrize(("room", "name"), [("", "bot"), ("demo", ""), ("demo", "a:b"), ("demo", "x" * 256)])
def test_names_are_checked_before_anything_is_sent(run: Run, room: str, name: str) -> None:
    async def scenario() -> None:
        with pytest.raises(BadNameError):
            async with join_room(room, name):
                pass

    run(scenario)


def test_a_name_is_checked_before_anything_is_sent_to_the_lobby(run: Run) -> None:
    async def scenario() -> None:
        with pytest.raises(BadNameError):
            async with join_lobby("a:b"):
                pass

    run(scenario)


@pytest.mark.parametrize("password", ["x" * 1025, "\udc80"])
def test_passwords_are_checked_before_anything_is_sent(run: Run, password: str) -> None:
    async def scenario() -> None:
        for enter in (create_room, join_room):
            with pytest.raises(BadPasswordError):
                async with enter("demo", "bot", password=password):
                    pass

    run(scenario)


def test_joining_can_be_cancelled(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            relay.answers = False

            async def join() -> None:
                async with join_room("demo", "bot", server=server):
                    raise AssertionError("A mute relay let somebody in.")

            for turns in range(8):  # before, while and after TCP connects
                task = asyncio.create_task(join())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()

    run(scenario)


def test_what_is_heard_beyond_the_queue_is_dropped_and_counted(run: Run) -> None:
    async def scenario() -> None:
        room = Connection("bot", "demo", 3)
        for number in range(10):
            room.take(Message("ann", str(number), b"", 0.0))
        room.take(HostChanged("bot"))
        assert room.host  # which is known all the same
        ended = Ended(EndReason.EVICTED, "The host removed you.")
        for event in (Disconnected(EvictionReason.KICKED), ended):
            room.take(event)  # what concerns the membership is never dropped
        events = [event async for event in room]
        assert [event.text for event in events if isinstance(event, Message)] == ["0", "1", "2"]
        assert events[3:] == [Disconnected(EvictionReason.KICKED), ended]
        assert room.dropped_events == 8

    run(scenario)


def test_a_datagram_longer_than_any_legal_one_is_ignored(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            address = (await relay.heard.get())[1]
            relay.transport.sendto(b"x: " + b"a" * 5000, address)
            relay.transport.sendto(b"x: short", address)
            assert (await until(room, Message)).text == "short"

    run(scenario)


def test_a_relay_whose_udp_port_closes_is_joined_again_from_a_new_port(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            await relay.heard.get()
            old, loop = relay.transport, asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
            old.close()
            await asyncio.sleep(0)  # now its port is closed
            assert room.say("into the void")  # comes back as undeliverable
            assert room.say("once more")  # and must not be taken for an error of this one
            await until(room, Rebound)
            await until(room, Rejoined)
            room.say("there you are")
            assert (await until(room, Message)).text == "there you are"
            relay.transport.close()

    run(scenario)


def test_a_relay_that_goes_away_is_waited_for(run: Run) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            async with tiny_relay() as (relay, server):
                room = await stack.enter_async_context(join_room("demo", "bot", server=server))
                await relay.heard.get()
            room.keep_alive()
            assert "connection refused" in (await until(room, Reconnecting)).reason
            assert room.stage is Stage.WAITING

    run(scenario)


def test_a_local_address_that_is_gone_is_found_anew(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            driver = room._driver
            # As if the network changed: from this address nothing can be sent any more.
            local, remote = driver._way
            driver._way = local._replace(name=("192.0.2.1", 0)), remote
            driver.brain.datagram_error(driver.now)
            driver.pump()
            await until(room, Rejoined)
            room.say("here I am")
            assert (await until(room, Message)).text == "here I am"
            assert len(relay.tcp_peers) == 2

    run(scenario)


def test_many_memberships_live_in_one_process(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (_, server), AsyncExitStack() as stack:
            rooms = await asyncio.gather(
                *(stack.enter_async_context(join_room("demo", f"bot {number}", server=server)) for number in range(40))
            )
            for room in rooms:
                assert room.say(f"I am {room.name}")
            for room in rooms:
                assert (await until(room, Message)).text == f"I am {room.name}"

    run(scenario)


def test_a_silent_member_doesnt_speak_until_it_does(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            assert (await relay.heard.get())[0] == b""
            room.fall_silent()
            room.keep_alive()
            assert (await relay.heard.get())[0] == b""
            assert room.max_message_bytes == 100

    run(scenario)


def test_commands_go_out_as_they_are(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (_, server), join_room("demo", "bot", server=server) as room:
            assert room.obeys
            assert room.command("/who")
            assert (await until(room, Message)).text == "/who"

    run(scenario)


def test_who_is_made_host_knows_it(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), join_room("demo", "bot", server=server) as room:
            address = (await relay.heard.get())[1]
            for notice in (Topic("tea"), HostChanged("bot"), HostChanged("ann")):
                relay.transport.sendto(f"server: {notice}".encode(), address)
                assert await until(room, type(notice)) == notice
                assert room.host == (notice == HostChanged("bot"))

    run(scenario)
