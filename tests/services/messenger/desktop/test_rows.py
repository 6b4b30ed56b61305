from datetime import timedelta
from typing import Any

import pytest

from messenger.core.history import Kind, Line
from messenger.core.markup import LINE_SEPARATOR
from messenger.desktop.rows import MAX_BREAKS, Rows, Shape
from services.messenger.core.fake_relay import NOON

ROWS = Rows(day=lambda at: f"{at:%d.%m.}", new="new")


def line(text: str = "hi", kind: Kind = Kind.MESSAGE, sender: str | None = "bob", *, minutes: float = 0) -> Line:
    return Line(kind, NOON + timedelta(minutes=minutes), text, sender)


def shapes(of: Line, before: Line | None, *, marked: bool = False) -> list[Shape]:
    return [row.shape for row in ROWS.of(of, before, marked=marked)]


def test_the_first_line_begins_a_day_and_says_who_and_when() -> None:
    rows = ROWS.of(line(), None, marked=False)
    assert [row.shape for row in rows] == [Shape.DAY, Shape.HEADER, Shape.OTHER]
    assert [row.text for row in rows] == ["02.01.", "bob  12:00", "hi"]
    assert rows[1].sender == "bob"


@pytest.mark.parametrize(
    ("before", "shape"),
    [
        ({}, [Shape.OTHER]),
        ({"minutes": -0.5}, [Shape.HEADER, Shape.OTHER]),
        ({"sender": "carol"}, [Shape.HEADER, Shape.OTHER]),
        ({"kind": Kind.OWN}, [Shape.HEADER, Shape.OTHER]),
        ({"kind": Kind.NOTICE, "sender": None}, [Shape.HEADER, Shape.OTHER]),
        ({"minutes": -24 * 60}, [Shape.DAY, Shape.HEADER, Shape.OTHER]),
    ],
)
def test_a_header_holds_for_what_one_person_says_within_a_minute(before: dict[str, Any], shape: list[Shape]) -> None:
    assert shapes(line(), line(**before)) == shape


def test_the_mark_stands_before_the_first_new_line_which_has_a_header_of_its_own() -> None:
    assert shapes(line(), line(), marked=True) == [Shape.MARK, Shape.HEADER, Shape.OTHER]


@pytest.mark.parametrize(("kind", "shape"), [(Kind.NOTICE, Shape.NOTICE), (Kind.PROBLEM, Shape.PROBLEM)])
def test_what_the_program_says_has_no_header(kind: Kind, shape: Shape) -> None:
    assert shapes(line(kind=kind, sender=None), line()) == [shape]


def test_own_messages_are_told_apart() -> None:
    assert shapes(line(kind=Kind.OWN, sender="ann"), line()) == [Shape.OWN_HEADER, Shape.OWN]


def test_without_a_name_the_header_is_the_time() -> None:
    assert ROWS.of(line(sender=None), line(), marked=False)[0].text == "12:00"


def test_newlines_that_were_made_signs_break_lines_again_but_not_without_end() -> None:
    text = ROWS.of(line("a⏎b" + "⏎" * 500), line(), marked=False)[0].text
    assert text.startswith(f"a{LINE_SEPARATOR}b")
    assert text.count(LINE_SEPARATOR) == MAX_BREAKS


def test_links_are_parts_of_their_own() -> None:
    parts = ROWS.of(line("see https://example.org now"), line(), marked=False)[0].parts
    assert [part.url for part in parts] == [None, "https://example.org", None]
