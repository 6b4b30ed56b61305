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


def test_long_lines_go_sooner() -> None:
    history = History(max_lines=4, max_characters=10)
    for text in ("aaaa", "bbbb", "cc"):
        history.add(_line(text))
    assert texts(history.since(0)) == ["aaaa", "bbbb", "cc"]
    history.add(Line(Kind.MESSAGE, NOON, "d", sender="eve"))
    assert (history.start, texts(history.since(0))) == (1, ["bbbb", "cc", "d"])
    history.add(_line("e" * 100))  # the newest stays, however long
    assert (history.start, history.end) == (4, 5)
    history.add(_line("f"))
    assert texts(history.since(0)) == ["f"]


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
