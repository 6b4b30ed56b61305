"""Nodes of one process: each with the rooms of a relay, a directory of its own, and links that are calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from typing import Any, Final

from chatproto import ProtocolError, Server
from relay_server.cluster.base import Directory
from relay_server.cluster.node import Clocks, Cluster
from relay_server.cluster.vault import Vault
from relay_server.core.address import parse_ip
from relay_server.core.counters import AdoptionOutcome, ClusterCounters
from relay_server.core.errors import BusyError
from relay_server.core.home_actions import CloseRoom
from relay_server.core.model import Member, Room
from relay_server.core.moderation import Moderation
from relay_server.core.places import NewRoom, Node, Told
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.records import RoomRecord
from relay_server.core.registry import Registry
from relay_server.net.address import locate, make_address
from relay_server.node_parts import Household
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import until

SECRET: Final = "a secret of the cluster, for tests"
IP: Final = parse_ip("192.0.2.1")


class Station:
    """A node, and what its relay would do."""

    def __init__(
        self, name: str, directory: Directory, town: "Town", secret: str = SECRET,
        *, started_at: float = 0.0, next_beat: int = 1, registry: Registry | None = None,
    ) -> None:  # fmt: skip
        """With a ``registry`` it takes over from another process, for ``next_beat`` see `Cluster`."""
        self.town = town
        self.directory = directory
        self.counters = ClusterCounters()
        self.registry = registry or Registry(unlimited(), lambda _: None, new_nonces(), locate)
        self.moderation = Moderation(self.registry)
        self.is_hung = False
        self.moved: list[CloseRoom] = []
        self._loop = asyncio.get_running_loop()
        reclaiming = Reclaiming(self.registry, unlimited(), make_address)
        self._household = Household(self.registry, reclaiming, self._loop.time, flush=lambda: None)
        self._tokens = count(1)
        port = 9000 + next(town.ports)
        node = Node(
            name,
            Server(f"{name}.example:{port}"),
            f"{name}.example",
            port + 1,
            port + 2,
            "ab" * 32,
            started_at or time.time(),
        )
        self.cluster = Cluster(
            node, directory, Vault(secret), self,
            probe=town.probe, resume_seconds=120, counters=self.counters, clocks=Clocks(self._loop.time),
            next_beat=next_beat,
        )  # fmt: skip
        self.registry.on_change, self.registry.on_close = self.cluster.changed, self.cluster.closed
        self._task = self._loop.create_task(self.cluster.run())

    @property
    def name(self) -> str:
        return self.cluster.me.name

    @property
    def adopted(self) -> int:
        return self.counters.adoptions[AdoptionOutcome.ADOPTED]

    def open_room(self, record: RoomRecord, seats: int) -> None:
        self._household.open_room(record, seats)

    def close_room(self, action: CloseRoom) -> None:
        self.moved.append(action)
        self._household.close_room(action)

    def forget_room(self, room: bytes) -> None:
        self._household.forget_room(room)

    def may_create(self, room: bytes) -> bool:
        """Tell whether a room could be created: the directory is reached, and the node has taken note of that."""
        with suppress(ProtocolError):
            self.cluster.check_new(room)
            return True
        return False

    async def create(self, room: bytes, host: str = "Ann", password_hash: str | None = None) -> Member:
        """Create a room as control does."""
        self.cluster.check_new(room)
        await self._ask(partial(self.cluster.claim, NewRoom(room, host, IP, sealed=False, password_hash=password_hash)))
        return self.registry.create_room(
            room, host, self._token(), IP, self._loop.time(),
            password_hash=password_hash, residence=self.cluster.residence(room),
        )  # fmt: skip

    def join(self, room: bytes, name: str, ip: bytes = IP) -> Member:
        return self.registry.join_room(room, name, self._token(), ip, self._loop.time())

    async def find(self, room: bytes, *, doubted: bool = False) -> Room | Node | None:
        """Find a room as control does: here, elsewhere or nowhere."""
        if room not in self.registry.rooms and self.cluster.find(room, doubted=doubted) is None:
            await self._ask(partial(self.cluster.look, room))
        return self.registry.rooms.get(room) or self.cluster.find(room)

    def ticket(self, member: Member) -> str:
        return self.cluster.new_ticket(member.session, encrypted=True)

    def come_back(self, ticket: str, ip: bytes = IP) -> Member:
        """Take a seat by its ticket in a room that is here."""
        seat = self.cluster.read_ticket(ticket)
        assert seat is not None
        return self.registry.returning.take_seat(
            self.registry.rooms[seat.room], seat, self._token(), ip, self._loop.time(), encrypted=True, stream=False
        ).member

    async def end(self) -> None:
        """End as a relay does that is told to."""
        self.registry.shut_down()
        await self.cluster.close()
        await self.die()

    async def die(self) -> None:
        """Go without a word."""
        self.town.stations.pop(self.name, None)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.directory.close()

    async def _ask(self, ask: Callable[[Told], None]) -> None:
        told: asyncio.Future[ProtocolError | None] = self._loop.create_future()
        ask(told.set_result)
        async with asyncio.timeout(10):
            error = await told
        if error is not None:
            raise error

    def _token(self) -> bytes:
        return next(self._tokens).to_bytes(16)


class Town:
    """All nodes, by name."""

    def __init__(self, make: Callable[[], Directory]) -> None:
        self.make = make
        self.stations: dict[str, Station] = {}
        self.ports = count(0, 10)
        self.probe: Callable[[Node, float], Coroutine[Any, Any, bool]] = self.probe_really

    def open(self, name: str, secret: str = SECRET) -> Station:
        """Start a node."""
        station = self.stations[name] = Station(name, self.make(), self, secret)
        return station

    async def settle(self) -> None:
        """Wait until every node knows the directory and all others."""
        await until(
            lambda: all(
                one.cluster.is_connected and len(one.cluster.nodes) == len(self.stations) - 1
                for one in self.stations.values()
            )
        )

    async def probe_really(self, node: Node, seconds: float) -> bool:
        station = self.stations.get(node.name)
        if station is not None and station.is_hung:
            await asyncio.sleep(seconds)
            return False
        return station is not None


@asynccontextmanager
async def town(make: Callable[[], Directory], *names: str) -> AsyncIterator[tuple[Town, list[Station]]]:
    """Have nodes that know one another."""
    made = Town(make)
    stations = [made.open(name) for name in names]
    try:
        await made.settle()
        yield made, stations
    finally:
        for station in list(made.stations.values()):
            await station.end()


async def is_known(station: Station, room: bytes) -> None:
    """Wait until a node knows where a room is."""
    await until(lambda: station.cluster.find(room))


async def come_after(station: Station, room: bytes) -> Room | Node | None:
    """Look for a room whose home died, as clients do: again if it isn't sure yet that it did."""
    while True:
        with suppress(BusyError):
            return await station.find(room, doubted=True)


async def until_written(station: Station, key: str) -> None:
    """Wait until the directory has something under a key."""
    while await station.directory.get(key) is None:  # noqa: ASYNC110 - nobody is told here
        await asyncio.sleep(0)
