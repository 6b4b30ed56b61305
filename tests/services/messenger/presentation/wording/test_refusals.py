"""Why somebody isn't let in, and what to do.

A refusal has nothing but a sentence to say more than its status (TCP-06), so the relay's own are read from its source.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import relay_server.core.commands
from chatproto import Status
from messenger.presentation.i18n import LANGUAGES, use_language
from messenger.presentation.wording import Words, refusal

RELAY = Path(relay_server.core.commands.__file__).parents[1]
FILES = [*(RELAY / "core").glob("*.py"), RELAY / "control.py", RELAY / "passwords.py", *(RELAY / "net").glob("*.py")]
REFUSALS = {
    f"{kind}Error" for kind in ("BadName", "Banned", "Busy", "Malformed", "NotSupported", "TooMany", "WrongPassword")
}


def refused_with() -> Iterator[str]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for text in node.args if name in REFUSALS else []:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value
                elif isinstance(text, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "7" for part in text.values]
                    yield "".join(map(str, parts)).replace("The 7 name", "The user name")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_happened_and_what_to_do(status: Status, language: str) -> None:
    use_language(language)
    words = refusal(status, status.message)
    assert words.what
    assert bool(words.todo) == (status is not Status.OK)
    assert words == refusal(status)
    assert words.line.isascii() == (language == "en")


def test_all_are_told_apart() -> None:
    assert len({refusal(status).what for status in Status}) == len(Status)


def test_the_hints_are_the_right_ones() -> None:
    assert refusal(Status.NO_SUCH_ROOM) == Words(
        "There is no room with this name.", "Create it, or check the spelling."
    )
    assert refusal(Status.ROOM_EXISTS).todo == "Join it, or choose another name."
    assert refusal(Status.NAME_TAKEN).todo == refusal(Status.BAD_NAME).todo == "Choose another name."
    assert refusal(Status.BUSY).todo == "Try again in a moment."


def test_what_a_relay_says_more_exactly_is_said_so() -> None:
    exact = "Too many wrong passwords: try again in two minutes."
    assert refusal(Status.BUSY, exact) == Words(exact)
    use_language("ja")
    assert refusal(Status.BUSY, exact) == Words("パスワードの間違いが多すぎます。2 分後にもう一度お試しください。")
    assert refusal(Status.BAD_NAME, "The user name has a colon: choose one without.") == Words(
        "名前にコロン（:）は使えません。別の名前にしてください。"
    )


def test_what_nobody_knows_is_shown_beside_what_the_status_means() -> None:
    words = refusal(Status.ROOM_FULL, "Twelve\x1b[2J are enough.")
    assert words.what == 'The room is full. The relay says: "Twelve\ufffd[2J are enough."'
    assert words.todo == "Try again when somebody leaves."
    use_language("ja")
    assert refusal(Status.ROOM_FULL, "Enough.").what == "ルームは満員です。サーバーからのメッセージ:「Enough.」"


def test_the_relays_sources_were_read() -> None:
    assert len(set(refused_with())) > 12


@pytest.mark.parametrize("text", sorted(set(refused_with())))
def test_all_that_a_relay_refuses_with_is_translated(japanese: None, text: str) -> None:  # noqa: ARG001
    words = refusal(Status.BUSY, text)
    assert not words.what.isascii()
    assert text not in words.what
