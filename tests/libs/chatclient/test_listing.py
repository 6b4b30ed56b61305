"""Asking relays for their rooms over real loopback sockets (LIST-01)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from chatclient import (
    ListedRoom,
    RefusedError,
    Status,
    UnreachableError,
    list_rooms,
    parse_server,
)
from chatclient.links import SocketLinks
from chatproto import ListTransaction
from libs.chatclient.tiny_relay import babbler, tiny_relay

pytestmark = pytest.mark.requirement("LIST-01")

Run = Callable[[Callable[[], Awaitable[None]]], None]
ROOMS = (ListedRoom("tea", 3, topic="at four"),)


def test_a_bot_is_told_the_rooms(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            assert await list_rooms(server=server) == ROOMS
            assert relay.received == ListTransaction().request

    run(scenario)


def test_a_long_list_comes_whole(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            rooms = ",".join(f'{{"name":"r{number}","members":1,"topic":"{"x" * 500}"}}' for number in range(200))
            relay.rooms = f'{{"rooms":[{rooms}]}}'.encode()
            assert len(await list_rooms(server=server)) == 200

    run(scenario)


def test_a_relay_that_lists_no_rooms_refuses(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server):
            relay.verdict = Status.NOT_SUPPORTED
            with pytest.raises(RefusedError) as caught:
                await list_rooms(server=server)
            assert caught.value.status is Status.NOT_SUPPORTED

    run(scenario)


def test_who_is_no_relay_is_unreachable(run: Run) -> None:
    async def scenario() -> None:
        async with babbler(b"SSH-2.0-OpenSSH_9.2\r\n") as server:
            with pytest.raises(UnreachableError):
                await list_rooms(server=server)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(UnreachableError):
                await list_rooms(server=f"127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(ValueError, match="no relay address"):
            await list_rooms(server="a b")

    run(scenario)


def test_whoever_lives_in_a_loop_is_called_back_once_or_not_at_all(run: Run) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (_, server):
            links = SocketLinks(asyncio.get_running_loop())
            given_up: list[object] = []
            links.list_rooms(parse_server(server, 9000), None, given_up.append).cancel()
            answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            query = links.list_rooms(parse_server(server, 9000), None, answered.set_result)
            assert await answered == ROOMS
            query.cancel()
            assert not given_up

    run(scenario)
