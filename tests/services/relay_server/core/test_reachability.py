"""Which errors count, how many it takes, and how often a peer is asked."""

from dataclasses import dataclass
from itertools import pairwise

import pytest

from chatproto import Challenge, encode_notice
from relay_server.core.reachability import (
    CHALLENGE_SECONDS,
    FAILING_CHALLENGE_SECONDS,
    FAILING_PATIENCE_SECONDS,
    FAILING_SECONDS,
    FAILURES_TO_EVICT,
    FORGET_SECONDS,
    HEARD_SECONDS,
    MAX_CHALLENGE_SECONDS,
    SAMPLE_SECONDS,
    Challenges,
    Failures,
    SentLog,
    Watch,
)
from services.relay_server.core.rooms_case import new_nonces

LONG = b"ann: " + bytes(range(32, 127)) * 3


def test_nothing_was_sent_so_nothing_is_held() -> None:
    assert not SentLog().holds(b"anything at all")


@pytest.mark.requirement("EVI-03")
def test_a_quotation_is_known_by_its_beginning() -> None:
    log = SentLog()
    for message in (b"ann: the first", LONG, b"ann: the last"):
        log.remember(message)
    assert all(map(log.holds, (b"ann: the first", LONG, LONG[:520], LONG[:64], b"ann: the last")))
    assert log.holds(b"ann: the first" + b"bob: and more")  # what was sent together may be quoted together


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize(
    "quoted",
    [b"", b"ann: he", b"ann: hellO there", b"nn: hello there", LONG[:64] + b"another"],
)
def test_what_quotes_too_little_or_something_else_is_forged(quoted: bytes) -> None:
    log = SentLog()
    log.remember(b"ann: hello there")
    assert not log.holds(quoted)


def test_a_part_of_what_is_remembered_proves_nothing() -> None:
    log = SentLog()
    log.remember(LONG)
    assert not log.holds(LONG[:63])


def test_a_short_datagram_is_known_by_the_whole_of_it() -> None:
    log = SentLog()
    log.remember(b"hey")
    assert [log.holds(quoted) for quoted in (b"hey", b"he", b"")] == [True, False, False]


def test_only_the_latest_datagrams_are_remembered() -> None:
    log = SentLog()
    for number in range(100):
        log.remember(b"message %03d" % number)
    assert [number for number in range(100) if log.holds(b"message %03d" % number)] == list(range(68, 100))


def test_a_lively_conversation_is_remembered_in_samples() -> None:
    log = SentLog()
    for number in range(1000):
        now = number / 100
        if now >= log.due_at:
            log.sample(b"message %03d" % number, now)
    remembered = [number for number in range(1000) if log.holds(b"message %03d" % number)]
    assert len(remembered) == 32  # however much is said, the last second and a half
    assert {later - earlier for earlier, later in pairwise(remembered)} <= {5, 6}
    assert remembered[-1] >= 994
    assert SAMPLE_SECONDS == 0.05


@pytest.mark.requirement("EVI-03")
def test_three_failures_over_ten_seconds_are_enough() -> None:
    failures = Failures()
    assert (FAILURES_TO_EVICT, FAILING_SECONDS) == (3, 10.0)
    assert [failures.note(now) for now in (0.0, 5.0, 10.0)] == [False, False, True]


@pytest.mark.requirement("EVI-03")
def test_two_failures_are_not_enough_however_far_apart() -> None:
    failures = Failures()
    assert [failures.note(now) for now in (0.0, 30.0)] == [False, False]


@pytest.mark.requirement("EVI-03")
def test_many_failures_in_a_moment_are_not_enough() -> None:
    failures = Failures()
    assert not any(failures.note(number / 1000) for number in range(9999))
    assert failures.note(10.0)


def test_failures_far_apart_have_nothing_to_do_with_one_another() -> None:
    failures = Failures()
    assert not any(failures.note(number * (FORGET_SECONDS + 1)) for number in range(20))
    failures = Failures()
    assert [failures.note(number * FORGET_SECONDS) for number in range(3)] == [False, False, True]


@pytest.mark.requirement("EVI-03")
def test_who_hears_is_asked_less_and_less_often() -> None:
    challenges, asked_at, now = Challenges(), [0.0], 0.0
    challenges.remember(b"0")
    challenges.note_asked(0.0, failing=False)
    while len(asked_at) < 7:
        now += 0.5
        if challenges.due(now):
            challenges.remember(b"%d" % now)
            challenges.note_asked(now, failing=False)
            asked_at.append(now)
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses == [CHALLENGE_SECONDS, 10.0, 20.0, MAX_CHALLENGE_SECONDS, MAX_CHALLENGE_SECONDS, 40.0]


@pytest.mark.requirement("EVI-03")
def test_a_challenge_that_comes_back_brings_the_next_one_soon() -> None:
    challenges = Challenges()
    for now in (0.0, 5.0, 15.0):
        challenges.remember(b"are you there?")
        challenges.note_asked(now, failing=False)
    assert challenges.take_back(b"are you there?", 15.5)
    assert not challenges.due(15.5 + FAILING_CHALLENGE_SECONDS - 0.1)
    assert challenges.due(15.5 + FAILING_CHALLENGE_SECONDS)
    challenges.remember(b"and now?")
    challenges.note_asked(18.0, failing=True)
    assert not challenges.due(18.0 + FAILING_CHALLENGE_SECONDS - 0.1)
    assert challenges.due(18.0 + FAILING_CHALLENGE_SECONDS)
    challenges.remember(b"hello?")
    challenges.note_asked(20.0, failing=False)  # heard meanwhile: back to the long pauses
    assert not challenges.due(20.0 + CHALLENGE_SECONDS - 0.1)
    assert challenges.due(20.0 + CHALLENGE_SECONDS)


@pytest.mark.requirement("EVI-03")
def test_each_challenge_comes_back_once_and_whole() -> None:
    challenges = Challenges()
    for payload in (b"are you there? 1", b"are you there? 2"):
        challenges.remember(payload)
        challenges.note_asked(0.0, failing=False)
    quotations = (b"are you there?", b"are you there? 3", b"", b"are you there? 2 and more", b"are you there? 2")
    assert [challenges.take_back(quoted, 1.0) for quoted in quotations] == [False, False, False, True, False]
    assert challenges.take_back(b"are you there? 1", 1.0)


def test_late_errors_find_their_challenge_among_the_latest() -> None:
    challenges = Challenges()
    for number in range(20):
        challenges.remember(b"%02d" % number)
        challenges.note_asked(0.0, failing=False)
    assert [number for number in range(20) if challenges.take_back(b"%02d" % number, 1.0)] == list(range(12, 20))


@dataclass(eq=False)
class Somebody:
    """Who is asked."""

    seen_at: float = 0.0
    failures: Failures | None = None
    challenges: Challenges | None = None


class Watched:
    """Somebody who is watched, the questions, and what became of it."""

    def __init__(self) -> None:
        self.sent = SentLog()
        self.sent.remember(b"ann: hello")
        self.peer = Somebody()
        self.asked: list[bytes] = []
        self.given_up_at: list[float] = []
        self.paused = False
        self._watch: Watch[Somebody] = Watch(
            new_nonces(), self._ask, lambda _, now: self.given_up_at.append(now), self._pause, self._resume
        )

    def _ask(self, peer: Somebody, challenge: Challenge) -> None:
        assert peer.challenges
        self.asked.append(encode_notice(challenge))
        peer.challenges.remember(self.asked[-1])

    def _pause(self, _: Somebody) -> None:
        self.paused = True

    def _resume(self, _: Somebody) -> None:
        self.paused = False

    def tick(self, now: float) -> None:
        self._watch.tick(now)

    def forget(self) -> None:
        self._watch.forget(self.peer)

    def bounce(self, quoted: bytes, now: float) -> None:
        self._watch.note_undelivered(self.peer, self.sent, quoted, now)


@pytest.mark.requirement("EVI-03")
def test_who_quotes_what_all_heard_makes_the_relay_ask_and_no_more() -> None:
    watched = Watched()
    for tick in range(100, 40_000):
        watched.bounce(b"ann: hello", tick / 100)
        watched.bounce(b"ann: never said", tick / 100)
        watched.bounce(b"server: can you hear me? /here 00000000000000ff", tick / 100)
    assert watched.given_up_at == []
    assert 5 < len(watched.asked) < 15
    assert len(set(watched.asked)) == len(watched.asked)


@pytest.mark.requirement("EVI-03")
def test_challenges_that_come_back_prove_that_nobody_is_there() -> None:
    watched = Watched()
    now = HEARD_SECONDS
    while not watched.given_up_at:
        watched.bounce(b"ann: hello", now)
        watched.bounce(watched.asked[-1], now)
        now += 0.1
    assert watched.given_up_at == [pytest.approx(HEARD_SECONDS + FAILING_SECONDS, abs=FAILING_CHALLENGE_SECONDS)]
    assert len(watched.asked) <= 1 + FAILING_SECONDS / FAILING_CHALLENGE_SECONDS


@pytest.mark.requirement("EVI-03")
def test_who_failed_is_asked_again_and_again_while_errors_are_rare() -> None:
    """A system that answers with one error a second mostly does so about messages."""
    watched = Watched()
    watched.bounce(b"ann: hello", HEARD_SECONDS)
    watched.bounce(watched.asked[-1], HEARD_SECONDS)
    now, ticks = HEARD_SECONDS, 0
    while not watched.given_up_at:
        now, ticks = now + 0.5, ticks + 1
        watched.tick(now)
        if ticks % 14 == 0:
            watched.bounce(watched.asked[-1], now)
    assert watched.given_up_at == [HEARD_SECONDS + 14.0]


@pytest.mark.requirement("EVI-03")
def test_who_failed_is_left_alone_when_nothing_comes_back_any_more_or_it_was_heard_or_is_gone() -> None:
    for end in ("silence", "heard", "gone"):
        watched = Watched()
        watched.bounce(b"ann: hello", HEARD_SECONDS)
        watched.bounce(watched.asked[-1], HEARD_SECONDS)
        if end == "heard":
            watched.peer.failures = None
        elif end == "gone":
            watched.forget()
        for tick in range(600):
            watched.tick(HEARD_SECONDS + tick / 10)
        expected = 1 + FAILING_PATIENCE_SECONDS / FAILING_CHALLENGE_SECONDS if end == "silence" else 1
        assert len(watched.asked) == expected


@pytest.mark.requirement("EVI-03")
def test_who_was_heard_a_moment_ago_is_not_asked() -> None:
    watched = Watched()
    for tick in range(100):
        if tick % 10 == 0:
            watched.peer.seen_at = tick / 10
        watched.bounce(b"ann: hello", tick / 10)
    assert watched.asked == []
