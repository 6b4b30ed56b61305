"""Numbered messages and the answers to them (RCP-01, RCP-04)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatproto import NotRelayed, NotSaid, Said, parse_json_notice
from chatproto.receipts import MAX_NUMBER, NUMBER_BYTES, encode_numbered, encode_receipt, parse_numbered

NUMBERS = st.integers(1, MAX_NUMBER)


def test_the_longest_number_has_room() -> None:
    assert encode_numbered(MAX_NUMBER, b"hi") == b"/say 4294967295 hi"
    assert len(encode_numbered(MAX_NUMBER, b"")) == NUMBER_BYTES


@given(NUMBERS, st.binary())
@example(MAX_NUMBER, b"")
@example(1, b" /say 2 x ")
def test_what_is_numbered_is_read_again(number: int, text: bytes) -> None:
    numbered = encode_numbered(number, text)
    assert parse_numbered(numbered) == (number, text)
    assert len(numbered) - len(text) <= NUMBER_BYTES


@pytest.mark.requirement("RCP-01")
@pytest.mark.parametrize(
    ("message", "means"),
    [
        (b"/say 17", (17, b"")),
        (b"/say 17 ", (17, b"")),
        (b"/say 17  hi\n", (17, b" hi\n")),
        (b"/say 4294967295 hi", (2**32 - 1, b"hi")),
        *(
            (text, None)
            for text in (
                b"", b"/say", b"/say ", b"/say  17 hi", b"/say hello", b"/say 0 hi", b"/say 017 hi", b"/say -1 hi",
                b"/say +1 hi", b"/say 1_0 hi", b"/say 4294967296 hi", b"/say 99999999999999999999 hi", b"/say 1\thi",
                b"/SAY 17 hi", b"/says 17 hi", b" /say 17 hi", b"/say 1.5 hi", b"/say \xd9\xa1 hi", b"/say \xc2\xb2 hi",
            )
        ),
    ],
)  # fmt: skip
def test_a_number_is_decimal_and_nothing_else_is_one(message: bytes, means: tuple[int, bytes] | None) -> None:
    assert parse_numbered(message) == means


@given(NUMBERS, st.sampled_from(NotRelayed))
def test_answers_are_notices(number: int, reason: NotRelayed) -> None:
    assert parse_json_notice(encode_receipt(number).decode()) == Said(number)
    assert parse_json_notice(encode_receipt(number, reason).decode()) == NotSaid(number, reason)
