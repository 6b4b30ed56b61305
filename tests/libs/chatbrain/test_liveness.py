"""Keep-alives and doubts, told by a clock of plain floats."""

from math import inf

from chatbrain.liveness import DEAF_SECONDS, MAX_DEAF_SECONDS, Liveness


def test_nothing_is_due_before_one_speaks_or_listens() -> None:
    assert Liveness(lambda: 0.5).next_deadline() == inf


def test_the_next_keep_alive_and_the_doubt_have_times_of_their_own() -> None:
    liveness = Liveness(lambda: 0.5)
    liveness.speak(100.0)
    liveness.listen(100.0)
    assert liveness.next_deadline() == 120.0
    assert [liveness.keep_alive_is_due(now) for now in (119.9, 120.0)] == [False, True]
    assert [liveness.doubt_is_due(100.0 + DEAF_SECONDS + late) for late in (-0.1, 0.0)] == [False, True]
    liveness.trust()
    assert not liveness.doubt_is_due(1e9)
    liveness.stop()
    assert liveness.next_deadline() == inf


def test_a_quiet_place_is_doubted_half_as_often_up_to_a_bound_until_something_is_heard() -> None:
    liveness = Liveness(lambda: 0.5)
    assert [liveness.calm_down() for _ in range(5)] == [90, 180, 360, 720, MAX_DEAF_SECONDS]
    liveness.hear()
    liveness.listen(0.0)
    assert liveness.next_deadline() == DEAF_SECONDS


def test_silence_stops_both_until_the_next_word() -> None:
    liveness = Liveness(lambda: 0.5)
    liveness.fall_silent()
    liveness.listen(0.0)
    assert liveness.next_deadline() == inf
    liveness.speak(10.0)
    assert (liveness.silent, liveness.next_deadline()) == (False, 30.0)
    assert liveness.doubt_is_due(10.0 + DEAF_SECONDS)


def test_a_new_membership_begins_as_the_first_one() -> None:
    liveness = Liveness(lambda: 0.5)
    liveness.calm_down()
    liveness.fall_silent()
    liveness.begin(0.0)
    liveness.listen(0.0)
    assert liveness.next_deadline() == DEAF_SECONDS
