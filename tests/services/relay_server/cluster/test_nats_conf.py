"""The configuration of NATS that comes with the relay: enough for a relay, and for nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from docs.markdown import ROOT
from relay_server.cluster.base import GoneError
from relay_server.cluster.nats import Access, NatsDirectory
from relay_server.tls.self_signed import write_self_signed
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_server import NatsServer
from services.relay_server.net.loopback import until

SHIPPED: Final = (ROOT / "deploy/nats/nats.conf").read_text()
PASSWORD: Final = "r0123456789abcdef"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NatsServer]:
    """Run a server as it ships, but for the port and the folder."""
    monkeypatch.setenv("NATS_RELAY_PASSWORD", PASSWORD)
    server = NatsServer(tmp_path)
    server.config.write_text(as_here(SHIPPED, server))
    server.start()
    yield server
    server.kill()


def as_here(config: str, server: NatsServer) -> str:
    for shipped, here in (('"0.0.0.0:4222"', f'"{server.address}"'), ("$NATS_STORE_DIR", f'"{server.store}"')):
        assert config.count(shipped) == 1
        config = config.replace(shipped, here)
    return config


def access(server: NatsServer, password: str = PASSWORD) -> Access:
    return Access((server.address,), user="relay", password=password)


@asynccontextmanager
async def relays_user(server: NatsServer, refused: list[str]) -> AsyncIterator[Client]:
    """Connect as a relay does, with a client that may try anything."""

    async def note(error: Exception) -> None:
        refused.append(str(error))

    client = Client()
    await client.connect(f"nats://relay:{PASSWORD}@{server.address}", error_cb=note)
    try:
        yield client
    finally:
        await client.close()


def test_a_relay_can_do_all_that_a_directory_takes(shipped: NatsServer) -> None:
    async def scenario() -> None:
        one, two = Hearing(b"one here"), Hearing(b"two here")
        first, second = NatsDirectory(access(shipped)), NatsDirectory(access(shipped))
        await first.start("one", one)
        await until(lambda: one.caught_up)
        revision = await first.create("room.a", b"1")
        await second.start("two", two)  # one makes the bucket, another finds it
        await until(lambda: two.values == {"room.a": b"1"} and two.caught_up)
        revision = await second.put("room.a", b"2", revision)
        await until(lambda: one.values == {"room.a": b"2"})
        assert await first.get("room.b") is None
        await first.delete("room.a", revision)
        await until(lambda: two.values == {})
        await first.create("room.a", b"3")
        assert await first.ask("two", b"who?") == b"two here"
        with pytest.raises(GoneError):
            await first.ask("three", b"who?")
        await second.beat(b"beat")
        await until(lambda: one.beats == [b"beat"])
        await first.close()
        await second.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_relay_can_read_a_full_directory(shipped: NatsServer) -> None:
    """So much that the server wants to hear now and then that it is read (flow control)."""

    async def scenario() -> None:
        one, two = Hearing(), Hearing()
        first, second = NatsDirectory(access(shipped)), NatsDirectory(access(shipped))
        await first.start("one", one)
        await until(lambda: one.caught_up)
        for _ in range(20):
            keys = [f"room.{len(one.entries)}-{number}" for number in range(64)]
            await asyncio.gather(*(first.create(key, bytes(20_000)) for key in keys))
            await until(lambda: len(one.entries) % 64 == 0 and keys[-1] in one.entries)  # noqa: B023 - at once
        await second.start("two", two)
        await until(lambda: two.caught_up)
        assert two.values.keys() == one.values.keys()
        assert len(two.values) == 20 * 64
        await first.close()
        await second.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "subject",
    [
        "other",
        "relay.other",
        "relay.node.one.more",
        "$KV.other.room.a",
        "$JS.API.STREAM.DELETE.KV_relay_rooms",
        "$JS.API.STREAM.PURGE.KV_relay_rooms",
        "$JS.API.STREAM.MSG.DELETE.KV_relay_rooms",
        "$JS.API.STREAM.UPDATE.KV_relay_rooms",
        "$JS.API.STREAM.CREATE.other",
        "$JS.API.STREAM.INFO.other",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.INFO",
        "$JS.API.CONSUMER.CREATE.other",
        "$SYS.REQ.SERVER.PING",
    ],
)
def test_a_relay_can_say_nothing_else(shipped: NatsServer, subject: str) -> None:
    async def scenario() -> None:
        refused: list[str] = []
        async with relays_user(shipped, refused) as client:
            await client.publish(subject, b"{}", reply="_INBOX.x")
            await client.flush()
            await until(lambda: refused)
            assert f'permissions violation for publish to "{subject.lower()}"' in refused[0].lower()

    asyncio.run(scenario())


@pytest.mark.parametrize("subject", [">", "relay.>", "$KV.>", "$JS.>", "$SYS.>", "other"])
def test_a_relay_can_hear_nothing_else(shipped: NatsServer, subject: str) -> None:
    async def scenario() -> None:
        refused: list[str] = []
        async with relays_user(shipped, refused) as client:
            await client.subscribe(subject)
            await client.flush()
            await until(lambda: refused)
            assert "permissions violation for subscription" in refused[0].lower()

    asyncio.run(scenario())


def test_a_relay_can_ask_for_what_it_may(shipped: NatsServer) -> None:
    """The control of what is refused: the same client, and a subject that it may use."""

    async def scenario() -> None:
        refused: list[str] = []
        async with relays_user(shipped, refused) as client:
            with pytest.raises(NoRespondersError):
                await client.request("relay.node.one", b"")
            assert refused == []

    asyncio.run(scenario())


@pytest.mark.parametrize("user", ["", "relay:wrong@", "other:r0123456789abcdef@"])
def test_nobody_else_comes_in(shipped: NatsServer, user: str) -> None:
    async def scenario() -> None:
        async def ignore(_: Exception) -> None:
            pass

        client = Client()
        with pytest.raises(Error, match=r"(?i)authorization violation"):
            await client.connect(f"nats://{user}{shipped.address}", allow_reconnect=False, error_cb=ignore)
        await client.close()

    asyncio.run(scenario())


def test_a_server_without_a_password_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NATS_RELAY_PASSWORD", raising=False)
    server = NatsServer(tmp_path)
    server.config.write_text(as_here(SHIPPED, server))
    with pytest.raises(AssertionError, match="variable reference"):
        server.start()
    server.kill()


def test_tls_is_four_characters_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_RELAY_PASSWORD", PASSWORD)
    files = write_self_signed(tmp_path / "tls", ["127.0.0.1"], 1)
    server = NatsServer(tmp_path)
    before, begin, block = as_here(SHIPPED, server).partition("#tls {")
    assert block.count("#") == 3
    config = before + (begin + block).replace("#", "").replace("/etc/nats/certificate.pem", str(files.certificate))
    server.config.write_text(config.replace("/etc/nats/key.pem", str(files.key)))

    async def scenario() -> None:
        hearing = Hearing()
        by_tls = Access((server.address,), tls=True, user="relay", password=PASSWORD, ca_file=str(files.certificate))
        directory = NatsDirectory(by_tls)
        await directory.start("one", hearing)
        await until(lambda: hearing.caught_up)
        await directory.close()

    server.start()
    try:
        asyncio.run(scenario())
    finally:
        server.kill()


def test_no_port_for_monitoring_is_open(shipped: NatsServer) -> None:
    log = shipped.log.read_text()
    assert "Listening for client connections" in log
    assert "http" not in log.lower().replace("https://docs.nats.io/jetstream", "")
