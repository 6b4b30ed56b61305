"""Where rows end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from messenger.terminal.wrapping import wrap


@pytest.mark.parametrize(
    ("text", "width", "indent", "rows"),
    [
        ("", 10, 0, [""]),
        ("one two", 10, 0, ["one two"]),
        ("hello world this is", 8, 2, ["hello", "world", "this", "is"]),
        ("a" * 20, 8, 2, ["a" * 8, "a" * 6, "a" * 6]),
        ("one two three", 8, -4, ["one two", "three"]),
        ("こんにちは、世界。", 10, 0, ["こんにち", "は、世界。"]),
        ("いい「天気」ですね", 6, 0, ["いい", "「天", "気」で", "すね"]),
        ("tea お茶 tea", 7, 0, ["tea お", "茶 tea"]),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 5, 0, ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]),
        ("\u200d\u200daaa", 2, 0, ["\u200d\u200daa", "a"]),
        ("one⏎two three⏎⏎四", 10, 2, ["one⏎", "two", "three⏎", "⏎", "四"]),
        ("あ" * 10, 0, 0, ["あ"] * 10),
    ],
)
def test_rows(text: str, width: int, indent: int, rows: list[str]) -> None:
    assert [text[start:end] for start, end in wrap(text, width, indent=indent)] == rows


@given(st.text(st.sampled_from("ab⏎ あい。「」é\u0301👩\u200d🇯🇵"), max_size=80), st.integers(2, 30), st.integers(-4, 4))
def test_nothing_is_lost_and_every_row_fits(text: str, width: int, indent: int) -> None:
    spans = wrap(text, width, indent=indent)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    for (_, end), (start, _) in pairwise(spans):
        assert text[end:start] in {"", " "}
    for number, (start, end) in enumerate(spans):
        assert cell_len(text[start:end].rstrip(" ")) <= max(2, width - (indent if number else 0))
