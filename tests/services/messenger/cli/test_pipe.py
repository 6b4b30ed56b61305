"""The pace of a filter, against a relay's default limits, and the lines that are on their way."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import Delivery, DeliveryState
from messenger.cli.pipe import BURST, BYTES_PER_SECOND, MESSAGES_PER_SECOND, Pace, Spoken


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


def test_no_more_lines_are_said_than_may_wait_for_an_answer() -> None:
    async def scenario() -> int:
        spoken = Spoken()
        for number in range(1, 65):
            spoken.follow(number, number, "hello")
        waiting = asyncio.create_task(spoken.room_for(1))
        await asyncio.sleep(0)
        spoken.take(Delivery(1, DeliveryState.SENDING, "hello"))
        spoken.take(Delivery(99, DeliveryState.TAKEN, "of nobody's"))
        await asyncio.sleep(0)
        assert not waiting.done()
        spoken.take(Delivery(1, DeliveryState.TAKEN, "hello"))
        await waiting
        return spoken.lost

    assert asyncio.run(scenario()) == 0


def test_a_line_that_is_lost_is_named_and_a_password_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    spoken = Spoken()
    for number, text in enumerate(("hi\x1b", "/password sesame", "bye"), start=1):
        spoken.follow(number, number, text)
        if number < 3:
            spoken.take(Delivery(number, DeliveryState.NOT_DELIVERED, text, "muted"))
    spoken.give_up()
    assert capsys.readouterr().err.splitlines() == [
        "chat: Line 1 was not delivered (you are muted): hi\N{REPLACEMENT CHARACTER}",
        "chat: Line 2 was not delivered (you are muted): /password",
        "chat: Line 3 was not delivered (no answer came): bye",
    ]
    assert spoken.lost == 3
