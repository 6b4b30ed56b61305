"""Rows of lines: days, the mark, and numbers that stay."""

from datetime import UTC, datetime, timedelta

import pytest

from chatbrain import DeliveryState
from messenger.core.history import MAX_LINES, History, Kind, Line
from messenger.terminal.layout import SPARE, Layout, Part

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def line(text: str, days: int = 0) -> Line:
    return Line(Kind.MESSAGE, NOON + timedelta(days=days), text, "bob")


def rows(layout: Layout) -> list[tuple[Part, int]]:
    return [(row.part, row.number) for row in map(layout.row, range(layout.start, layout.end))]


def test_a_day_begins_before_its_first_line() -> None:
    history = History()
    for days in (0, 0, 1):
        history.add(line("hi", days))
    layout = Layout(history, 80)
    layout.sync(None)
    assert rows(layout) == [(Part.DAY, 0), (Part.FIRST, 0), (Part.FIRST, 1), (Part.DAY, 2), (Part.FIRST, 2)]


def test_the_mark_moves_and_goes() -> None:
    history = History()
    for _ in range(3):
        history.add(line("hi"))
    layout = Layout(history, 80)
    layout.sync(1)
    assert rows(layout) == [(Part.DAY, 0), (Part.FIRST, 0), (Part.MARK, 1), (Part.FIRST, 1), (Part.FIRST, 2)]
    layout.sync(2)
    assert rows(layout)[-3:] == [(Part.FIRST, 1), (Part.MARK, 2), (Part.FIRST, 2)]
    history.add(line("hi"))
    layout.sync(3)
    assert rows(layout)[-2:] == [(Part.MARK, 3), (Part.FIRST, 3)]
    layout.sync(None)
    assert Part.MARK not in {part for part, _ in rows(layout)}
    assert layout.end == 5


def test_long_lines_take_several_rows_and_rows_know_their_lines() -> None:
    history = History()
    history.add(line("word " * 25))
    history.add(line("hi"))
    layout = Layout(history, 60)
    layout.sync(None)
    assert rows(layout) == [(Part.DAY, 0), (Part.FIRST, 0), (Part.LATER, 0), (Part.LATER, 0), (Part.FIRST, 1)]
    assert layout.line_at(2) == (0, 2)
    assert layout.line_at(4) == (1, 0)
    assert layout.top_of(1) == 4
    for number in (-1, 5):
        with pytest.raises(IndexError):
            layout.row(number)


def test_what_the_history_forgets_goes_many_at_once_and_the_rest_keeps_its_numbers() -> None:
    history = History()
    layout = Layout(history, 80)
    for number in range(MAX_LINES + SPARE):
        history.add(line(str(number)))
        layout.sync(None)
    assert layout.start == 0
    row = layout.row(layout.end - 1)
    history.add(line("one more"))
    layout.sync(None)
    assert layout.row(layout.end - 2) == row
    assert layout.line_at(layout.start)[0] == SPARE + 1
    assert layout.top_of(0) == layout.start


def test_more_at_once_than_there_is_place_for() -> None:
    history = History(max_lines=3)
    layout = Layout(history, 80)
    history.add(line("old"))
    layout.sync(None)
    for number in range(5):
        history.add(line(str(number)))
    layout.sync(None)
    assert [layout.row(number).line.text for number in range(layout.start, layout.end)][-3:] == ["2", "3", "4"]
    assert layout.line_at(layout.end - 1)[0] == 5


def test_a_message_fares_as_the_history_says_while_it_is_there() -> None:
    history = History(max_lines=2)
    layout = Layout(history, 80)
    history.add(Line(Kind.OWN, NOON, "hi", "ann", state=DeliveryState.SENDING))
    layout.sync(None)
    row = layout.row(layout.end - 1)
    history.set_state(0, DeliveryState.TAKEN)
    assert layout.state_of(row) is DeliveryState.TAKEN
    for _ in range(2):
        history.add(line("more"))
    assert layout.state_of(row) is DeliveryState.SENDING, "as it was when the row was made"


def test_an_empty_history_has_no_rows() -> None:
    layout = Layout(History(), 80)
    layout.sync(None)
    assert (layout.start, layout.end, layout.top_of(0), layout.line_at(0)) == (0, 0, 0, (0, 0))


def test_what_the_history_forgets_goes_from_the_layout_too() -> None:
    """However long the lines are, no more of them are kept than the history has, and a few to spare."""
    history = History(max_characters=1000)
    layout = Layout(history, 80)
    for _ in range(4):
        for _ in range(SPARE):
            history.add(line("x" * 100))
            layout.sync(None)
        assert history.start > layout.line_at(layout.start)[0] >= history.start - SPARE
    assert layout.row(layout.end - 1).number == history.end - 1
