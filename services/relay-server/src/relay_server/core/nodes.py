"""The other nodes of a cluster as one node knows them: who beats, who answers, who is gone (CLU-03)."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from typing import Final

from relay_server.core.home_actions import AskOverBus, BusFailure, ProbeDirectly
from relay_server.core.places import Node

DOUBT_SECONDS: Final = 1.25
"""A node that beat no longer ago lives; a beat comes every half second."""
SILENT_SECONDS: Final = 3.0
"""After so long without a beat a node may be gone, even if the directory holds its connection open."""
ANSWER_SECONDS: Final = 0.5
"""So long a probe may take."""
LATE_SECONDS: Final = 0.25
"""If the own event loop stood still for so long, an answer may have come in time all the same."""
FRESH_SECONDS: Final = 0.1
"""A node that was asked no longer ago, and answered, isn't asked again, however many come from it."""
GONE_SECONDS: Final = 2.0
"""A node that was found gone isn't asked again for so long: each of its rooms needs that verdict."""


class Verdict(Enum):
    """Whether a node lives."""

    ALIVE = auto()
    GONE = auto()
    UNSURE = auto()
    LATE = auto()
    """The own event loop was late, so that the missing answer proves nothing."""
    AWAY = auto()
    """The directory isn't reached, so nobody may be taken for dead."""


@dataclass(slots=True)
class _Known:
    heard_at: float = -inf
    """Its last sign of life."""
    info: Node | None = None
    """None if it never told of itself."""
    answered_at: float = -inf
    """When it was asked what it answered last: the answer itself may have waited here."""
    gone_at: float = -inf
    """When it was found gone; a sign of life undoes that."""
    question: AskOverBus | ProbeDirectly | None = None
    asked_at: float = -inf
    failure: BusFailure | None = None
    waiting: dict[str, None] = field(default_factory=dict)
    """The keys of the rooms for which it is asked."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of questions to a node, and for which keys they were asked."""

    node: str
    verdict: Verdict
    keys: tuple[str, ...]


class Nodes:
    """Judges whether nodes live. Of each it asks one question at a time, whoever wants to know.

    A node is gone if it isn't on the bus, or silent there for long, and doesn't answer over a link of its own either,
    although this node isn't late itself. While the directory isn't reached nobody is found gone.
    """

    def __init__(self, now: float) -> None:
        self.questions: list[AskOverBus | ProbeDirectly] = []
        """What to ask now."""
        self.connected = False
        self._connected_at = now
        self._late_at = -inf
        self._known: dict[str, _Known] = {}

    def connect(self, now: float) -> None:
        """Take note that the directory is reached: from now on beats can come."""
        self.connected, self._connected_at = True, now

    def disconnect(self) -> None:
        """Take note that no beat can come."""
        self.connected = False

    def note_late(self, now: float) -> None:
        """Take note that the own event loop stood still for a while until now."""
        self._late_at = now

    def hear(self, node: Node, now: float) -> None:
        """Take a sign of life, and what a node tells of itself."""
        known = self._of(node.name)
        known.info, known.heard_at, known.gone_at = node, now, -inf

    def know(self, nodes: Iterable[Node]) -> None:
        """Take from another process what nodes told it: where they can be probed, not that they live."""
        for node in nodes:
            self._of(node.name).info = node

    @property
    def known(self) -> list[Node]:
        """What nodes told of themselves, living or not."""
        return [known.info for known in self._known.values() if known.info is not None]

    def living(self, now: float) -> tuple[Node, ...]:
        """Return those that live, as far as is known without a question."""
        found = (self.find(name, now) for name in self._known)
        return tuple(node for node in found if node is not None)

    def find(self, name: str, now: float, *, doubted: bool = False) -> Node | None:
        """Return a node if it lives, as far as is known without a question.

        With ``doubted`` a beat isn't enough: it must have answered just now. While the directory isn't reached all
        live that weren't found gone.
        """
        known = self._known.get(name)
        if known is None or known.info is None or known.gone_at > -inf:
            return None
        if not self.connected:
            return known.info
        quiet = now - known.answered_at >= FRESH_SECONDS if doubted else self._silence(known, now) >= DOUBT_SECONDS
        return None if quiet else known.info

    def silent_seconds(self, name: str, now: float) -> float:
        """Return for how long a node gave no sign of life, although it could."""
        return self._silence(self._of(name), now)

    def forget(self, needed: Container[str], seconds: float, now: float) -> None:
        """Forget nodes that gave no sign of life for so long and that aren't among the needed."""
        for name, known in list(self._known.items()):
            if name not in needed and known.question is None and self._silence(known, now) > seconds:
                del self._known[name]

    def judge(self, name: str, key: str, now: float) -> Verdict | None:
        """Find out whether a node lives; if that takes questions, None, and ``key`` is among the judged later."""
        if not self.connected:
            return Verdict.AWAY
        known = self._of(name)
        if known.question is not None:
            known.waiting[key] = None
            return None
        if now - known.answered_at < FRESH_SECONDS:
            return Verdict.ALIVE
        if now - known.gone_at < GONE_SECONDS:
            return Verdict.GONE
        known.waiting[key] = None
        self._ask(known, AskOverBus(name), now)
        return None

    def answer_ask(self, ask: AskOverBus, answer: Node | BusFailure, now: float) -> Judged | None:
        """Take the answer to a question over the bus; None if another question follows."""
        known = self._known[ask.node]
        if isinstance(answer, Node):
            self.hear(answer, now)
            known.answered_at = known.asked_at
            return self._conclude(ask.node, known, Verdict.ALIVE)
        known.failure = answer
        if known.info is not None:
            self._ask(known, ProbeDirectly(known.info), now)
            return None
        return self._conclude(ask.node, known, self._without_answer(known, now))

    def answer_probe(self, probe: ProbeDirectly, *, alive: bool, now: float) -> Judged:
        """Take whether a node answered over a link."""
        known = self._known[probe.node.name]
        if alive:
            known.heard_at, known.answered_at, known.gone_at = now, known.asked_at, -inf
            return self._conclude(probe.node.name, known, Verdict.ALIVE)
        if now - known.asked_at > ANSWER_SECONDS + LATE_SECONDS or self._late_at >= known.asked_at:
            return self._conclude(probe.node.name, known, Verdict.LATE)
        return self._conclude(probe.node.name, known, self._without_answer(known, now))

    def _without_answer(self, known: _Known, now: float) -> Verdict:
        """Judge a node that answers nothing; who never told of itself, and so can't be probed, must be silent too."""
        if not self.connected or known.failure is BusFailure.AWAY:
            return Verdict.AWAY
        left_the_bus = known.failure is BusFailure.GONE
        is_silent = self._silence(known, now) >= SILENT_SECONDS
        if known.heard_at > known.asked_at or not (left_the_bus or is_silent):
            return Verdict.UNSURE
        if known.info is None and not (left_the_bus and is_silent):
            return Verdict.UNSURE
        known.gone_at = now
        return Verdict.GONE

    def _conclude(self, name: str, known: _Known, verdict: Verdict) -> Judged:
        judged = Judged(name, verdict, tuple(known.waiting))
        known.waiting.clear()
        known.question = None
        return judged

    def _ask(self, known: _Known, question: AskOverBus | ProbeDirectly, now: float) -> None:
        known.question, known.asked_at = question, now
        self.questions.append(question)

    def _silence(self, known: _Known, now: float) -> float:
        return now - max(known.heard_at, self._connected_at)

    def _of(self, name: str) -> _Known:
        return self._known.setdefault(name, _Known())
