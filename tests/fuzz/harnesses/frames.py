"""TCRP frames from a stream: the same whatever the pieces, none over the limit (TCP-01 to TCP-03, LEN-01)."""

from collections.abc import Iterable
from sys import getsizeof
from typing import Final

from chatproto import Frame, FrameDecoder, PayloadTooLargeError, encode_frame
from chatproto.constants import HEADER_BYTES, MAX_PAYLOAD_BYTES
from chatproto.tcrp import decode_payload_size
from fuzz.bites import Bites, piece, split

LIMITS: Final = (4096, 0, 1, 40, MAX_PAYLOAD_BYTES)

_ANN = encode_frame(Frame(1, 0, b"lab", b"ann"))
SEEDS: Final = (
    b"\0" + piece(b"\x01\x05") + _ANN,
    b"\0" + piece(b"") + _ANN + encode_frame(Frame(2, 2, b"\xff" * 255, b"token")) + b"\x23\x29",
    b"\0" + piece(b"\x20") + b"\x03\x01\0" + b"3".rjust(29, b"0") + b"labann",
    b"\0" + piece(b"\x20") + b"\x03\x01\0" + b"\x03" + bytes(28) + b"labann",
    b"\x02" + piece(b"\x07") + b"\x03\x01\0" + b"\xff" * 29 + b"lab",
)
WORDS: Final = (b"\x20\0\0\0", b"536870912", b"536870913", b"\0" * 25, b"0" * 28)


def check(data: bytes) -> None:
    bites = Bites(data)
    limit, sizes, stream = bites.pick(LIMITS), bites.piece(), bites.rest()
    whole = decode(limit, [stream])
    assert decode(limit, split(stream, sizes)) == whole, "another split gives other frames"
    frames, rest, too_large = whole
    assert frames == expected(stream, limit)
    left = b"".join(frame.room + frame.payload for frame in frames)
    assert len(left) + HEADER_BYTES * len(frames) + len(rest) == len(stream), "bytes got lost or came to be"
    assert too_large == (len(rest) >= HEADER_BYTES and announced(rest) > limit)
    for frame in frames:
        assert len(frame.payload) <= limit
        (again,), nothing, _ = decode(limit, [encode_frame(frame)])
        assert (again, nothing) == (frame, b"")


def decode(limit: int, pieces: Iterable[bytes]) -> tuple[list[Frame], bytes, bool]:
    """Feed pieces; returns the frames, the bytes that are left, and whether a header announced too much."""
    decoder = FrameDecoder(limit)
    frames: list[Frame] = []
    too_large, fed = False, 0
    for data in pieces:
        decoder.feed(data)
        fed += len(data)
        assert getsizeof(decoder._buffer) < 2 * fed + 100, "it takes memory for what is only announced"
        try:
            while not too_large and (frame := decoder.next_frame()) is not None:
                frames.append(frame)
        except PayloadTooLargeError:
            too_large = True
    return frames, decoder.take_rest(), too_large


def announced(header: bytes) -> int:
    return decode_payload_size(header[3:HEADER_BYTES])


def expected(stream: bytes, limit: int) -> list[Frame]:
    """Take whole frames off a stream the simple way."""
    frames = []
    while len(stream) >= HEADER_BYTES:
        body = HEADER_BYTES + stream[0]
        end = body + announced(stream)
        if announced(stream) > limit or len(stream) < end:
            break
        frames.append(Frame(stream[1], stream[2], stream[HEADER_BYTES:body], stream[body:end]))
        stream = stream[end:]
    return frames
