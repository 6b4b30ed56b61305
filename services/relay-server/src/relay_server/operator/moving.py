"""Move all rooms of a node to other ones, some at a time."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from relay_server.core.places import Node
from relay_server.core.registry import Registry
from relay_server.operator.cluster import Cluster, KnownNode

if TYPE_CHECKING:
    from relay_server.core.model import Room

ROOMS_AT_ONCE: Final = 32
"""So many are under way at once, for the people of each come to its new home within a moment."""
PATIENCE_SECONDS: Final = 5.0
"""A room that is still here after this is given to a node once more: the directory or that node was away."""


class Moving:
    """Hands over rooms until none is left."""

    def __init__(self, registry: Registry, cluster: Cluster) -> None:
        self._registry = registry
        self._cluster = cluster
        self._given: dict[Room, float] = {}
        """When each room that is under way was given to another node."""
        self._loads: dict[str, int] = {}
        """How many rooms each node has, with those that it was given and doesn't show yet."""

    @property
    def takers(self) -> list[Node]:
        """The nodes that may take rooms."""
        return _takers_among(self._cluster.others)

    def go_on(self, now: float) -> None:
        """Hand over the next rooms, each to the node that has the fewest; call it every half second."""
        here, others = set(self._registry.rooms.values()), self._cluster.others
        self._given = {
            room: given_at
            for room, given_at in self._given.items()
            if room in here and now - given_at < PATIENCE_SECONDS
        }
        for known in others:
            self._loads[known.node.name] = max(known.rooms, self._loads.get(known.node.name, 0))
        takers = _takers_among(others)
        for room in list(here - self._given.keys())[: ROOMS_AT_ONCE - len(self._given)] if takers else ():
            node = min(takers, key=lambda node: self._loads[node.name])
            self._loads[node.name] += 1
            self._given[room] = now
            self._cluster.hand_over(room, node)


def _takers_among(others: Iterable[KnownNode]) -> list[Node]:
    return [known.node for known in others if not known.node.draining]
