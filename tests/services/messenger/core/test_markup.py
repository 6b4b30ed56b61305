"""What the parts of a message are."""

import pytest

from messenger.core.history import Kind, Line
from messenger.core.hyperlinks import Look, Part
from messenger.core.markup import split_message
from services.messenger.core.fake_relay import NOON


def said(text: str, mentions: str = "") -> Line:
    return Line(Kind.MESSAGE, NOON, text, "bob", mentions)


def test_names_and_links_are_told_apart() -> None:
    link = "https://example.com/ann"
    assert split_message(said(f"Ann, see {link} ann", "ann")) == [
        Part("Ann", look=Look.MENTION),
        Part(", see "),
        Part(link, link),
        Part(" "),
        Part("ann", look=Look.MENTION),
    ]


def test_a_message_that_mentions_nobody_is_one_part() -> None:
    assert split_message(said("Ann is here")) == [Part("Ann is here")]


def looks(text: str, mentions: str = "") -> list[tuple[str, Look]]:
    parts = split_message(said(text, mentions))
    assert "".join(part.text for part in parts) == text
    return [(part.text, part.look) for part in parts if part.look is not Look.PLAIN]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("use `make run` here", [("`", Look.SIGN), ("make run", Look.CODE), ("`", Look.SIGN)]),
        ("``a`b``", [("``", Look.SIGN), ("a`b", Look.CODE), ("``", Look.SIGN)]),
        ("see ```x``` ok", [("```", Look.SIGN), ("x", Look.CODE), ("```", Look.SIGN)]),
        ("```⏎x⏎y⏎```", [("```⏎", Look.SIGN), ("x⏎y", Look.BLOCK), ("⏎```", Look.SIGN)]),
        ("so⏎```python⏎x = 1⏎```⏎ok", [("```python⏎", Look.SIGN), ("x = 1", Look.BLOCK), ("⏎```", Look.SIGN)]),
        ("```x```", [("```", Look.SIGN), ("x", Look.BLOCK), ("```", Look.SIGN)]),
        ("one ` and⏎another `", []),
        ("```", []),
        ("``````", []),
        ("```not closed", []),
    ],
)
def test_code_is_found_by_its_fences(text: str, found: list[tuple[str, Look]]) -> None:
    assert looks(text) == found


def test_nothing_within_code_is_a_link_or_a_mention() -> None:
    text = "`ann https://example.com`"
    assert looks(text, "ann") == [("`", Look.SIGN), ("ann https://example.com", Look.CODE), ("`", Look.SIGN)]


def test_lines_that_begin_so_quote() -> None:
    quote = Look.QUOTE
    assert looks("> bob: hi ann⏎yes", "ann") == [
        ("> ", Look.SIGN | quote),
        ("bob: hi ", quote),
        ("ann", Look.MENTION | quote),
    ]
    assert looks("x⏎> y⏎z") == [("> ", Look.SIGN | quote), ("y", quote)]
    assert looks("a > b") == []
    assert not any(look & quote for _, look in looks("```⏎> x⏎```"))
