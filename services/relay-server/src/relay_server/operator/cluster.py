"""What operators' commands need of the cluster that a relay is part of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

from relay_server.core.model import Room
from relay_server.core.places import Node


@unique
class Question(StrEnum):
    """What a node answers to another one for an operator, over a link; the word is the link's kind."""

    STATE = "state"
    """How the node is: one row."""
    ROOMS = "rooms"
    """Its rooms: a row for each."""


class UnansweredError(Exception):
    """A node can't be reached over a link, or gives no whole answer in time."""


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node of the cluster as this one knows it."""

    node: Node
    rooms: int
    """Of which it is the home, by the directory."""
    beat_age_seconds: float = 0.0
    """How long ago its last sign of life came."""


class Cluster(Protocol):
    """The cluster, seen from this node."""

    @property
    def me(self) -> KnownNode:
        """This node."""
        ...

    @property
    def others(self) -> Sequence[KnownNode]:
        """The other nodes that are alive."""
        ...

    @property
    def missing(self) -> Mapping[str, int]:
        """How many rooms the directory still has of each node that isn't alive."""
        ...

    @property
    def carried(self) -> int:
        """How many members this node carries to their rooms on other nodes."""
        ...

    async def ask(self, node: Node, question: Question) -> bytes:
        """Ask another node over a link; returns all that it says.

        Raises:
            UnansweredError: it doesn't answer.

        """
        ...

    def leave(self) -> None:
        """Tell the other nodes that nobody is to be sent here any more."""
        ...

    def hand_over(self, room: Room, to: Node) -> None:
        """Begin to make another node the home of a room, which closes here when it is."""
        ...
