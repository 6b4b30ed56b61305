"""Nodes that end, stand still, are started anew or replaced: what becomes of their rooms."""

import asyncio

from relay_server.cluster.vault import Vault
from relay_server.core.model import Room
from services.relay_server.cluster.conftest import Make
from services.relay_server.cluster.stations import SECRET, Station, is_known, town, until_written
from services.relay_server.net.loopback import DEADLINE_SECONDS, until


def test_a_node_that_is_started_anew_takes_back_its_rooms(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (place, (one, two)):
            host = await one.create(b"room")
            ticket = one.ticket(host)
            await one.die()
            again = place.open("one")
            await place.settle()
            assert isinstance(await again.find(b"room"), Room)
            assert again.come_back(ticket).name == "Ann"
            await until(lambda: two.cluster.find(b"room") == again.cluster.me)

    asyncio.run(scenario())


def test_a_node_that_ends_leaves_no_record(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            for number in range(50):
                await one.create(b"room %d" % number)
            await until(lambda: two.cluster.rooms == 50)
            await one.end()
            await until(lambda: two.cluster.rooms == 0)
            assert await two.find(b"room 7") is None

    asyncio.run(scenario())


def test_a_node_that_stands_still_answers_and_changes_nothing_until_it_goes_on(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            await one.create(b"room")
            await is_known(two, b"room")
            one.cluster.freeze()
            await two.create(b"other")
            asked = asyncio.create_task(one.find(b"nowhere"))
            one.registry.leave(next(iter(one.registry.rooms[b"room"].members)), 0.0)  # which nobody may be told of
            for _ in range(3):
                assert await two.find(b"room", doubted=True) == one.cluster.me  # it answers each question
            assert one.cluster.find(b"other") is None
            assert not asked.done()
            assert one.cluster.heritage.closing
            assert [node.name for node in one.cluster.heritage.nodes] == ["two"]
            one.cluster.thaw()
            assert await asked is None
            await until(lambda: two.cluster.rooms == 1)
            await is_known(one, b"other")
            await until(lambda: two.cluster.silence_of("one") < 0.1)  # its beats count

    asyncio.run(scenario())


def test_a_process_that_was_replaced_stays_until_the_new_one_is_heard(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (place, (one, two)):
            member = await one.create(b"room")
            await is_known(two, b"room")
            one.cluster.freeze()
            heir = Station(
                "one", make(), place, started_at=one.cluster.me.started_at, next_beat=one.cluster.successors_beat,
                registry=one.registry,
            )  # fmt: skip
            heir.cluster.take_over([member.room], one.cluster.heritage)
            assert [node.name for node in heir.cluster.heritage.nodes] == ["two"]
            await asyncio.wait_for(one.cluster.leave(), DEADLINE_SECONDS)
            await until(lambda: heir.cluster.rooms == 1)
            assert heir.cluster.homes == 1
            assert await two.find(b"room", doubted=True) == two.cluster.find(b"room")
            heir.moderation.set_topic(member, "tea")
            await until_written(heir, Vault(SECRET).room_key(b"room"))
            assert (two.adopted, one.moved, heir.moved) == (0, [], [])
            await one.die()
            place.stations["one"] = heir
            await heir.end()

    asyncio.run(scenario())
