"""The commands about all nodes of a cluster, and what a node answers to another one's operator."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from relay_server.core.places import Node
from relay_server.core.registry import Registry
from relay_server.operator.cluster import Cluster, KnownNode, Question, UnansweredError
from relay_server.operator.commands import Arguments, Inquiry, Operators, Row, check_is_node

ROWS_A_PIECE: Final = 200
"""So many take 1 to 2 ms."""


class NodeAnswers:
    """What this node answers to others; an answer is a line of JSON for each row, and null at its end."""

    def __init__(self, registry: Registry, operators: Operators, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._operators = operators
        self._clock = clock
        self._began_at = clock()

    def answer(self, question: Question) -> Iterator[bytes]:
        """Return the answer, some rows at a time."""
        rows = self.rooms() if question is Question.ROOMS else iter([self.state()])
        while batch := list(islice(rows, ROWS_A_PIECE)):
            yield b"".join(json.dumps(row).encode() + b"\n" for row in batch)
        yield b"null\n"

    def state(self) -> Row:
        """Tell how this node is."""
        return {
            "members": self._registry.admission.members.total,
            "up_seconds": round(self._clock() - self._began_at, 3),
            "draining": self._operators.draining,
        }

    def rooms(self) -> Iterator[Row]:
        """Tell of this node's rooms."""
        return self._operators.list_rooms()


class NodeCommands:
    """Carries out the commands about all nodes."""

    def __init__(self, cluster: Cluster | None, answers: NodeAnswers) -> None:
        """``cluster`` is None for a relay that is alone."""
        self._cluster = cluster
        self._answers = answers
        self.commands: Mapping[str, Inquiry] = {
            "nodes": Inquiry(Arguments, self._nodes),
            "all_rooms": Inquiry(Arguments, self._all_rooms),
        }

    async def _nodes(self, _: Arguments) -> Iterable[Row]:
        cluster = check_is_node(self._cluster)
        others = await _ask_others(cluster, Question.STATE)
        mine = _describe_node(cluster.me, self._answers.state(), this=True)
        found = [_describe_node(known, rows[0] if rows else None) for known, rows in others]
        return [mine, *found, *(_describe_missing(*missing) for missing in sorted(cluster.missing.items()))]

    async def _all_rooms(self, _: Arguments) -> Iterable[Row]:
        """List the rooms of all nodes; for one that doesn't answer there is one row, without a room."""
        cluster = check_is_node(self._cluster)
        others = await _ask_others(cluster, Question.ROOMS)
        named = [(known.node.name, rows) for known, rows in others]
        missing = [(name, None) for name in sorted(cluster.missing)]
        return (
            {"node": name, **row}
            for name, rows in [(cluster.me.node.name, self._answers.rooms()), *named, *missing]
            for row in ([{"room": None}] if rows is None else rows)
        )


async def _ask_others(cluster: Cluster, question: Question) -> list[tuple[KnownNode, list[Row] | None]]:
    """Ask all other nodes at once; None for each that gives no whole answer."""
    others = sorted(cluster.others, key=lambda known: known.node.name)
    answers = await asyncio.gather(*(_ask(cluster, known.node, question) for known in others))
    return list(zip(others, answers, strict=True))


async def _ask(cluster: Cluster, node: Node, question: Question) -> list[Row] | None:
    try:
        return await asyncio.to_thread(read_answer, await cluster.ask(node, question))
    except UnansweredError:
        return None


def read_answer(answer: bytes) -> list[Row]:
    """Read what a node answered.

    Raises:
        UnansweredError: it isn't whole.

    """
    try:
        *rows, end = [json.loads(line) for line in answer.splitlines()]
    except ValueError:
        raise UnansweredError from None
    if end is not None or not all(isinstance(row, dict) for row in rows):
        raise UnansweredError
    return rows


def _describe_node(known: KnownNode, state: Row | None, *, this: bool = False) -> Row:
    told = state or {}
    return {
        "node": known.node.name,
        "address": known.node.server.address,
        "rooms": known.rooms,
        "members": told.get("members"),
        "beat_age_seconds": round(known.beat_age_seconds, 3),
        "up_seconds": told.get("up_seconds"),
        "version": known.node.version or None,
        "draining": bool(told.get("draining", known.node.draining)),
        "this": this,
        "answers": state is not None,
    }


def _describe_missing(name: str, rooms: int) -> Row:
    """Describe a node of which nothing but records is left."""
    unknown = dict.fromkeys(("address", "members", "beat_age_seconds", "up_seconds", "version"))
    return {"node": name, "rooms": rooms, **unknown, "draining": False, "this": False, "answers": False}
