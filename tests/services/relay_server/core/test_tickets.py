"""Tickets that prove themselves: what was written is read, and nothing else is (RES-01, CLU-03)."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.tickets import MAX_CHARACTERS, RANDOM_BYTES, Seat, Tickets

TICKETS = Tickets(b"k" * 32)
SEAT = Seat("café".encode(), "ann", 2**51, 3, 1, bytes(10) + b"\xff\xff\x0a\x00\x00\x01", True, 1_900_000_000)
CHANCE = bytes(range(RANDOM_BYTES))
TEXT = TICKETS.issue(SEAT, CHANCE)

seats = st.builds(
    Seat,
    room=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).map(str.encode),
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
    number=st.integers(0, 2**64 - 1),
    turn=st.integers(0, 2**32 - 1),
    password_revision=st.integers(0, 2**32 - 1),
    ip=st.binary(min_size=16, max_size=16),
    encrypted=st.booleans(),
    expires_at=st.integers(0, 2**64 - 1),
)


@given(seats, st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_a_ticket_is_read_as_it_was_written(seat: Seat, chance: bytes) -> None:
    text = TICKETS.issue(seat, chance)
    assert TICKETS.read(text) == seat
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert Tickets(b"another key").read(text) is None


def test_the_longest_names_fit() -> None:
    text = TICKETS.issue(Seat(b"r" * 255, "n" * 255, 2**64 - 1, 0, 0, bytes(16), False, 0), CHANCE)
    assert len(text) < MAX_CHARACTERS
    assert TICKETS.read(text) is not None


def test_two_tickets_of_a_seat_differ() -> None:
    assert TICKETS.issue(SEAT, bytes(RANDOM_BYTES)) != TEXT


def test_no_byte_may_be_changed_left_out_or_added() -> None:
    data = base64.urlsafe_b64decode(TEXT + "=" * (-len(TEXT) % 4))
    for place in range(len(data)):
        for changed in (
            data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
            data[:place] + data[place + 1 :],
            data[:place] + b"\0" + data[place:],
        ):
            assert TICKETS.read(base64.urlsafe_b64encode(changed).rstrip(b"=").decode()) is None
    assert TICKETS.read(TEXT) == SEAT


@given(st.data())
def test_no_character_may_be_another(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TEXT) - 1))
    other = data.draw(st.characters().filter(lambda character: character != TEXT[place]))
    assert TICKETS.read(TEXT[:place] + other + TEXT[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    ["", "A", "=", TEXT + "=", TEXT + "A", TEXT + "\n", " " + TEXT, TEXT.lower(), "é" * 80, "A" * (MAX_CHARACTERS + 1)],
)
def test_nothing_else_is_a_ticket(text: str) -> None:
    assert TICKETS.read(text) is None


@given(st.text())
def test_junk_is_no_ticket(text: str) -> None:
    assert TICKETS.read(text) is None
