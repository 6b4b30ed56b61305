"""Nodes and the server of their directory: it is killed, it loses writes, and it is read by others (threat N17)."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from relay_server.cluster.base import AwayError
from relay_server.cluster.nats import Access, NatsDirectory
from relay_server.cluster.vault import Vault
from relay_server.core.errors import BusyError
from relay_server.core.model import Room
from relay_server.core.records import decode_record
from services.relay_server.cluster.nats_server import NatsServer
from services.relay_server.cluster.stations import SECRET, Station, come_after, is_known, town
from services.relay_server.net.loopback import until


async def until_told(station: Station, room: bytes, topic: str) -> None:
    """Wait until the directory has a room with this topic."""
    vault = Vault(SECRET)
    key = vault.room_key(room)
    while True:
        with suppress(AwayError):
            found = await station.directory.get(key)
            if found is not None and decode_record(vault.records.open(key, found.value)).topic == topic:
                return
        await asyncio.sleep(0)


def test_nodes_get_over_a_kill_of_the_directorys_server(server: NatsServer) -> None:
    async def scenario() -> None:
        async with town(lambda: NatsDirectory(Access((server.address,))), "one", "two") as (_, (one, two)):
            host = await one.create(b"room")
            await is_known(two, b"room")
            server.kill()
            await until(lambda: not one.cluster.is_connected and not two.cluster.is_connected)
            with pytest.raises(BusyError):
                await two.create(b"new")
            assert await two.find(b"room") == one.cluster.me  # it is still known
            host.room.topic = "tea"
            one.registry.change(host.room)
            server.start()
            await until(lambda: one.cluster.is_connected and two.cluster.is_connected)
            await until_told(two, b"room", "tea")
            await two.create(b"new")
            await one.die()
            adopted = await come_after(two, b"room")
            assert isinstance(adopted, Room)
            assert adopted.topic == "tea"

    asyncio.run(scenario())


def test_a_store_that_lost_acknowledged_writes_is_repaired_by_the_homes(server: NatsServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with town(lambda: NatsDirectory(Access((server.address,))), "one", "two") as (_, (one, two)):
            host = await one.create(b"room")
            await is_known(two, b"room")
            server.kill()
            await until(lambda: not one.cluster.is_connected and not two.cluster.is_connected)
            shutil.copytree(server.store, tmp_path / "old")
            server.start()
            await until(lambda: one.may_create(b"newer") and two.cluster.is_connected)
            host.room.topic = "tea"
            one.registry.change(host.room)
            await one.create(b"newer")
            await until(lambda: two.cluster.find(b"newer"))
            server.kill()
            await until(lambda: not one.cluster.is_connected and not two.cluster.is_connected)
            shutil.rmtree(server.store)
            (tmp_path / "old").rename(server.store)
            server.start()
            await until(lambda: one.cluster.is_connected and two.cluster.is_connected)
            await until_told(two, b"newer", "")
            await until_told(two, b"room", "tea")
            await one.die()
            adopted = await come_after(two, b"room")
            assert isinstance(adopted, Room)
            assert adopted.topic == "tea"
            assert isinstance(await come_after(two, b"newer"), Room)

    asyncio.run(scenario())


def test_the_store_shows_no_name_and_no_topic(server: NatsServer) -> None:
    async def scenario() -> None:
        async with town(lambda: NatsDirectory(Access((server.address,))), "one", "two") as (_, (one, two)):
            host = await one.create(b"whereabouts", host="Marguerite", password_hash="$argon2id$hash")
            host.room.topic = "rendezvous"
            one.moderation.ban(host.room, "Bartholomew", 0.0)
            await until(lambda: not one.cluster._calls)
            await is_known(two, b"whereabouts")
            await one.die()

    asyncio.run(scenario())
    server.kill()
    stored = server.stored()
    assert Vault(SECRET).room_key(b"whereabouts").encode() in stored
    for word in (
        b"whereabouts",
        b"Marguerite",
        b"marguerite",
        b"rendezvous",
        b"Bartholomew",
        b"argon2",
        b"one.example",
    ):
        assert word not in stored
