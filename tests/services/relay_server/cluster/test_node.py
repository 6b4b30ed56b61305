"""Nodes on asyncio: one home for each room, whatever becomes of nodes and of their directory."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from relay_server.cluster.local import LocalDirectory, Shared
from relay_server.cluster.vault import Vault
from relay_server.core.counters import AdoptionOutcome, IgnoredRecord, Move
from relay_server.core.errors import BusyError, NoSeatError, RoomExistsError
from relay_server.core.model import Room
from relay_server.core.places import Node
from relay_server.core.records import decode_record, encode_record
from services.relay_server.cluster.conftest import Make
from services.relay_server.cluster.stations import SECRET, Station, come_after, is_known, town, until_written
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, until


def test_a_room_is_found_at_its_home(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two", "three") as (_, (one, two, three)):
            await one.create(b"room")
            for other in (two, three):
                found = await other.find(b"room")
                assert found == one.cluster.me
                with pytest.raises(RoomExistsError):
                    await other.create(b"room")
            assert await three.find(b"nowhere") is None
            await until(lambda: two.cluster.rooms == 1)
            assert (one.cluster.homes, two.cluster.homes) == (1, 0)
            one.registry.leave(next(iter(one.registry.rooms[b"room"].members)), 0.0)
            await until(lambda: two.cluster.rooms == 0)
            await two.create(b"room")

    asyncio.run(scenario())


@pytest.mark.slow
def test_100_names_with_12_creators_each_have_one_home_each(make: Make, run: Run) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two", "three") as (_, stations):
            tries = [b"room %d" % (number % 100) for number in range(1200)]
            random.Random(3).shuffle(tries)

            async def attempt(station: Station, name: bytes) -> int:
                while True:
                    try:
                        await station.create(name)
                    except RoomExistsError:
                        return 0
                    except BusyError:  # NATS may be silent for half a second: everybody tries again
                        await until(lambda: station.directory.is_connected)
                    else:
                        return 1

            assert (
                sum(await asyncio.gather(*(attempt(stations[number % 3], name) for number, name in enumerate(tries))))
                == 100
            )
            assert sum(len(station.registry.rooms) for station in stations) == 100
            for name in set(tries):
                found = [await station.find(name) for station in stations]
                (home,) = [station for station in stations if name in station.registry.rooms]
                assert [one for one in found if not isinstance(one, Room)] == [home.cluster.me] * 2

    run(scenario)


def test_who_comes_after_its_home_died_finds_all_as_it_was(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            host = await one.create(b"room", password_hash="the hash")
            room = host.room
            kicked = one.registry.seat(room, "Kim", ("kim",), bytes(16), host.ip, 0.0, stays=True, stream=False)
            guest = one.registry.seat(room, "Gus", ("gus",), bytes(15) + b"x", host.ip, 0.0, stays=True, stream=False)
            tickets = [one.ticket(member) for member in (host, guest, kicked)]
            one.moderation.kick(kicked, 0.0)
            one.moderation.ban(room, "Bob", 0.0)
            room.topic = "tea"
            one.registry.change(room)
            await until(lambda: not one.cluster._calls)  # what was done just now is written
            await one.die()
            adopted = await come_after(two, b"room")
            assert isinstance(adopted, Room)
            assert (adopted.topic, adopted.password_hash) == ("tea", "the hash")
            assert [ban.name for ban in adopted.bans] == ["Bob"]
            returned = two.come_back(tickets[1])
            assert (returned.name, adopted.host) == ("Gus", None)
            assert two.come_back(tickets[0]).name == "Ann"
            assert [member.name for member in adopted.members if member is adopted.host] == ["Ann"]
            with pytest.raises(NoSeatError):
                two.come_back(tickets[2])
            assert (two.adopted, two.cluster.homes) == (1, 1)
            newer = two.cluster.read_ticket(two.ticket(returned))
            assert newer is not None
            assert newer.turn == 1

    asyncio.run(scenario())


def test_a_thousand_who_come_at_once_make_one_adoption_each_room(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two", "three") as (_, (one, two, three)):
            names = [b"room %d" % number for number in range(20)]
            for name in names:
                await one.create(name)
            await until(lambda: two.cluster.rooms == three.cluster.rooms == 20)
            await one.die()

            async def look(station: Station, name: bytes) -> None:
                while await come_after(station, name) is None:
                    pass

            await asyncio.gather(*(look(station, name) for name in names * 25 for station in (two, three)))
            assert two.adopted + three.adopted == 20
            assert len(two.registry.rooms) + len(three.registry.rooms) == 20
            assert not two.registry.rooms.keys() & three.registry.rooms.keys()

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_home_that_answers_keeps_its_rooms_though_its_bus_is_gone() -> None:
    async def scenario() -> None:
        shared = Shared()
        async with town(lambda: LocalDirectory(shared), "one", "two") as (_, (one, two)):
            await one.create(b"room")
            assert isinstance(one.directory, LocalDirectory)
            one.directory.disconnect()
            await until(lambda: two.cluster.find(b"room") is None)  # its beats are missing
            assert await two.find(b"room") == one.cluster.me
            assert (two.adopted, two.counters.adoptions[AdoptionOutcome.ALIVE]) == (0, 1)

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_home_that_hangs_is_taken_for_gone_and_yields_when_it_goes_on() -> None:
    async def scenario() -> None:
        shared = Shared()
        async with town(lambda: LocalDirectory(shared), "one", "two") as (_, (one, two)):
            await one.create(b"room")
            assert isinstance(one.directory, LocalDirectory)
            one.directory.disconnect()
            one.is_hung = True
            assert isinstance(await two.find(b"room", doubted=True), Room)
            one.is_hung = False
            one.directory.connect()
            await until(lambda: one.moved)
            assert not one.registry.rooms
            assert (one.counters.moves[Move.YIELDED], two.adopted) == (1, 1)
            assert await one.find(b"room") == two.cluster.me

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_node_that_is_late_itself_takes_nobody_for_gone() -> None:
    async def scenario() -> None:
        shared = Shared()
        async with town(lambda: LocalDirectory(shared), "one", "two") as (place, (one, two)):
            await one.create(b"room")
            assert isinstance(one.directory, LocalDirectory)
            one.directory.disconnect()

            async def probe_while_busy(_node: Node, _seconds: float) -> bool:
                time.sleep(0.4)  # noqa: ASYNC251 - the loop is to stand still
                return False

            place.probe = probe_while_busy
            two.cluster._probe = probe_while_busy
            with pytest.raises(BusyError):
                await two.find(b"room", doubted=True)
            assert (two.adopted, two.counters.adoptions[AdoptionOutcome.LATE]) == (0, 1)

    asyncio.run(scenario())


def test_without_the_directory_homes_go_on_and_tell_it_later() -> None:
    async def scenario() -> None:
        shared = Shared()
        async with town(lambda: LocalDirectory(shared), "one", "two") as (_, (one, two)):
            host = await one.create(b"room")
            await one.create(b"ended")
            await is_known(two, b"ended")
            assert isinstance(one.directory, LocalDirectory)
            one.directory.disconnect()
            with pytest.raises(BusyError):
                one.cluster.check_new(b"new")
            with pytest.raises(BusyError):
                await one.find(b"nowhere")
            one.join(b"room", "Gus")
            host.room.topic = "tea"
            one.registry.change(host.room)
            one.registry.leave(next(iter(one.registry.rooms[b"ended"].members)), 0.0)
            one.directory.connect()
            await until(lambda: two.cluster.rooms == 1)
            await one.die()
            adopted = await come_after(two, b"room")
            assert isinstance(adopted, Room)
            assert adopted.topic == "tea"

    asyncio.run(scenario())


class Overtaken(LocalDirectory):
    """Another node takes each new room before its home has the answer: the home stood still, say."""

    async def create(self, key: str, value: bytes) -> int:
        revision = await super().create(key, value)
        records = Vault(SECRET).records
        theirs = replace(decode_record(records.open(key, value)), home="two", home_since=1.0, term=2, changes=2)
        await self.put(key, records.seal(key, encode_record(theirs)), revision)
        return revision


def test_a_new_room_that_another_node_took_at_once_isnt_made() -> None:
    async def scenario() -> None:
        shared = Shared()
        async with town(lambda: Overtaken(shared), "one", "two") as (_, (one, _two)):
            with pytest.raises(BusyError):
                await one.create(b"room")
            with pytest.raises(RoomExistsError):
                await one.create(b"room")
            assert (one.cluster.homes, one.registry.rooms) == (0, {})

    asyncio.run(scenario())


def test_a_record_that_is_lost_is_written_again(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            await one.create(b"room")
            await is_known(two, b"room")
            key = Vault(SECRET).room_key(b"room")
            found = await two.directory.get(key)
            assert found is not None
            await two.directory.delete(key, found.revision)
            await until_written(two, key)
            await is_known(two, b"room")

    asyncio.run(scenario())


def test_what_is_no_room_is_passed_over_and_rooms_are_counted_by_home(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            revision = await one.directory.create("doctor.abc", b"unsealed")
            await one.directory.delete("doctor.abc", revision)
            await one.create(b"room")
            await one.create(b"other room")
            await is_known(two, b"other room")  # which was written after it
            assert two.cluster.rooms_by_node() == {"one": 2}
            assert not any(two.counters.records_ignored.values())
            assert 0 <= two.cluster.silence_of("one") < DEADLINE_SECONDS

    asyncio.run(scenario())


def test_a_room_that_is_handed_over_is_opened_where_it_goes(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two") as (_, (one, two)):
            host = await one.create(b"room")
            ticket = one.ticket(host)
            one.cluster.hand_over(b"room", two.cluster.me, None)
            await until(lambda: one.moved and two.registry.rooms)
            assert not one.registry.rooms
            assert one.counters.moves[Move.DRAINED] == 1
            assert two.come_back(ticket) is two.registry.rooms[b"room"].host
            assert await one.find(b"room") == two.cluster.me

    asyncio.run(scenario())


def test_a_node_with_another_key_disturbs_nobody(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one") as (place, (one,)):
            await one.create(b"room")
            stranger = place.open("stranger", secret="another secret, not the cluster's")
            await until(lambda: stranger.counters.records_ignored[IgnoredRecord.SEAL])
            await stranger.create(b"own")
            await until(lambda: one.counters.records_ignored[IgnoredRecord.SEAL])
            assert (one.cluster.nodes, stranger.cluster.nodes) == ((), ())
            assert await stranger.find(b"room") is None
            await one.create(b"own")  # by other keys, so by other names

    asyncio.run(scenario())


@pytest.mark.slow
def test_servers_are_this_one_first_and_nobody_who_drains(make: Make) -> None:
    async def scenario() -> None:
        names = [f"n{number}" for number in range(10)]
        async with town(make, *names) as (_, stations):
            one, two = stations[:2]
            rooms = [b"room %d" % number for number in range(30)]
            told = [one.cluster.servers(room) for room in rooms]
            assert all(servers[0] == one.cluster.me.server and len(set(servers)) == 8 for servers in told)
            assert any(two.cluster.me.server in servers for servers in told)
            two.cluster.set_draining(draining=True)
            await until(lambda: any(node.draining for node in one.cluster.nodes))
            assert not any(two.cluster.me.server in one.cluster.servers(room) for room in rooms)

    asyncio.run(scenario())


def test_members_of_a_room_all_go_to_one_node_next_and_rooms_spread_over_the_nodes(make: Make) -> None:
    async def scenario() -> None:
        async with town(make, "one", "two", "three", "four") as (_, (one, two, *others)):
            nexts: Counter[str] = Counter()
            for room in (b"room %d" % number for number in range(90)):
                told = [server.address for server in one.cluster.servers(room)[1:]]
                by_two = [server.address for server in two.cluster.servers(room)]
                assert [each for each in told if each != by_two[0]] == [
                    each for each in by_two[1:] if each != one.cluster.me.server.address
                ]
                nexts[told[0]] += 1
            assert set(nexts) == {station.cluster.me.server.address for station in (two, *others)}
            assert min(nexts.values()) > 15

    asyncio.run(scenario())
