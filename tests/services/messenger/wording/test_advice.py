"""What a relay tells its members and whom it refuses why, held against its facts and its own sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import relay_server.core.commands
from chatproto import (
    Command,
    CommandDone,
    CommandFailed,
    Failure,
    MessageDropped,
    Muted,
    NotRelayed,
    PasswordState,
    Status,
    Unmuted,
)
from messenger.wording import advice, refusal

RELAY = Path(relay_server.core.commands.__file__).parents[1]
REFUSALS = {
    f"{kind}Error" for kind in ("BadName", "Banned", "Busy", "Malformed", "NotSupported", "TooMany", "WrongPassword")
}
FILES = [*(RELAY / "core").glob("*.py"), RELAY / "control.py", RELAY / "passwords.py", *(RELAY / "net").glob("*.py")]
FOR_OPERATORS = {Failure.BAN_OF_HOST_ADDRESS}
RELAYED = {Failure.BAD_NAME, Failure.BAD_PASSWORD, Failure.BUSY}
"""Whose sentences the relay takes from what refused a name or a password; they stand below."""


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


ADVICE = {
    *(str(CommandFailed(code, Command.KICK, "7", 7, 7)) for code in set(Failure) - FOR_OPERATORS - RELAYED),
    *(
        str(CommandDone(command, "7", by_address=by_address))
        for command in (Command.KICK, Command.BAN, Command.UNBAN, Command.MUTE, Command.UNMUTE)
        for by_address in (True, False)
    ),
    *(str(MessageDropped(reason, 7)) for reason in NotRelayed),
    *(str(PasswordState(is_set, changed)) for is_set in (True, False) for changed in (True, False)),
    str(Muted()),
    str(Unmuted()),
    "The user name has 256 bytes: use at most 255.",
    "The password has 1200 bytes: use at most 1024.",
}


def test_the_sources_were_read() -> None:
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
