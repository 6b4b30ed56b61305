"""What a typed line means."""

import pytest

from messenger.core.commands import (
    Ask,
    ChoosePassword,
    Command,
    Export,
    Help,
    Ignore,
    Leave,
    Nothing,
    Say,
    Unignore,
    Unknown,
    interpret,
    is_secret,
)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hello", Say("hello")),
        ("  two spaces", Say("  two spaces")),
        ("", Nothing()),
        (" \t", Nothing()),
        ("/help", Help()),
        ("/leave", Leave()),
        ("/quit now", Leave()),
        ("/exit", Leave()),
        ("/ignore ann of the sea ", Ignore("ann of the sea")),
        ("/unignore ann", Unignore("ann")),
        ("/ignore", Ignore("")),
        ("/export my file.txt", Export("my file.txt")),
        ("/leaf me", Unknown("/leaf")),
        ("/", Unknown("/")),
        ("//leave", Say("/leave")),
        ("//", Say("/")),
        ("a /leave", Say("a /leave")),
        ("/who", Ask("/who")),
        ("/kick ann of the sea", Ask("/kick ann of the sea")),
        ("/topic", Ask("/topic")),
        ("//kick ann", Say("/kick ann")),
        ("/kicks", Unknown("/kicks")),
        ("/password", ChoosePassword()),
        ("/password -", Ask("/password -")),
        ("/password secret", Ask("/password secret")),
    ],
)
def test_what_a_line_means(line: str, meaning: Command) -> None:
    assert interpret(line) == meaning


@pytest.mark.parametrize(
    ("line", "secret"), [("/password x", True), ("/PASSWORD x", True), ("/passwords", False), ("hello", False)]
)
def test_a_line_with_a_password_is_known(line: str, secret: bool) -> None:
    assert is_secret(line) is secret


def test_a_command_behind_a_byte_order_mark_is_not_said_aloud() -> None:
    assert interpret("\ufeff/password s3cret") == interpret("/password s3cret")
    assert is_secret("\ufeff/password s3cret")
    assert interpret("\ufeffhi") == Say("hi")
