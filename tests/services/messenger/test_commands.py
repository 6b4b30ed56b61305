"""What a typed line means."""

import pytest

from messenger.commands import Command, Help, Leave, Nothing, Say, Unknown, interpret


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
        ("/leaf me", Unknown("/leaf")),
        ("/", Unknown("/")),
        ("//leave", Say("/leave")),
        ("//", Say("/")),
        ("a /leave", Say("a /leave")),
    ],
)
def test_what_a_line_means(line: str, meaning: Command) -> None:
    assert interpret(line) == meaning
