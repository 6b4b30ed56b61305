"""What comes in by pipes: UTF-8 is text, UTF-16 is refused, and so is what has no lines."""

from itertools import repeat

import pytest

from messenger.cli.lines import MAX_INPUT_LINE_BYTES, UnreadableInputError, lines_of, text_of


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


@pytest.mark.parametrize("pieces", [[b"one\ntw", b"o\n", b"three"], [b"one\ntwo\nthree\n"], [b"one\n", b"two\nthree"]])
def test_the_last_line_needs_no_end(pieces: list[bytes]) -> None:
    assert list(lines_of(pieces)) == [b"one", b"two", b"three"]


def test_a_line_that_never_ends_is_refused_and_one_before_it_is_not() -> None:
    lines = lines_of([b"hello\n", *repeat(bytes(MAX_INPUT_LINE_BYTES // 4), 4), b"\0"])
    assert next(lines) == b"hello"
    with pytest.raises(UnreadableInputError, match="16 MiB"):
        next(lines)
