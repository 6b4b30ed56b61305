"""Three NATS servers as deploy/nats/three.conf has them: the directory outlives any one of them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from docs.markdown import ROOT
from ports import free_ports
from relay_server.cluster.base import AwayError
from relay_server.cluster.nats import Access, NatsDirectory
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_server import NatsServer
from services.relay_server.net.loopback import until

SHIPPED: Final = ROOT / "deploy/nats"
PASSWORD: Final = "r0123456789abcdef"


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[NatsServer]]:
    """Run three servers as they ship, but for the ports and the folders."""
    links = free_ports(3)
    routes = ", ".join(f'"nats-route://relay:{PASSWORD}@127.0.0.1:{port}"' for port in links)
    monkeypatch.setenv("NATS_RELAY_PASSWORD", PASSWORD)
    monkeypatch.setenv("NATS_ROUTES", f"[{routes}]")
    with ExitStack() as stack:
        servers = []
        for number, link in enumerate(links):
            folder = tmp_path / str(number)
            folder.mkdir()
            server = NatsServer(folder)
            replace(SHIPPED / "nats.conf", folder / "nats.conf", '"0.0.0.0:4222"', f'"{server.address}"')
            replace(SHIPPED / "three.conf", folder / "three.conf", '"0.0.0.0:6222"', f'"127.0.0.1:{link}"')
            server.config = folder / "three.conf"
            monkeypatch.setenv("NATS_SERVER_NAME", f"nats-{number}")
            monkeypatch.setenv("NATS_STORE_DIR", str(server.store))
            server.start()
            stack.callback(server.kill)
            servers.append(server)
        yield servers


def replace(shipped: Path, here: Path, old: str, new: str) -> None:
    text = shipped.read_text()
    assert text.count(old) == 1
    here.write_text(text.replace(old, new))


@asynccontextmanager
async def directory(servers: list[NatsServer], name: str) -> AsyncIterator[tuple[NatsDirectory, Hearing]]:
    addresses = tuple(server.address for server in servers)
    opened, heard = NatsDirectory(Access(addresses, user="relay", password=PASSWORD)), Hearing()
    await opened.start(name, heard)
    try:
        yield opened, heard
    finally:
        await opened.close()


async def put_somehow(opened: NatsDirectory, key: str, value: bytes, revision: int) -> int:
    """Write, as soon as the two that are left agree who leads them."""
    while True:
        with suppress(AwayError):
            return await opened.put(key, value, revision)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_what_was_written_is_there_when_any_one_of_them_is_killed(three: list[NatsServer], victim: int) -> None:
    async def scenario() -> None:
        async with directory(three, "one") as (opened, heard):
            await until(lambda: heard.caught_up)
            revision = await opened.create("room.a", b"1")
            three[victim].kill()
            shutil.rmtree(three[victim].store)
            await until(lambda: opened.is_connected)
            await put_somehow(opened, "room.a", b"2", revision)
            assert heard.away <= 1  # it doesn't come and go while they choose who leads
        others = [server for server in three if server is not three[victim]]
        async with directory(others, "two") as (_, heard):
            await until(lambda: heard.values == {"room.a": b"2"})

    asyncio.run(scenario())


def test_one_that_is_left_alone_writes_nothing(three: list[NatsServer]) -> None:
    async def scenario() -> None:
        async with directory(three, "one") as (opened, heard):
            await until(lambda: heard.caught_up)
            revision = await opened.create("room.a", b"1")
            three[0].kill()
            three[1].kill()
            with pytest.raises(AwayError):
                await opened.put("room.a", b"2", revision)

    asyncio.run(scenario())
