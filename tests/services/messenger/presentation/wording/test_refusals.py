"""Why somebody isn't let in, and what to do: by the status, and by the code where a relay gives one (FEAT-04)."""

import pytest

from chatproto import Refusal, RefusalCode, Status
from messenger.presentation.i18n import LANGUAGES, use_language
from messenger.presentation.wording import Words, refusal

EXACT = [
    Refusal(Status.BUSY, code, character="U+200B ZERO WIDTH SPACE", count=777, size=888, limit=999)
    for code in RefusalCode
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_happened_and_what_to_do(status: Status, language: str) -> None:
    use_language(language)
    words = refusal(Refusal(status))
    assert words.what
    assert bool(words.todo) == (status is not Status.OK)
    assert words.line.isascii() == (language == "en")


def test_all_are_told_apart() -> None:
    assert len({refusal(Refusal(status)).what for status in Status}) == len(Status)


def test_the_hints_are_the_right_ones() -> None:
    assert refusal(Refusal(Status.NO_SUCH_ROOM)) == Words(
        "There is no room with this name.", "Create it, or check the spelling."
    )
    assert refusal(Refusal(Status.ROOM_EXISTS)).todo == "Join it, or choose another name."
    assert refusal(Refusal(Status.NAME_TAKEN)).todo == refusal(Refusal(Status.BAD_NAME)).todo == "Choose another name."
    assert refusal(Refusal(Status.BUSY)).todo == "Try again in a moment."


@pytest.mark.parametrize("why", EXACT, ids=lambda why: why.code)
def test_what_a_relay_says_more_exactly_is_said_so(why: Refusal) -> None:
    assert refusal(why) == Words(str(why))


@pytest.mark.parametrize("why", EXACT, ids=lambda why: why.code)
def test_all_that_a_relay_refuses_with_is_translated(japanese: None, why: Refusal) -> None:  # noqa: ARG001
    what, todo = refusal(why)
    assert todo == ""
    assert not what.isascii()
    assert str(why) not in what
    assert [str(field) for field in why.fields.values() if str(field) not in what] == []


def test_what_nobody_knows_is_shown_beside_what_the_status_means() -> None:
    words = refusal(Refusal(Status.ROOM_FULL, said="Twelve\x1b[2J are enough."))
    assert words.what == 'The room is full. The relay says: "Twelve\ufffd[2J are enough."'
    assert words.todo == "Try again when somebody leaves."
    use_language("ja")
    words = refusal(Refusal(Status.ROOM_FULL, said="Enough."))
    assert words.what == "ルームは満員です。サーバーからのメッセージ:「Enough.」"
