"""TCRP frames: header, sizes, leniency, and that the pieces of a stream don't matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import Frame, FrameDecoder, PayloadTooLargeError, Status, encode_frame
from chatproto.constants import MAX_PAYLOAD_BYTES
from chatproto.tcrp import decode_payload_size
from libs.chatproto.strategies import split

LIMIT = 4096
FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=255), st.binary(max_size=300))


def header(room_size: int, size_field: bytes, operation: int = 1, state: int = 0) -> bytes:
    assert len(size_field) == 29
    return bytes((room_size, operation, state)) + size_field


def big(size: int) -> bytes:
    return size.to_bytes(29, "big")


def drain(decoder: FrameDecoder) -> list[Frame]:
    frames = []
    while frame := decoder.next_frame():
        frames.append(frame)
    return frames


def test_a_frame_is_laid_out_as_the_text_says() -> None:
    assert encode_frame(Frame(1, 0, b"lab", b"ann")) == b"\x03\x01\x00" + bytes(28) + b"\x03" + b"lab" + b"ann"


@given(st.data(), st.lists(FRAMES, max_size=4), st.binary(max_size=31))
def test_any_split_of_a_stream_gives_the_same_frames(data: st.DataObject, frames: list[Frame], rest: bytes) -> None:
    stream = b"".join(map(encode_frame, frames)) + rest
    decoder = FrameDecoder(LIMIT)
    received = []
    for piece in data.draw(split(stream)):
        decoder.feed(piece)
        received += drain(decoder)
    assert received == frames
    assert decoder.take_rest() == rest


def test_a_frame_fed_byte_by_byte_is_whole_at_its_last_byte_only() -> None:
    stream = encode_frame(Frame(2, 0, b"room", b"payload"))
    decoder = FrameDecoder(LIMIT)
    for byte in stream[:-1]:
        decoder.feed(bytes((byte,)))
        assert decoder.next_frame() is None
    decoder.feed(stream[-1:])
    assert decoder.next_frame() == Frame(2, 0, b"room", b"payload")
    assert decoder.next_frame() is None


@given(st.data(), st.binary(max_size=400))
def test_arbitrary_bytes_give_frames_or_a_protocol_error_however_they_are_split(
    data: st.DataObject, stream: bytes
) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[Frame], bool, bytes]:
        decoder = FrameDecoder(64)
        frames: list[Frame] = []
        too_large = False
        for piece in pieces:
            decoder.feed(piece)
            too_large = False
            try:
                while frame := decoder.next_frame():
                    frames.append(frame)
            except PayloadTooLargeError:
                too_large = True
        return frames, too_large, decoder.take_rest()

    assert outcome(data.draw(split(stream))) == outcome([stream])


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_payload_up_to_the_limit_is_taken(size: int) -> None:
    decoder = FrameDecoder(LIMIT)
    decoder.feed(header(1, big(size)) + b"r" + b"x" * size)
    assert decoder.next_frame() == Frame(1, 0, b"r", b"x" * size)


@pytest.mark.parametrize("size", [LIMIT + 1, 2**29, 2**29 + 1, 2**31, 2**63, 2**64, 2**231 + 1, 2**232 - 1])
def test_a_payload_over_the_limit_is_refused_from_the_header_alone(size: int) -> None:
    decoder = FrameDecoder(LIMIT)
    decoder.feed(header(1, big(size))[:-1])
    assert decoder.next_frame() is None
    decoder.feed(big(size)[-1:])
    with pytest.raises(PayloadTooLargeError) as caught:
        decoder.next_frame()
    assert caught.value.status is Status.PAYLOAD_TOO_LARGE


def test_the_limit_may_be_as_large_as_the_text_allows() -> None:
    decoder = FrameDecoder(MAX_PAYLOAD_BYTES)
    decoder.feed(header(1, big(2**29)) + b"r")
    assert decoder.next_frame() is None


@pytest.mark.parametrize("size", [0, 1, 254, 255])
def test_room_names_of_every_legal_size_pass(size: int) -> None:
    frame = Frame(1, 0, b"n" * size, b"user")
    decoder = FrameDecoder(LIMIT)
    decoder.feed(encode_frame(frame))
    assert decoder.next_frame() == frame


def test_a_room_name_over_255_bytes_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="too long"):
        encode_frame(Frame(1, 0, b"n" * 256, b""))


class Huge(bytes):
    """As long as a payload can't be, without the memory."""

    __slots__ = ()

    def __len__(self) -> int:
        return 2**29 + 1


def test_a_payload_over_2_to_the_29_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="too long"):
        encode_frame(Frame(1, 0, b"n", Huge()))


@pytest.mark.parametrize(
    ("field", "size"),
    [
        (big(0), 0),
        (big(5), 5),
        (big(2**29), 2**29),
        (b"12".ljust(29, b"\0"), 12),
        (b"12".ljust(29, b" "), 12),
        (b"12".rjust(29, b" "), 12),
        (b"12".rjust(29, b"0"), 12),
        (b"0".ljust(29, b"0"), 0),
        (b"\0 12 \0".ljust(29, b"\0"), 12),
        (b"4096".rjust(29, b"\0"), 4096),
        (b"5".ljust(29, b"\0"), 5),
        (b"9" * 29, int("9" * 29)),
        ((5).to_bytes(29, "little"), 5),
        ((4096).to_bytes(29, "little"), 4096),
        ((2**29).to_bytes(29, "little"), 2**29),
        ((2**29 + 1).to_bytes(29, "little"), int.from_bytes((2**29 + 1).to_bytes(29, "little"), "big")),
        (b"1 2".ljust(29, b"\0"), int.from_bytes(b"1 2", "little")),
        (b"1 2 3".ljust(29, b"\0"), int.from_bytes(b"1 2 3".ljust(29, b"\0"), "big")),
        (b"-1".ljust(29, b"\0"), int.from_bytes(b"-1", "little")),
        (b"\xff" * 29, 2**232 - 1),
        (b" " * 29, int.from_bytes(b" " * 29, "big")),
    ],
)
@pytest.mark.requirement("LEN-01")
def test_a_payload_size_is_read_as_students_write_it(field: bytes, size: int) -> None:
    assert decode_payload_size(field) == size


@given(st.integers(0, MAX_PAYLOAD_BYTES))
def test_a_legal_big_endian_size_is_never_taken_for_anything_else(size: int) -> None:
    assert decode_payload_size(big(size)) == size


@given(st.binary(min_size=29, max_size=29))
def test_every_size_field_has_a_meaning(field: bytes) -> None:
    assert 0 <= decode_payload_size(field) < 2**232


def test_the_operation_is_known_before_the_frame_is_whole() -> None:
    decoder = FrameDecoder(LIMIT)
    decoder.feed(b"\x05")
    assert decoder.operation == 0
    decoder.feed(b"\x02")
    assert decoder.operation == 2
