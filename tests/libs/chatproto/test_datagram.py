"""Datagrams of a room's chat, and who said what in a delivery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import encode_datagram, parse_datagram, split_attribution
from libs.chatproto.strategies import USER_NAMES

NAMES = st.binary(min_size=1, max_size=255)


def test_a_datagram_is_laid_out_as_the_text_says() -> None:
    assert encode_datagram(b"lab", b"tok", b"hi") == b"\x03\x03labtokhi"


@given(NAMES, NAMES, st.binary(max_size=3584))
def test_a_datagram_survives_encoding(room: bytes, token: bytes, message: bytes) -> None:
    assert parse_datagram(encode_datagram(room, token, message)) == (room, token, message)


@given(st.binary(max_size=600))
def test_every_datagram_is_understood_whole_or_not_at_all(data: bytes) -> None:
    parts = parse_datagram(data)
    if parts is not None:
        assert bytes((len(parts[0]), len(parts[1]))) + b"".join(parts) == data


@pytest.mark.parametrize("room_size", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("token_size", [0, 1, 127, 254, 255])
def test_every_length_with_every_size_has_a_meaning(room_size: int, token_size: int) -> None:
    data = bytes((room_size, token_size)) + b"x" * 600
    for length in range(len(data)):
        whole = room_size and token_size and length >= 2 + room_size + token_size
        assert (parse_datagram(data[:length]) is not None) == bool(whole), length


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\1", b"\1\1r", b"\0\1ttt", b"\1\0rrr", b"\2\1rt"])
def test_a_malformed_datagram_is_none(data: bytes) -> None:
    assert parse_datagram(data) is None


def test_a_datagram_may_have_4096_bytes_and_no_more() -> None:
    assert len(encode_datagram(b"r", b"t", b"x" * 4092)) == 4096
    with pytest.raises(ValueError, match="too long by 1 bytes"):
        encode_datagram(b"r", b"t", b"x" * 4093)


@pytest.mark.parametrize(("room", "token"), [(b"", b"t"), (b"r", b""), (b"r" * 256, b"t"), (b"r", b"t" * 256)])
def test_names_and_tokens_need_1_to_255_bytes(room: bytes, token: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        encode_datagram(room, token)


def test_names_and_tokens_of_255_bytes_are_taken() -> None:
    assert parse_datagram(encode_datagram(b"r" * 255, b"t" * 255, b"hi")) == (b"r" * 255, b"t" * 255, b"hi")


@given(USER_NAMES, st.text(max_size=40))
def test_an_attributed_message_is_split_where_it_was_joined(name: str, message: str) -> None:
    assert split_attribution(f"{name}: {message}") == (name, message)


@pytest.mark.parametrize(
    ("delivery", "parts"),
    [
        ("ann: hi", ("ann", "hi")),
        ("ann:hi", ("ann", "hi")),
        ("ann  :  hi", ("ann", " hi")),
        ("ann: a: b", ("ann", "a: b")),
        ("ann:", ("ann", "")),
        ("hi", (None, "hi")),
        ("", (None, "")),
        (": hi", (None, ": hi")),
        ("  : hi", (None, "  : hi")),
        ("n" * 255 + ": hi", ("n" * 255, "hi")),
        ("n" * 256 + ": hi", (None, "n" * 256 + ": hi")),
        ("é" * 128 + ": hi", (None, "é" * 128 + ": hi")),
        ("\ud800: hi", ("\ud800", "hi")),
    ],
)
def test_a_delivery_is_split_at_its_first_colon(delivery: str, parts: tuple[str | None, str]) -> None:
    assert split_attribution(delivery) == parts


@given(st.binary(max_size=300))
def test_every_delivery_can_be_split(data: bytes) -> None:
    for errors in ("replace", "surrogateescape"):
        _, message = split_attribution(data.decode(errors=errors))
        assert isinstance(message, str)
