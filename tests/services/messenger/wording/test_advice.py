"""What a relay tells its members, held against what the relay's own sources say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import relay_server.core.commands
from chatproto import Status
from chatproto.notices import PASSWORD_REMOVED, PASSWORD_SET
from messenger.wording import advice, refusal

RELAY = Path(relay_server.core.commands.__file__).parents[1]
NOTICES = {"Advice", "ModerationError", "_answer", "advise"}
REFUSALS = {
    f"{kind}Error" for kind in ("BadName", "Banned", "Busy", "Malformed", "NotSupported", "TooMany", "WrongPassword")
}
FILES = [*(RELAY / "core").glob("*.py"), RELAY / "control.py", RELAY / "passwords.py", *(RELAY / "net").glob("*.py")]
IN_PARTS = {"7 is banned 7.", "The room 7: /password NEW sets one, /password 7 removes it."}
"""Sentences that are put together in the relay; below they stand whole."""
FOR_OPERATORS = {"The host has this address, so it can't be banned."}


def said_by(calls: set[str]) -> Iterator[str]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for text in node.args if name in calls else []:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value
                elif isinstance(text, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "7" for part in text.values]
                    yield "".join(map(str, parts)).replace("The 7 name", "The user name")


ADVICE = set(said_by(NOTICES)) - IN_PARTS - FOR_OPERATORS | {
    PASSWORD_SET,
    PASSWORD_REMOVED,
    "7 is banned by name and address.",
    "7 is banned by name alone.",
    "The room has a password: /password NEW sets one, /password - removes it.",
    "The room has no password: /password NEW sets one, /password - removes it.",
    "The user name has 256 bytes: use at most 255.",
    "The password has 1200 bytes: use at most 1024.",
}


def test_the_sources_were_read() -> None:
    assert "Only the host may do that; /who and /topic are for everybody." in ADVICE
    assert set(said_by(NOTICES)) >= IN_PARTS | FOR_OPERATORS
    assert len(ADVICE) > 30
    assert len(set(said_by(REFUSALS))) > 12


@pytest.mark.parametrize("text", sorted(ADVICE))
def test_in_english_it_is_shown_as_it_came(text: str) -> None:
    assert advice(text) == text


@pytest.mark.parametrize("text", sorted(ADVICE))
def test_all_that_a_relay_says_is_translated(japanese: None, text: str) -> None:  # noqa: ARG001
    assert not advice(text).isascii()


@pytest.mark.parametrize("text", sorted(set(said_by(REFUSALS))))
def test_all_that_a_relay_refuses_with_is_translated(japanese: None, text: str) -> None:  # noqa: ARG001
    words = refusal(Status.BUSY, text)
    assert not words.what.isascii()
    assert text not in words.what


@pytest.mark.parametrize(
    ("text", "in_japanese"),
    [
        ("2 here: ann (host), bob (muted).", "2 人がいます: ann（ホスト）, bob（ミュート中）"),
        ("900 here: ann (host), bob and 12 more.", "900 人がいます: ann（ホスト）, bob、ほか 12 人。"),
        ("99 here: ann (host),", "99 人がいます: ann（ホスト）,"),
        ("... bob, eve (host).", "... bob, eve（ホスト）."),
        ("Banned: nobody.", "入室禁止の人はいません。"),
        ("Banned: eve, 10.0.0.1.", "入室禁止: eve, 10.0.0.1"),
        ("Something else.", "Something else."),
    ],
)
def test_lists_and_what_is_unknown(japanese: None, text: str, in_japanese: str) -> None:  # noqa: ARG001
    assert advice(text) == in_japanese


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_it_is_harmless(japanese: None, text: str) -> None:  # noqa: ARG001
    for said in (text, f"{text} may speak again.", f"3 here: {text}."):
        assert not [char for char in advice(said) if char in "\x1b\x07\r\n\x9b\u202e\u2066"]
