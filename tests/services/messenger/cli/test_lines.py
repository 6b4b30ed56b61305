"""What comes in by pipes: UTF-8 is text, UTF-16 is refused, and so is what has no lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.cli.lines import MAX_LINE_BYTES, LineSplitter, UnreadableInputError, text_of


@pytest.mark.parametrize("line", [b"a\0b", b"a\0bc\0\0", b"\0ab", b"\0", b"", b"\xff\xe9t\xe9", "\0今日".encode()])
def test_a_nul_alone_is_no_sign_of_utf_16(line: bytes) -> None:
    assert text_of(line, first=True) == line.decode(errors="replace")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["a", "/password s3cret", "今日 a", "Zoë"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_first_line_in_utf_16_is_refused(encoding: str, text: str, end: str) -> None:
    line = (text + end).encode(encoding).split(b"\n")[0]
    with pytest.raises(UnreadableInputError):
        text_of(line, first=True)


def test_the_sign_before_utf_8_and_the_end_of_the_line_are_no_text() -> None:
    assert text_of(b"\xef\xbb\xbfhello\r", first=True) == "hello"
    assert text_of(b"\xef\xbb\xbfhello", first=False) == "\ufeffhello"


@given(st.lists(st.binary(max_size=8).map(lambda data: data.replace(b"\r", b"\n"))))
def test_lines_are_the_same_in_whatever_pieces_they_come(pieces: list[bytes]) -> None:
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert [*lines, splitter.end()] == b"".join(pieces).split(b"\n")


def test_a_line_without_an_end_is_refused_and_one_before_it_is_not() -> None:
    splitter, zeros = LineSplitter(), bytes(MAX_LINE_BYTES // 4)
    assert splitter.feed(b"hello\n") == [b"hello"]
    for _ in range(4):
        assert splitter.feed(zeros) == []
    with pytest.raises(UnreadableInputError, match="16 MiB"):
        splitter.feed(b"\0")


def test_a_line_as_long_as_may_be_is_read_and_the_next_counts_anew() -> None:
    splitter, line = LineSplitter(), b"a" * MAX_LINE_BYTES
    assert splitter.feed(line + b"\n" + line) == [line]
    assert splitter.feed(b"\nb") == [line]
    assert splitter.end() == b"b"
