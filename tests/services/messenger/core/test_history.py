"""Lines with numbers that never change, however many have gone."""

from datetime import timedelta

import pytest

from messenger.core.history import History, Kind, Line
from services.messenger.core.fake_relay import NOON, texts


def _line(text: str, days: float = 0) -> Line:
    return Line(Kind.MESSAGE, NOON + timedelta(days=days), text)


def test_lines_are_counted_from_nought_and_keep_their_numbers() -> None:
    history = History(max_lines=3)
    assert (history.start, history.end, history.since(0)) == (0, 0, [])
    assert [history.add(_line(text)) for text in "abcde"] == [0, 1, 2, 3, 4]
    assert (history.start, history.end) == (2, 5)
    assert texts(history.since(0)) == ["c", "d", "e"]
    assert texts(history.since(4)) == ["e"]
    assert history.since(5) == []
    assert history[2].text == "c"


@pytest.mark.parametrize("number", [-1, 1, 5])
def test_a_line_that_is_gone_or_to_come_is_none(number: int) -> None:
    history = History(max_lines=3)
    for text in "abcde":
        history.add(_line(text))
    with pytest.raises(IndexError):
        _ = history[number]


def test_a_day_begins_with_the_first_line_and_at_midnight() -> None:
    assert _line("a").starts_day(None)
    assert not _line("b", 0.4).starts_day(_line("a"))
    assert _line("b", 0.6).starts_day(_line("a"))
