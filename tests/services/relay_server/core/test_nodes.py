"""Who beats, who answers, who is gone: nobody is taken for dead by one sign alone (CLU-03)."""

from typing import Any

import pytest

from relay_server.core.home_actions import AskOverBus, BusFailure, ProbeDirectly
from relay_server.core.nodes import (
    ANSWER_SECONDS,
    DOUBT_SECONDS,
    EARLY_SECONDS,
    FRESH_SECONDS,
    GONE_SECONDS,
    LATE_SECONDS,
    SILENT_SECONDS,
    Judged,
    Nodes,
    Verdict,
)
from services.relay_server.core.homes_case import OTHER, THIRD, node


class NodesCase:
    """What this node knows of others; all times are set here."""

    def __init__(self, *, heard: bool = True) -> None:
        self.now = 50.0
        self.nodes = Nodes(self.now)
        self.nodes.connect(self.now)
        if heard:
            self.nodes.hear(OTHER, self.now)

    def judge(self, key: str = "demo") -> Verdict | None:
        return self.nodes.judge("other", key, self.now)

    def question(self, kind: Any) -> Any:
        question = self.nodes.questions.pop(0)
        assert isinstance(question, kind)
        return question

    def answer_ask(self, answer: Any) -> Judged | None:
        return self.nodes.answer_ask(self.question(AskOverBus), answer, self.now)

    def answer_probe(self, *, alive: bool = False, late: bool = False) -> Verdict | None:
        """Answer a probe; without an answer the time passes that it has, and some more if this node is ``late``."""
        probe = self.question(ProbeDirectly)
        if not alive:
            self.now += probe.seconds + late * (LATE_SECONDS + 0.01)
        judged = self.nodes.answer_probe(probe, alive=alive, now=self.now)
        return judged.verdict if judged else None

    def verdict(self, failure: BusFailure) -> Verdict | None:
        """Judge a node that doesn't answer over a link either."""
        assert self.judge() is None
        self.answer_ask(failure)
        return self.answer_probe()


def test_a_node_lives_while_it_beats() -> None:
    case = NodesCase()
    assert case.nodes.find("third", case.now) is None
    case.now += DOUBT_SECONDS - 0.01
    assert case.nodes.find("other", case.now) == OTHER
    assert case.nodes.living(case.now) == (OTHER,)
    case.now += 0.01
    assert case.nodes.find("other", case.now) is None
    assert case.nodes.living(case.now) == ()
    newer = node("other", 3.0)
    case.nodes.hear(newer, case.now)
    assert case.nodes.find("other", case.now) == newer


def test_who_is_doubted_must_have_answered() -> None:
    case = NodesCase()
    assert case.nodes.find("other", case.now, doubted=True) is None
    assert case.judge() is None
    assert case.answer_ask(OTHER) == Judged("other", Verdict.ALIVE, ("demo",))
    assert case.nodes.find("other", case.now, doubted=True) == OTHER
    assert case.judge() is Verdict.ALIVE
    case.now += FRESH_SECONDS
    assert case.nodes.find("other", case.now, doubted=True) is None
    assert case.judge() is None


def test_an_answer_is_as_old_as_its_question() -> None:
    """It may have waited here: this process may have been stopped."""
    case = NodesCase()
    assert case.judge() is None
    case.now += 8.0
    case.answer_ask(OTHER)
    assert case.nodes.find("other", case.now, doubted=True) is None


def test_a_node_is_asked_once_for_all() -> None:
    case = NodesCase()
    assert case.judge("one") is None
    assert case.judge("two") is None
    assert case.judge("one") is None
    assert isinstance(case.nodes.questions[0], AskOverBus)
    judged = case.answer_ask(OTHER)
    assert judged is not None
    assert judged.keys == ("one", "two")


def test_a_node_that_left_the_bus_and_answers_no_probe_is_gone() -> None:
    case = NodesCase()
    assert case.judge() is None
    assert case.answer_ask(BusFailure.GONE) is None
    for judged in None, Judged("other", Verdict.GONE, ("demo",)):
        probe = case.question(ProbeDirectly)
        assert (probe.node, probe.seconds) == (OTHER, ANSWER_SECONDS)
        assert case.nodes.answer_probe(probe, alive=False, now=case.now) == judged
    assert case.nodes.find("other", case.now) is None
    assert case.judge() is Verdict.GONE
    case.now += GONE_SECONDS
    assert case.judge() is None
    case.answer_ask(OTHER)
    assert case.nodes.find("other", case.now) == OTHER


@pytest.mark.parametrize("early_seconds", [0.3, 0.03, 0.01])
def test_a_probe_that_fails_at_once_is_repeated(early_seconds: float) -> None:
    """It may have been under way to a process that another one replaced, which answers."""
    case = NodesCase()
    assert case.judge() is None
    case.answer_ask(BusFailure.GONE)
    probe = case.question(ProbeDirectly)
    judged = case.nodes.answer_probe(probe, alive=False, now=case.now + probe.seconds - early_seconds)
    if early_seconds < EARLY_SECONDS:
        assert judged == Judged("other", Verdict.GONE, ("demo",))
    else:
        assert judged is None
        assert case.answer_probe(alive=True) is Verdict.ALIVE


def test_a_node_that_answers_a_probe_lives_whatever_the_bus_says() -> None:
    for failure in BusFailure:
        case = NodesCase()
        case.now += SILENT_SECONDS
        assert case.judge() is None
        case.answer_ask(failure)
        assert case.answer_probe(alive=True) is Verdict.ALIVE
        assert case.nodes.find("other", case.now) == OTHER


@pytest.mark.parametrize(
    ("failure", "silent_seconds", "verdict"),
    [
        (BusFailure.GONE, 0.0, Verdict.GONE),
        (BusFailure.SILENT, DOUBT_SECONDS - 0.1, Verdict.UNSURE),
        (BusFailure.SILENT, SILENT_SECONDS, Verdict.GONE),
        (BusFailure.AWAY, SILENT_SECONDS, Verdict.AWAY),
    ],
)
def test_a_probe_without_an_answer_isnt_enough(failure: BusFailure, silent_seconds: float, verdict: Verdict) -> None:
    case = NodesCase()
    case.now += silent_seconds
    assert case.verdict(failure) is verdict


@pytest.mark.parametrize(
    ("failure", "seconds", "verdict"),
    [
        (BusFailure.GONE, SILENT_SECONDS, Verdict.GONE),
        (BusFailure.GONE, SILENT_SECONDS - 0.1, Verdict.UNSURE),
        (BusFailure.SILENT, SILENT_SECONDS, Verdict.UNSURE),
        (BusFailure.AWAY, SILENT_SECONDS, Verdict.AWAY),
    ],
)
def test_a_node_that_never_told_where_it_is_is_gone_if_it_could_have(
    failure: BusFailure, seconds: float, verdict: Verdict
) -> None:
    case = NodesCase(heard=False)
    case.now += seconds
    assert case.judge() is None
    assert case.answer_ask(failure) == Judged("other", verdict, ("demo",))


def test_who_beats_while_it_is_probed_isnt_gone() -> None:
    case = NodesCase()
    assert case.judge() is None
    case.answer_ask(BusFailure.GONE)
    case.nodes.hear(OTHER, case.now + 0.2)
    assert case.answer_probe() is Verdict.UNSURE


@pytest.mark.parametrize("silent_seconds", [DOUBT_SECONDS, 2.0, SILENT_SECONDS - ANSWER_SECONDS, SILENT_SECONDS])
def test_who_waits_for_a_silent_node_is_told_as_soon_as_it_is_gone(silent_seconds: float) -> None:
    """Nobody is sent away to come again: the bus and the link are asked at once, for as long as it takes."""
    case = NodesCase()
    case.now += silent_seconds
    asked_at = case.now
    assert case.judge() is None
    ask, probe = case.question(AskOverBus), case.question(ProbeDirectly)
    assert case.nodes.answer_ask(ask, BusFailure.SILENT, case.now + ANSWER_SECONDS) is None
    case.now += probe.seconds - 0.01  # timers are early now and then
    assert case.nodes.answer_probe(probe, alive=False, now=case.now) == Judged("other", Verdict.GONE, ("demo",))
    assert case.now - asked_at == pytest.approx(max(ANSWER_SECONDS, SILENT_SECONDS - silent_seconds), abs=0.02)


def test_a_silent_node_that_goes_on_while_one_waits_lives() -> None:
    for beats in (True, False):
        case = NodesCase()
        case.now += 2.0
        assert case.judge() is None
        case.answer_ask(BusFailure.SILENT)
        if beats:
            case.nodes.hear(OTHER, case.now + 0.6)
        assert case.answer_probe(alive=not beats) is (Verdict.UNSURE if beats else Verdict.ALIVE)


def test_of_two_questions_the_first_answer_counts() -> None:
    """The other may come when the node is asked anew, and says nothing then."""
    case = NodesCase()

    def both() -> tuple[AskOverBus, ProbeDirectly]:
        case.now += 2.0
        assert case.judge() is None
        return case.question(AskOverBus), case.question(ProbeDirectly)

    ask, late_probe = both()
    assert case.nodes.answer_ask(ask, OTHER, case.now) == Judged("other", Verdict.ALIVE, ("demo",))
    late_ask, probe = both()
    assert case.nodes.answer_probe(late_probe, alive=False, now=case.now) is None
    assert case.nodes.answer_probe(probe, alive=True, now=case.now) == Judged("other", Verdict.ALIVE, ("demo",))
    ask, probe = both()
    assert case.nodes.answer_probe(late_probe, alive=False, now=case.now) is None
    assert case.nodes.answer_ask(late_ask, BusFailure.GONE, case.now) is None
    assert case.nodes.answer_ask(ask, BusFailure.GONE, case.now) is None
    case.now += probe.seconds
    assert case.nodes.answer_probe(probe, alive=False, now=case.now) == Judged("other", Verdict.GONE, ("demo",))
    case.now += GONE_SECONDS
    ask, probe = both()
    assert case.nodes.answer_ask(late_ask, BusFailure.GONE, case.now) is None
    case.now += probe.seconds
    assert case.nodes.answer_probe(probe, alive=False, now=case.now) is None
    assert case.nodes.answer_ask(ask, BusFailure.GONE, case.now) == Judged("other", Verdict.GONE, ("demo",))


def test_no_answer_proves_nothing_if_this_node_was_late() -> None:
    """It asks once more, and says that it doesn't know if it is late again."""
    for late in (True, False):
        case = NodesCase()
        assert case.judge() is None
        case.answer_ask(BusFailure.GONE)
        case.nodes.note_late(case.now + 0.1)
        assert case.answer_probe() is None
        assert case.answer_probe(late=late) is (Verdict.LATE if late else Verdict.GONE)


def test_an_answer_that_came_before_the_second_question_counts() -> None:
    case = NodesCase()
    assert case.judge() is None
    case.answer_ask(BusFailure.GONE)
    case.now += 0.1
    case.nodes.hear(OTHER, case.now)
    assert case.answer_probe(late=True) is None
    assert case.answer_probe() is Verdict.UNSURE


def test_a_node_that_was_late_long_ago_would_have_the_answer_by_now() -> None:
    for seconds, verdict in ((ANSWER_SECONDS + 0.01, Verdict.GONE), (ANSWER_SECONDS - 0.01, None)):
        case = NodesCase()
        case.now += 2.0
        assert case.judge() is None
        case.answer_ask(BusFailure.SILENT)
        (probe,) = case.nodes.questions
        assert isinstance(probe, ProbeDirectly)
        case.nodes.note_late(case.now + probe.seconds - seconds)
        assert case.answer_probe() is verdict


def test_without_the_directory_nobody_is_taken_for_dead() -> None:
    case = NodesCase()
    assert case.judge() is None
    case.nodes.disconnect()
    case.answer_ask(BusFailure.GONE)
    assert case.answer_probe() is Verdict.AWAY
    assert case.judge() is Verdict.AWAY
    case.now += 1000.0
    assert case.nodes.find("other", case.now) == OTHER
    assert case.nodes.find("other", case.now, doubted=True) == OTHER


def test_silence_begins_when_beats_can_come() -> None:
    case = NodesCase()
    case.nodes.disconnect()
    case.now += 1000.0
    case.nodes.connect(case.now)
    assert case.nodes.silent_seconds("other", case.now) == 0.0
    assert case.nodes.silent_seconds("third", case.now + 3.0) == 3.0
    assert case.verdict(BusFailure.SILENT) is Verdict.UNSURE


def test_nodes_that_nobody_needs_are_forgotten_after_a_while() -> None:
    case = NodesCase()
    case.nodes.hear(THIRD, case.now)
    case.now += 10.0
    case.nodes.forget((), 10.0, case.now)
    assert case.verdict(BusFailure.SILENT) is Verdict.GONE  # it was still known where to probe it
    case.nodes.forget({"third"}, 9.0, case.now)
    assert case.judge() is None
    case.nodes.forget((), 0.0, case.now)
    assert case.answer_ask(BusFailure.SILENT) == Judged("other", Verdict.UNSURE, ("demo",))
    assert case.nodes.judge("third", "demo", case.now) is None
