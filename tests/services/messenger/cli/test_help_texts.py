"""Breaking lines by columns, and not where no line may begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.cli.help_texts import columns, wrap


@pytest.mark.parametrize(("text", "wide"), [("", 0), ("abc", 3), ("ルーム", 6), ("a（b）", 6)])
def test_how_wide_a_text_is(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_words_stay_whole_and_japanese_breaks_anywhere() -> None:
    assert wrap("a room of one's own", 10) == ["a room of", "one's own"]
    assert wrap("ルームを作成します", 8) == ["ルームを", "作成しま", "す"]
    assert wrap("unbreakable word", 4) == ["unbreakable", "word"]
    assert wrap("", 4) == [""]


def test_no_line_begins_with_what_ends_or_ends_with_what_begins() -> None:
    assert wrap("ここです。", 8) == ["ここで", "す。"]
    assert wrap("あい（う）", 6) == ["あい", "（う）"]
    assert wrap("サーバー", 6) == ["サー", "バー"]


@given(st.text(), st.integers(1, 30))
def test_nothing_is_lost(text: str, width: int) -> None:
    assert "".join("".join(wrap(text, width)).split()) == "".join(text.split())
