"""Links over real loopback sockets."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import pytest
import trustme

from chatbrain import Look, Presented, UnreachableError, parse_server
from chatclient.links import SocketLinks
from chatproto import Status
from chatproto.fingerprint import fingerprint_of
from libs.chatclient.tiny_relay import tiny_relay
from messenger.core.entry import Entry
from messenger.core.facts import Presence
from messenger.core.messenger import Messenger
from messenger.presentation.wording import word
from services.messenger.core.fake_relay import FakeIgnored, FakeTrust

_SECONDS = 20


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario to its end; a forgotten task, socket or future fails the test."""

    async def within_a_deadline() -> None:
        async with asyncio.timeout(_SECONDS):
            await scenario()
            while others := asyncio.all_tasks() - {asyncio.current_task()}:  # the servers' ends
                await asyncio.wait(others)

    with asyncio.Runner(debug=True) as runner:
        runner.run(within_a_deadline())
    gc.collect()


def new_links() -> SocketLinks:
    return SocketLinks(asyncio.get_running_loop())


@asynccontextmanager
async def person(
    links: SocketLinks,
) -> AsyncIterator[tuple[Messenger, Callable[[Callable[[], object]], Awaitable[None]]]]:
    """Yield a messenger, and a way to wait until something is true."""
    messenger = Messenger(
        links, FakeTrust(), FakeIgnored(), word=word, random=lambda: 0.5, clock=lambda: datetime.now().astimezone()
    )
    changed = asyncio.Event()
    messenger.on_change = changed.set

    async def until(true: Callable[[], object]) -> None:
        while not true():
            changed.clear()
            await changed.wait()

    yield messenger, until
    messenger.leave_all()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_room_from_coming_in_to_leaving(host: str) -> None:
    async def scenario() -> None:
        links = new_links()
        async with tiny_relay(host) as (relay, server), person(links) as (messenger, until):
            room = messenger.enter(Entry.read(server, "demo", "ann"))
            await until(lambda: room.presence is Presence.HERE)
            messenger.submit(room, "hi")
            await until(lambda: any("hi" in line.text for line in room.history.since(0)[2:]))
            messenger.leave(room)
            assert [(await relay.heard.get())[0] for _ in range(4)] == [b"", b"/who", b"hi", b"/leave"]

    run(scenario)


def test_the_lobby_too() -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, _), person(new_links()) as (messenger, until):
            relay.lobby = True
            lobby = messenger.enter(Entry.read(f"127.0.0.1:{relay.udp_port}", None, "ann"))
            await until(lambda: lobby.presence is Presence.HERE)

    run(scenario)


@pytest.mark.parametrize("room", ["demo", None])
def test_leaving_at_once_sends_nothing(room: str | None) -> None:
    async def scenario() -> None:
        async with tiny_relay() as (relay, server), person(new_links()) as (messenger, _):
            conversation = messenger.enter(Entry.read(server, room, "ann"))
            messenger.leave(conversation)
            assert conversation.presence is Presence.OVER
            await asyncio.sleep(0)
            assert relay.tcp_peers == []
            assert relay.heard.empty()

    run(scenario)


def test_a_refusal() -> None:
    async def scenario() -> None:
        async with (
            tiny_relay() as (relay, server),
            person(new_links()) as (messenger, until),
        ):
            relay.verdict = Status.NO_SUCH_ROOM
            room = messenger.enter(Entry.read(server, "demo", "ann"))
            await until(lambda: room.ended)
            assert room.ended
            assert room.ended.status is Status.NO_SUCH_ROOM

    run(scenario)


async def look(links: SocketLinks, server: str) -> Look:
    seen: asyncio.Future[Look] = asyncio.get_running_loop().create_future()
    links.look_at(parse_server(server, 9000), seen.set_result)
    assert not seen.done()
    return await seen


def test_a_look_at_a_certificate() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority.issue_cert("127.0.0.1")
    issued.configure_cert(context)
    first = issued.cert_chain_pems[0].bytes().decode()

    async def scenario() -> None:
        links = new_links()
        async with tiny_relay(tls=context) as (relay, server):
            shown = await look(links, server)
            assert isinstance(shown, Presented)
            assert shown.fingerprint == fingerprint_of(ssl.PEM_cert_to_DER_cert(first))
            assert shown.doubt
            assert relay.received == b""

    run(scenario)


def test_a_look_at_nobody_and_one_that_is_given_up() -> None:
    async def scenario() -> None:
        links = new_links()
        async with tiny_relay() as (relay, _):
            nobody = f"127.0.0.1:{relay.udp_port}"
            assert isinstance(await look(links, nobody), UnreachableError)
            links.look_at(parse_server(nobody, 9000), cast("Callable[[Look], None]", pytest.fail)).cancel()

    run(scenario)
