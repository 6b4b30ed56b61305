"""Rooms all over a cluster, with members who came by any node; and what must hold of them afterwards."""

import asyncio
import random
import time
from collections import defaultdict
from typing import Final

from chatclient import RefusedError, Status, Transport
from clusters import Cluster, NodeProcess
from talkers import Talker, Talkers, aside, until

TRANSPORTS: Final = (Transport.UDP, Transport.STREAM)
AT_ONCE: Final = 50
"""So many join at the same time."""
_PAUSE_SECONDS: Final = 0.1


class Populace:
    """Rooms by the node that was their first home."""

    def __init__(self, cluster: Cluster, talkers: Talkers, chance: random.Random) -> None:
        self.cluster, self.talkers = cluster, talkers
        self._chance = chance
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.rooms: dict[str, list[str]] = defaultdict(list)
        self.hosts: dict[str, Talker] = {}

    async def settle(self, node: str, rooms: int, members: int, **options: object) -> None:
        """Create rooms at a node, and let members of each join by random nodes; every other is on a stream."""
        names = [f"{node} room {len(self.rooms[node]) + number}" for number in range(rooms)]
        self.rooms[node] += names
        await asyncio.gather(*(self._fill(room, self.cluster.nodes[node], members, options) for room in names))

    async def join_with_patience(self, room: str, name: str, server: str, seconds: float = 30) -> None:
        """Join where a relay may be busy for now, as it is while a home is out of its reach."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                await self.talkers.join(room, name, server)
            except RefusedError as refused:
                if refused.status is not Status.BUSY or time.monotonic() > deadline:
                    raise
            else:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    def members(self, *nodes: str) -> list[Talker]:
        """Return the members of all rooms that were created at these nodes."""
        return self.talkers.of(*(room for node in nodes for room in self.rooms[node]))

    async def check_one_home_each(self, seconds: float = 30) -> None:
        """Wait until as many rooms are served as there are: none is served twice."""
        count = sum(map(len, self.rooms.values()))
        found: list[dict[str, float]] = [{}]

        def is_so() -> bool:
            return sum(found[0].values()) == count

        async def look() -> None:
            while not is_so():
                found[0] = await aside(self._rooms_by_node)

        looking = asyncio.create_task(look())
        try:
            await until(is_so, seconds, lambda: f"{count} rooms, but nodes serve {found[0]}")
        finally:
            looking.cancel()

    def check_hosts(self) -> None:
        """Check that each room's host is the one who created it, and nobody else thinks to be it."""
        for room, host in self.hosts.items():
            hosts = [talker.name for talker in self.talkers.of(room) if talker.connection.host]
            assert hosts == [host.name], f"hosts of {room}: {hosts}"

    def any_node(self) -> NodeProcess:
        """Choose a living node."""
        return self._chance.choice([node for node in self.cluster.nodes.values() if node.lives])

    def _rooms_by_node(self) -> dict[str, float]:
        return {name: node.count("relay_rooms") for name, node in self.cluster.nodes.items() if node.lives}

    async def _fill(self, room: str, home: NodeProcess, members: int, options: dict[str, object]) -> None:
        async with self._turn:
            self.hosts[room] = await self.talkers.create(room, f"{room} host", home.server, **options)
        await asyncio.gather(*(self._join(room, number, options) for number in range(1, members)))

    async def _join(self, room: str, number: int, options: dict[str, object]) -> None:
        async with self._turn:
            way: dict[str, object] = {"transport": TRANSPORTS[number % 2]}
            await self.talkers.join(room, f"{room} member {number}", self.any_node().server, **(way | options))
