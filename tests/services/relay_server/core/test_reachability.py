"""Which errors count, and how many it takes."""

from itertools import pairwise

import pytest

from relay_server.core.reachability import (
    FAILING_SECONDS,
    FAILURES_TO_EVICT,
    FORGET_SECONDS,
    SAMPLE_SECONDS,
    Failures,
    SentLog,
)

LONG = b"ann: " + bytes(range(32, 127)) * 3


def test_nothing_was_sent_so_nothing_is_found() -> None:
    log = SentLog()
    assert (log.sequence, log.find(b"anything at all")) == (0, None)


@pytest.mark.requirement("EVI-03")
def test_a_quotation_finds_the_datagram_it_is_of() -> None:
    log = SentLog()
    for message in (b"ann: the first", LONG, b"ann: the last"):
        log.remember(message)
    assert log.sequence == 3
    assert log.find(b"ann: the first") == 1
    assert log.find(LONG) == log.find(LONG[:520]) == log.find(LONG[:64]) == 2
    assert log.find(b"ann: the last") == 3
    log.remember(b"ann: the first")
    assert log.find(b"ann: the first") == 4  # the newest of several


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize(
    "quoted",
    [b"", b"ann: he", b"ann: hellO there", b"ann: hello there, and more", b"nn: hello there", LONG[:64] + b"another"],
)
def test_what_quotes_too_little_or_something_else_is_forged(quoted: bytes) -> None:
    log = SentLog()
    log.remember(b"ann: hello there")
    assert log.find(quoted) is None


def test_a_part_of_what_is_remembered_proves_nothing() -> None:
    log = SentLog()
    log.remember(LONG)
    assert log.find(LONG[:63]) is None


def test_a_short_datagram_is_found_by_the_whole_of_it() -> None:
    log = SentLog()
    log.remember(b"hey")
    assert log.find(b"hey") == 1
    assert log.find(b"he") is None
    assert log.find(b"") is None


def test_only_the_latest_datagrams_are_remembered() -> None:
    log = SentLog()
    for number in range(100):
        log.remember(b"message %03d" % number)
    assert log.find(b"message 099") == 100
    assert log.find(b"message 068") == 69
    assert log.find(b"message 067") is None


def test_a_lively_conversation_is_remembered_in_samples() -> None:
    log = SentLog()
    for number in range(1000):
        now = number / 100
        if now >= log.due_at:
            log.sample(b"message %03d" % number, now)
    remembered = [number for number in range(1000) if log.find(b"message %03d" % number)]
    assert len(remembered) == 32  # however much is said, the last second and a half
    assert {later - earlier for earlier, later in pairwise(remembered)} <= {5, 6}
    assert remembered[-1] >= 994
    assert SAMPLE_SECONDS == 0.05


@pytest.mark.requirement("EVI-03")
def test_three_distinct_failures_over_ten_seconds_are_enough() -> None:
    failures = Failures()
    assert (FAILURES_TO_EVICT, FAILING_SECONDS) == (3, 10.0)
    assert not failures.note(1, 0.0)
    assert not failures.note(2, 5.0)
    assert failures.note(3, 10.0)


@pytest.mark.requirement("EVI-03")
def test_many_failures_in_a_moment_are_not_enough() -> None:
    failures = Failures()
    assert not any(failures.note(number, number / 1000) for number in range(1, 9999))
    assert failures.note(10_000, 10.001)


@pytest.mark.requirement("EVI-03")
def test_one_datagram_fails_once_however_often_it_is_reported() -> None:
    failures = Failures()
    assert not any(failures.note(7, float(second)) for second in range(50))
    assert not failures.note(6, 50.0)
    assert not failures.note(8, 51.0)
    assert failures.note(9, 52.0)


def test_failures_far_apart_have_nothing_to_do_with_one_another() -> None:
    failures = Failures()
    assert not any(failures.note(number, number * (FORGET_SECONDS + 1)) for number in range(1, 20))
    failures = Failures()
    assert [failures.note(number, number * FORGET_SECONDS) for number in range(1, 4)] == [False, False, True]
