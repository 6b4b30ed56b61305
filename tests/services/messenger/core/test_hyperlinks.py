"""Links in messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.core.hyperlinks import Part, split_links


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("no link", [Part("no link")]),
        (
            "see https://example.com/a?b=(c), ok",
            [Part("see "), Part("https://example.com/a?b=(c)", "https://example.com/a?b=(c)"), Part(", ok")],
        ),
        ("HTTP://EXAMPLE.com", [Part("HTTP://EXAMPLE.com", "HTTP://EXAMPLE.com")]),
        (
            "これ https://example.com/日本。",
            [Part("これ "), Part("https://example.com/日本", "https://example.com/日本"), Part("。")],
        ),
    ],
)
def test_web_addresses_that_are_written_out_are_links(text: str, parts: list[Part]) -> None:
    assert split_links(text) == parts


AFTER = "。）】》，！？・～、」』〕｝…`|”’)]>*~"  # noqa: RUF001 - what looks like ASCII is the point


@pytest.mark.parametrize("before", ["", *"は「、→=|~`é“_(（*"])
@pytest.mark.parametrize("after", ["", *AFTER, "。次", "」を見て", "、https://b.example/"])
def test_a_link_needs_no_space_around_it(before: str, after: str) -> None:
    links = [part.text for part in split_links(f"{before}https://example.com/a{after}") if part.url]
    assert links == ["https://example.com/a", *(["https://b.example/"] if "b.example" in after else [])]


def test_a_link_ends_before_a_bracket_that_is_no_part_of_it_and_keeps_pairs() -> None:
    for link in ("https://example.com/a_(b)", "https://example.com/日本", "https://example.com/aです"):
        for text in (link, f"({link})", f"[{link}]", f"（{link}）"):
            assert Part(link, link) in split_links(text)


@pytest.mark.parametrize("text", ["xhttps://example.com", "9http://example.com"])
def test_no_link_begins_within_a_word(text: str) -> None:
    assert split_links(text) == [Part(text)]


@pytest.mark.parametrize(
    "text",
    ["example.com", "ann@example.com", "mailto:ann@example.com", "javascript:alert(1)", "file:///etc/passwd",
     "ftp://example.com", "//example.com", "data:text/html,x", "192.0.2.1"],
)  # fmt: skip
def test_nothing_else_is(text: str) -> None:
    assert split_links(text) == [Part(text)]


@given(st.text(), st.sampled_from(["", "http://", "https://x.", " https://example.com/"]), st.text())
def test_the_parts_are_the_message(before: str, middle: str, after: str) -> None:
    text = before + middle + after
    parts = split_links(text)
    assert "".join(part.text for part in parts) == text
    assert all(part.url is None or part.url.lower().startswith(("http://", "https://")) for part in parts)
