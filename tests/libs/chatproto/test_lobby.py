"""Datagrams of the lobby."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import encode_lobby, parse_lobby


def test_a_lobby_datagram_is_laid_out_as_the_text_says() -> None:
    assert encode_lobby(b"ann", b"hi") == b"\x03annhi"
    assert encode_lobby(b"ann") == b"\x03ann"


@given(st.binary(min_size=1, max_size=255), st.binary(max_size=3840))
def test_a_lobby_datagram_survives_encoding(name: bytes, message: bytes) -> None:
    assert parse_lobby(encode_lobby(name, message)) == (name, message)


@given(st.binary(max_size=300))
def test_every_lobby_datagram_is_understood_whole_or_not_at_all(data: bytes) -> None:
    parts = parse_lobby(data)
    if parts is not None:
        assert bytes((len(parts[0]),)) + b"".join(parts) == data


@pytest.mark.parametrize("size", [0, 1, 127, 254, 255])
def test_every_length_with_every_size_has_a_meaning(size: int) -> None:
    data = bytes((size,)) + b"x" * 300
    for length in range(len(data)):
        assert (parse_lobby(data[:length]) is not None) == (size > 0 and length > size), length


def test_a_lobby_datagram_may_have_4096_bytes_and_no_more() -> None:
    assert len(encode_lobby(b"n", b"x" * 4094)) == 4096
    with pytest.raises(ValueError, match="too long by 1 bytes"):
        encode_lobby(b"n", b"x" * 4095)


@pytest.mark.parametrize("name", [b"", b"n" * 256])
def test_a_name_needs_1_to_255_bytes(name: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        encode_lobby(name)
