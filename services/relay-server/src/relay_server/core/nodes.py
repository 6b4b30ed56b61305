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
"""So long a probe may take, and as much longer as the node's silence takes to prove something."""
LATE_SECONDS: Final = 0.25
"""If the own event loop stood still for so long, an answer may have come in time all the same."""
FRESH_SECONDS: Final = 0.1
"""A node that was asked no longer ago, and answered, isn't asked again, however many come from it."""
EARLY_SECONDS: Final = 0.02
"""A timer may be due by so much too early."""
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
class _Inquiry:
    """What a node is asked until it is judged."""

    ask: AskOverBus
    asked_at: float
    failure: BusFailure | None = None
    """Why it didn't answer over the bus."""
    probe: ProbeDirectly | None = None
    """The newest one."""
    probed_at: float = -inf
    probes: int = 0
    probe_failed: bool = False
    waiting: dict[str, None] = field(default_factory=dict)
    """The keys of the rooms for which it is asked."""


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
    inquiry: _Inquiry | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of questions to a node, and for which keys they were asked."""

    node: str
    verdict: Verdict
    keys: tuple[str, ...]


class Nodes:
    """Judges whether nodes live. Of each it asks once at a time, whoever wants to know.

    A node is gone if it isn't on the bus, or silent there for long, and doesn't answer over a link of its own either,
    although this node isn't late itself. While the directory isn't reached nobody is found gone. Who waits for the
    verdict isn't sent away for what a moment more would prove, as everybody would have to come once more.
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
            if name not in needed and known.inquiry is None and self._silence(known, now) > seconds:
                del self._known[name]

    def judge(self, name: str, key: str, now: float) -> Verdict | None:
        """Find out whether a node lives; if that takes questions, None, and ``key`` is among the judged later."""
        if not self.connected:
            return Verdict.AWAY
        known = self._of(name)
        if known.inquiry is not None:
            known.inquiry.waiting[key] = None
            return None
        if now - known.answered_at < FRESH_SECONDS:
            return Verdict.ALIVE
        if now - known.gone_at < GONE_SECONDS:
            return Verdict.GONE
        ask = AskOverBus(name)
        known.inquiry = _Inquiry(ask, now, waiting={key: None})
        self.questions.append(ask)
        if known.info is not None and self._silence(known, now) >= DOUBT_SECONDS:
            self._probe(known, known.inquiry, known.info, now)  # there is little hope that the bus answers
        return None

    def answer_ask(self, ask: AskOverBus, answer: Node | BusFailure, now: float) -> Judged | None:
        """Take the answer to a question over the bus; None if that judges nothing."""
        known = self._of(ask.node)
        inquiry = known.inquiry
        if inquiry is None or inquiry.ask is not ask:
            return None  # a probe was answered before
        if isinstance(answer, Node):
            self.hear(answer, now)
            known.answered_at = inquiry.asked_at
            return self._conclude(known, inquiry, Verdict.ALIVE)
        inquiry.failure = answer
        if known.info is not None and inquiry.probe is None:
            self._probe(known, inquiry, known.info, now)
        return self._conclude_without_answer(known, inquiry, now)

    def answer_probe(self, probe: ProbeDirectly, *, alive: bool, now: float) -> Judged | None:
        """Take whether a node answered over a link; None if that judges nothing."""
        known = self._of(probe.node.name)
        inquiry = known.inquiry
        if inquiry is None or inquiry.probe is not probe:
            return None  # the bus answered before
        if alive:
            known.heard_at, known.answered_at, known.gone_at = now, inquiry.probed_at, -inf
            return self._conclude(known, inquiry, Verdict.ALIVE)
        # What fails at once may have been under way to a process that another one replaced.
        failed_at_once = now - inquiry.probed_at < probe.seconds - EARLY_SECONDS
        is_late = self._is_late(inquiry.probed_at, probe.seconds, now)
        if inquiry.probes == 1 and (failed_at_once or is_late):
            self._probe(known, inquiry, probe.node, now)
            return None
        if is_late:
            return self._conclude(known, inquiry, Verdict.LATE)
        inquiry.probe_failed = True
        return self._conclude_without_answer(known, inquiry, now)

    def _is_late(self, probed_at: float, seconds: float, now: float) -> bool:
        """Tell whether an answer may be missing because the loop stood still: it needs to run for half a second."""
        stood_still = self._late_at >= probed_at and now - self._late_at < ANSWER_SECONDS
        return stood_still or now - probed_at > seconds + LATE_SECONDS

    def _conclude_without_answer(self, known: _Known, inquiry: _Inquiry, now: float) -> Judged | None:
        """Judge a node that answered nothing, unless it may still do so."""
        if inquiry.failure is None or (inquiry.probe is not None and not inquiry.probe_failed):
            return None
        return self._conclude(known, inquiry, self._without_answer(known, inquiry, now))

    def _without_answer(self, known: _Known, inquiry: _Inquiry, now: float) -> Verdict:
        """Judge a node that answers nothing; who never told of itself, and so can't be probed, must be silent too."""
        if not self.connected or inquiry.failure is BusFailure.AWAY:
            return Verdict.AWAY
        left_the_bus = inquiry.failure is BusFailure.GONE
        is_silent = self._silence(known, now) >= SILENT_SECONDS
        if known.heard_at > inquiry.asked_at or not (left_the_bus or is_silent):
            return Verdict.UNSURE
        if known.info is None and not (left_the_bus and is_silent):
            return Verdict.UNSURE
        known.gone_at = now
        return Verdict.GONE

    def _conclude(self, known: _Known, inquiry: _Inquiry, verdict: Verdict) -> Judged:
        known.inquiry = None
        return Judged(inquiry.ask.node, verdict, tuple(inquiry.waiting))

    def _probe(self, known: _Known, inquiry: _Inquiry, node: Node, now: float) -> None:
        """Ask a node over a link; if it is silent, until its silence counts, for who waits would come again by then."""
        silence = self._silence(known, now)
        rest = SILENT_SECONDS + EARLY_SECONDS - silence if silence >= DOUBT_SECONDS else 0.0
        inquiry.probe, inquiry.probed_at = ProbeDirectly(node, max(ANSWER_SECONDS, rest)), now
        inquiry.probes += 1
        self.questions.append(inquiry.probe)

    def _silence(self, known: _Known, now: float) -> float:
        return now - max(known.heard_at, self._connected_at)

    def _of(self, name: str) -> _Known:
        return self._known.setdefault(name, _Known())
