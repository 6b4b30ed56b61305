"""The pace of a filter, against a relay's default limits."""

from hypothesis import given
from hypothesis import strategies as st

from messenger.cli.pipe import BURST, BYTES_PER_SECOND, MESSAGES_PER_SECOND, Pace


def test_a_few_lines_go_at_once_and_the_rest_steadily() -> None:
    pace = Pace(100.0)
    waits = [pace.wait_seconds(10, 100.0) for _ in range(BURST + 2)]
    assert max(waits[:BURST]) < 1e-9
    assert waits[BURST] > 0.05
    assert abs(waits[BURST + 1] - 2 / MESSAGES_PER_SECOND) < 1e-9


def test_an_hour_of_rest_saves_up_no_more_than_a_burst() -> None:
    pace = Pace(0.0)
    waits = [pace.wait_seconds(10, 3600.0) for _ in range(BURST + 1)]
    assert waits[-1] > 0.05


@given(st.lists(st.integers(1, 4096), min_size=1, max_size=300))
def test_it_stays_below_a_relays_limits(sizes: list[int]) -> None:
    pace, now = Pace(0.0), 0.0
    for size in sizes:
        now += pace.wait_seconds(size, now)
    assert len(sizes) <= BURST + MESSAGES_PER_SECOND * now + 1e-6
    assert sum(sizes) <= BYTES_PER_SECOND * (now + BURST / MESSAGES_PER_SECOND) + 1e-6
