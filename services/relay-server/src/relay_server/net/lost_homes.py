"""Finds out that a home is gone whose members this node carries, for nobody else would tell them (CLU-04)."""

import asyncio
from collections.abc import Callable

from relay_server.core.carried import CarriedMembers
from relay_server.core.places import Node
from relay_server.net.links import Links


class LostHomes:
    """Asks homes whose systems refuse datagrams whether they are there."""

    def __init__(self, links: Links, members: CarriedMembers, flush: Callable[[], None]) -> None:
        """``flush`` sends what waits for members."""
        self._links = links
        self._members = members
        self._flush = flush
        self._questions: dict[Node, asyncio.Task[None]] = {}

    def doubt(self, node: Node) -> None:
        """Take note that a node's system refused a datagram, which proves nothing: an ICMP error can be forged."""
        if node not in self._questions:
            self._questions[node] = asyncio.get_running_loop().create_task(self._ask(node))

    def close(self) -> None:
        """Ask nobody any more."""
        for question in list(self._questions.values()):
            question.cancel()

    async def _ask(self, node: Node) -> None:
        try:
            if not await self._links.probe(node):
                self._members.lose_home(node)
                self._flush()
        finally:
            del self._questions[node]
