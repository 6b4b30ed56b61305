"""Why somebody isn't let in, and what to do."""

import pytest

from chatproto import Status
from messenger.i18n import LANGUAGES, use_language
from messenger.wording import Words, refusal


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
    assert refusal(Status.NO_SUCH_ROOM) == Words("There is no room of this name.", "Create it, or check the spelling.")
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
    assert words.todo == "Try again when somebody has left."
    use_language("ja")
    assert refusal(Status.ROOM_FULL, "Enough.").what == "ルームは満員です。サーバーからのメッセージ:「Enough.」"
