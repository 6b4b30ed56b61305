"""A cluster for operators' commands: other nodes that answer, or don't, and take rooms."""

from collections.abc import Mapping

from chatproto import Server
from relay_server.core.model import Room
from relay_server.core.places import Node
from relay_server.operator.cluster import KnownNode, Question, UnansweredError


def node(name: str, *, draining: bool = False) -> Node:
    return Node(
        name, Server(f"{name}.example:9000"), f"{name}.example", udp_port=9001, link_port=9004,
        link_fingerprint="ab" * 32, started_at=1000.0, draining=draining, version="1.2.3",
    )  # fmt: skip


def known(name: str, rooms: int = 0, beat_age_seconds: float = 0.0, *, draining: bool = False) -> KnownNode:
    return KnownNode(node(name, draining=draining), rooms, beat_age_seconds)


class Neighbours:
    """The cluster that one node sees; answers are bytes by node and question."""

    def __init__(self, *others: KnownNode, answers: Mapping[tuple[str, Question], bytes] | None = None) -> None:
        self.me = known("alpha", 1)
        self.others: list[KnownNode] = list(others)
        self.carried = 0
        self.missing: dict[str, int] = {}
        self.has_left = False
        self.given: list[tuple[str, str]] = []
        self._answers = answers or {}

    async def ask(self, node: Node, question: Question) -> bytes:
        try:
            return self._answers[node.name, question]
        except KeyError:
            raise UnansweredError from None

    def leave(self) -> None:
        self.has_left = True

    def hand_over(self, room: Room, to: Node) -> None:
        self.given.append((room.name, to.name))
