"""What a half typed word may become."""

import pytest

from chatproto import COMMANDS
from messenger.core.commands import OWN
from messenger.core.completion import complete

NAMES = ("ann", "Anna", "bob", "雑談", "two words")


def _complete(text: str, *, host: bool = True, obeys: bool = True) -> list[str]:
    return complete(text, NAMES, lambda command: obeys and (host or not COMMANDS[command].needs_host("")))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("/ki", ["/kick "]),
        ("/UNB", ["/unban "]),
        ("/kick a", ["/kick Anna", "/kick ann"]),
        ("/kick two w", ["/kick two words"]),
        ("/kick ", [f"/kick {name}" for name in sorted(NAMES)]),
        ("a", ["Anna: ", "ann: "]),
        ("@b", ["bob: "]),
        ("hi b", ["hi bob "]),
        ("雑", ["雑談: "]),
        ("hi ", []),
        ("", []),
        ("x", []),
        ("//ki", []),
        ("/topic a", ["/topic Anna ", "/topic ann "]),
    ],
)
def test_commands_and_names_are_completed(text: str, whole: list[str]) -> None:
    assert _complete(text) == whole


def test_only_a_host_is_offered_what_only_a_host_may() -> None:
    assert {f"/{word}" for word in COMMANDS} <= {command.strip() for command in _complete("/")}
    assert [command.strip() for command in _complete("/", host=False)] == sorted([*OWN, "/topic", "/who"])


def test_where_the_relay_obeys_nothing_only_the_programs_own_are_offered() -> None:
    assert _complete("/", obeys=False) == [f"{word} " for word in sorted(OWN)]


def test_a_whole_name_has_nothing_to_complete() -> None:
    assert "bob: " not in _complete("bob")
