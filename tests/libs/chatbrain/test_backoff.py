"""Back-off: how long to wait, when to give up."""

from hypothesis import given
from hypothesis import strategies as st

from chatbrain.backoff import Backoff, RejoinPolicy


def test_delays_double_up_to_a_bound() -> None:
    backoff = Backoff(RejoinPolicy(first_delay_seconds=1.0, max_delay_seconds=8.0), lambda: 1.0)
    assert [backoff.fail(0.0) for _ in range(6)] == [1, 2, 4, 8, 8, 8]


@given(chance=st.floats(0, 1, exclude_max=True), attempts=st.integers(1, 2000))
def test_jitter_takes_away_half_at_most(chance: float, attempts: int) -> None:
    backoff = Backoff(RejoinPolicy(), lambda: chance)
    backoff.attempt = attempts
    delay = backoff.fail(0.0)
    assert delay is not None
    assert 0.5 <= delay <= 30.0


def test_it_gives_up_after_so_many_attempts() -> None:
    backoff = Backoff(RejoinPolicy(max_attempts=1), lambda: 1.0)
    assert backoff.fail(0.0) is not None
    assert backoff.fail(0.0) is None


def test_it_gives_up_after_so_long() -> None:
    backoff = Backoff(RejoinPolicy(max_elapsed_seconds=10.0), lambda: 1.0)
    assert backoff.fail(100.0) is not None
    assert backoff.fail(109.9) is not None
    assert backoff.fail(110.0) is None


def test_it_may_be_off() -> None:
    assert Backoff(RejoinPolicy(enabled=False), lambda: 1.0).fail(0.0) is None


def test_attempts_count_anew_once_a_membership_has_lasted() -> None:
    backoff = Backoff(RejoinPolicy(max_attempts=1, max_delay_seconds=30.0), lambda: 1.0)
    assert backoff.fail(0.0) is not None
    backoff.succeed(1.0)
    assert backoff.fail(30.9) is None
    backoff.succeed(40.0)
    assert backoff.fail(70.0) is not None


def test_an_attempt_is_due_once() -> None:
    backoff = Backoff(RejoinPolicy(), lambda: 1.0)
    assert not backoff.take_due(1e9)
    backoff.fail(0.0)
    assert [backoff.take_due(now) for now in (0.4, 0.5, 0.6)] == [False, True, False]
    backoff.fail(1.0)
    backoff.cancel()
    assert not backoff.take_due(1e9)


def test_with_other_servers_pauses_grow_with_the_time_that_one_is_away() -> None:
    backoff = Backoff(RejoinPolicy(), lambda: 1.0)
    backoff.has_others = True
    assert [backoff.fail(now) for now in (100.0, 100.5, 101.0, 104.0, 120.0, 400.0)] == [0.5, 0.5, 0.5, 1.0, 5.0, 16.0]
