"""Passwords that scripts give, and what is said of those that can't be used."""

import os
from pathlib import Path

import pytest

from messenger.cli.passwords import PasswordError, find_password


def test_without_any_there_is_none() -> None:
    assert find_password(None, {}) is None
    assert find_password(None, {"CHAT_PASSWORD": ""}) is None


def test_a_file_goes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\n")
    environ = {"CHAT_PASSWORD": "from the environment"}
    assert find_password(None, environ) == "from the environment"
    assert find_password(str(file), environ) == "from a file"


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"a", "a"),
        (b"a\n", "a"),
        (b"a\r\n", "a"),
        (b" a \nb", " a "),
        ("caf\u00e9\n".encode(), "caf\u00e9"),
        (b"\xef\xbb\xbfa\n", "a"),
    ],
)
def test_of_a_file_the_first_line_counts(tmp_path: Path, content: bytes, password: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    assert find_password(str(file), {}) == password


def test_a_pipe_is_a_file_too() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"secret\n")
    os.close(writing)
    try:
        assert find_password(f"/dev/fd/{reading}", {}) == "secret"
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be read (no such file or directory)"),
        (b"", "is empty: put the password there"),
        (b"\nsecret", "is empty: put the password there"),
        (b"sec\xffret", "isn't UTF-8"),
        ("secret\n".encode("utf-16"), "isn't UTF-8"),
        ("secret\n".encode("utf-16-le"), "isn't UTF-8"),
        (b"secret" * 200, "The password has 1200 bytes: use at most 1024."),
    ],
)
def test_a_file_that_cant_be_used_is_named_but_not_shown(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PasswordError) as raised:
        find_password(str(file), {})
    assert words in str(raised.value)
    assert "secret" not in str(raised.value)
    assert str(raised.value).endswith(".")


def test_what_the_environment_has_must_be_text() -> None:
    with pytest.raises(PasswordError, match="isn't text"):
        find_password(None, {"CHAT_PASSWORD": "\udcff"})


def test_what_the_locale_cant_say_of_the_environment_is_utf_8_all_the_same() -> None:
    given = "\ufeffcaf\u00e9".encode().decode("ascii", errors="surrogateescape")
    assert find_password(None, {"CHAT_PASSWORD": given}) == "caf\u00e9"
