"""What the parts of a message are."""

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
