"""Replies that quote."""

import pytest

from messenger.core.history import History, Kind, Line
from messenger.core.quoting import MAX_QUOTED, Reply, can_quote, quote
from services.messenger.core.fake_relay import NOON


def history(*lines: tuple[Kind, str | None, str]) -> History:
    made = History()
    for kind, sender, text in lines:
        made.add(Line(kind, NOON, text, sender))
    return made


TALK = history(
    (Kind.MESSAGE, "bob", "first"), (Kind.OWN, "ann", "mine"), (Kind.MESSAGE, None, "second"), (Kind.NOTICE, None, "x")
)


@pytest.mark.parametrize(("number", "quoted"), [(0, "> bob: first"), (1, "> ann: mine"), (2, "> second")])
def test_a_message_is_quoted_with_who_said_it(number: int, quoted: str) -> None:
    assert quote(TALK, number) == quoted


def test_a_quotation_is_one_short_line_without_what_it_quoted_itself() -> None:
    said = history((Kind.MESSAGE, "bob", "> ann: old⏎new⏎lines"), (Kind.MESSAGE, "bob", "x" * 500))
    assert quote(said, 0) == "> bob: new lines"
    assert quote(said, 1) == "> bob: " + "x" * (MAX_QUOTED - 1) + "…"


def test_only_what_somebody_said_can_be_quoted() -> None:
    assert [can_quote(TALK, number) for number in range(-1, 5)] == [False, True, True, True, False, False]


def test_each_time_an_older_message_of_others_is_quoted() -> None:
    reply = Reply()
    draft = reply.older(TALK, "yes", "\n")
    assert draft == "> second\nyes"
    draft = reply.older(TALK, draft + "!", "\n")
    assert draft == "> bob: first\nyes!"
    assert reply.older(TALK, draft, "\n") == "yes!", "there is no older one"
    assert reply.older(TALK, "yes", "\n") == "> second\nyes"


def test_a_quotation_that_was_changed_stays() -> None:
    reply = Reply()
    draft = reply.older(TALK, "", "\n").replace("second", "2nd")
    assert reply.older(TALK, draft, "\n") == "> second\n> 2nd\n"


def test_another_message_takes_the_place_of_the_one_quoted() -> None:
    reply = Reply()
    draft = reply.to(TALK, 1, "hm", "⏎")
    assert reply.to(TALK, 0, draft, "⏎") == "> bob: first⏎hm"
    assert reply.older(history(), "hm", "⏎") == "hm", "in a room where nobody spoke"
