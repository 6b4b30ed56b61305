"""How a membership ends, and what to do then."""

import pytest

from chatbrain import Ended, EndReason, Fault, Finding
from chatbrain.findings import CIRCLES, NO_CERTIFICATE, NO_SERVER
from chatproto import EvictionReason, Refusal, Status
from messenger.presentation.i18n import LANGUAGES, use_language
from messenger.presentation.wording import Words, ending

UNTRUSTED = {Fault.OTHER_CERTIFICATE, Fault.SELF_SIGNED, Fault.EXPIRED, Fault.OTHER_HOST, Fault.UNPROVEN}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", EvictionReason)
def test_every_eviction_says_what_to_do(reason: EvictionReason, language: str) -> None:
    use_language(language)
    words = ending(Ended(EndReason.EVICTED, "", eviction=reason))
    assert words.what
    assert words.todo
    assert words.line.isascii() == (language == "en")
    if language == "en":
        assert words.what == reason.message or reason in {EvictionReason.EXPIRED, EvictionReason.MOVED}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", Fault)
def test_every_fault_says_what_to_do(fault: Fault, language: str) -> None:
    use_language(language)
    make = Ended.untrusted if fault in UNTRUSTED else Ended.unreachable
    words = ending(make("relay:9000", Finding(fault, "in its words")))
    assert "relay:9000" in words.what
    assert words.todo
    assert words.line.isascii() == (language == "en")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Ended(EndReason.LEFT, "You left."), Words("You left.")),
        (
            Ended.refused(Refusal(Status.ROOM_FULL)),
            Words("The room is full.", "Try again when somebody leaves."),
        ),
        (
            Ended(EndReason.ROOM_CLOSED, "", eviction=EvictionReason.HOST_LEFT),
            Words("The host left, so the room closed.", "Create it again, or join another room."),
        ),
        (
            Ended(EndReason.EVICTED, "", eviction=EvictionReason.KICKED, banned=True),
            Words("The host of this room has banned you."),
        ),
        (Ended(EndReason.EVICTED, ""), Words("The relay took your place in the room away.", "Join again.")),
        (Ended(EndReason.UNREACHABLE, "Of another\x1b making."), Words("Of another\ufffd making.")),
    ],
)
def test_every_way_to_end(ended: Ended, words: Words) -> None:
    assert ending(ended) == words


def test_who_is_not_trusted() -> None:
    other = ending(Ended.untrusted("r:1", Finding(Fault.OTHER_CERTIFICATE, "SHA-256 AB:CD")))
    assert "isn't the one you trust (SHA-256 AB:CD): nothing was sent" in other.what
    unproven = ending(Ended.untrusted("r:1", Finding(Fault.EXPIRED, "certificate has expired")))
    assert "couldn't prove its identity (its certificate has expired)" in unproven.what


def test_a_line_has_both_as_the_language_joins_them() -> None:
    ended = Ended(EndReason.EVICTED, "", eviction=EvictionReason.SILENCE)
    assert ending(ended).line == "Nothing was heard from you for too long. Join again."
    use_language("ja")
    assert ending(ended).line == "長い間応答がありませんでした。もう一度参加してください。"
    assert ending(Ended(EndReason.LEFT, "")).line == "退室しました。"


@pytest.mark.parametrize(
    ("found", "english", "japanese"),
    [
        (CIRCLES, "its servers send one to each other", "サーバーが互いに相手を案内しています"),
        (NO_SERVER, "it doesn't say where", "場所が示されていません"),
        (NO_CERTIFICATE, "it names no certificate", "証明書が示されていません"),
    ],
)
def test_who_is_sent_on_and_cant_go_on_reads_one_sentence(found: Finding, english: str, japanese: str) -> None:
    use_language("en")
    ended = Ended.astray("r:1", found)
    assert ending(ended).what == f"The room is on another server, to which there is no way from r:1 ({english})."
    use_language("ja")
    assert ending(ended).what == f"ルームは別のサーバーにありますが、r:1 からはそこへ行けません（{japanese}）。"


def test_a_room_that_isnt_sealed_is_the_inviters_affair() -> None:
    words = ending(Ended.unsealed("r:1"))
    assert (
        words.what == "The room isn't sealed on the relay at r:1, though your invitation has a key: nothing was sent."
    )
    assert words.todo == "Ask who invited you."
