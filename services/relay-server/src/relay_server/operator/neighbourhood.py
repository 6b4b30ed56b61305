"""The cluster as operators' commands see it: what the directory tells, and what nodes answer over links."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from relay_server.cluster.node import Cluster
from relay_server.core.model import Room
from relay_server.core.places import Node
from relay_server.operator.cluster import KnownNode, Question, UnansweredError

ANSWER_SECONDS: Final = 1.0
"""So long a node may take; all are asked at once."""


class Neighbourhood:
    """Implements `operator.cluster.Cluster`."""

    def __init__(
        self, cluster: Cluster, ask: Callable[[Node, str], Awaitable[bytes]], count_carried: Callable[[], int]
    ) -> None:
        """``ask`` opens a link of a kind and returns all that comes until the other end closes it, or an OSError."""
        self._cluster = cluster
        self._ask = ask
        self._count_carried = count_carried

    @property
    def me(self) -> KnownNode:
        """This node."""
        me = self._cluster.me
        return KnownNode(me, self._cluster.rooms_by_node()[me.name])

    @property
    def others(self) -> Sequence[KnownNode]:
        """The other nodes that are alive."""
        rooms = self._cluster.rooms_by_node()
        return [KnownNode(node, rooms[node.name], self._cluster.silence_of(node.name)) for node in self._cluster.nodes]

    @property
    def carried(self) -> int:
        """How many members this node carries to their rooms on other nodes."""
        return self._count_carried()

    async def ask(self, node: Node, question: Question) -> bytes:
        """Ask another node over a link."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(node, question)
        except OSError:  # a TimeoutError is one
            raise UnansweredError from None

    def leave(self) -> None:
        """Tell the other nodes that nobody is to be sent here any more."""
        self._cluster.set_draining(draining=True)

    def hand_over(self, room: Room, to: Node) -> None:
        """Begin to make another node the home of a room.

        People go on talking until the directory has written it, so the new home can't go on with the ring's numbers.
        """
        self._cluster.hand_over(room.raw_name, to, None)
