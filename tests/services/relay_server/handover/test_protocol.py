"""What an old process and a new one say to each other, in any pieces."""

import pytest

from relay_server.handover.protocol import (
    MAX_BODY_BYTES,
    Begin,
    Frame,
    FrameReader,
    HandoverError,
    Hello,
    Kind,
    choose_format,
    encode,
    read_body,
)

HELLO = Hello(formats=(1, 2), version="1.2.3")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_come_in_any_pieces(size: int) -> None:
    data = encode(Kind.HELLO, HELLO) + encode(Kind.LINES, b"one\ntwo\n") + encode(Kind.COMMIT)
    reader = FrameReader()
    frames = [frame for start in range(0, len(data), size) for frame in reader.feed(data[start : start + size])]
    assert [frame.kind for frame in frames] == [Kind.HELLO, Kind.LINES, Kind.COMMIT]
    assert read_body(Hello, frames[0].body) == HELLO
    assert frames[1] == Frame(Kind.LINES, b"one\ntwo\n")


def test_what_begins_a_hand_over_comes_back_whole() -> None:
    begin = Begin(format=1, descriptors=("tcp", "udp", "admin"), admin_path="/run/x.sock", state_directory="/state")
    (frame,) = FrameReader().feed(encode(Kind.BEGIN, begin))
    assert read_body(Begin, frame.body) == begin


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\0",
        b"HTTP/1.1 400",
        bytes([Kind.LINES]) + (MAX_BODY_BYTES + 1).to_bytes(4),
    ],
)
def test_what_is_no_frame_is_an_error(data: bytes) -> None:
    with pytest.raises(HandoverError, match="another protocol"):
        FrameReader().feed(data)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"formats": "x", "version": "1"}', b"\xff"])
def test_a_body_of_another_kind_is_an_error(body: bytes) -> None:
    with pytest.raises(HandoverError, match="another protocol"):
        read_body(Hello, body)


def test_a_new_program_that_reads_no_format_of_this_one_is_told_of_before() -> None:
    assert choose_format(2, {1, 2}, "1.0") == 2
    with pytest.raises(HandoverError, match=r"Version 3.0 reads the state in format 3, 4, and this relay writes .* 2:"):
        choose_format(2, {3, 4}, "3.0")
