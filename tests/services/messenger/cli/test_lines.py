"""What comes in by pipes: UTF-8 is text, UTF-16 is refused."""

import pytest

from messenger.cli.lines import UnreadableInputError, text_of


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
