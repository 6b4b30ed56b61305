"""What a relay tells one member, fact by fact, in both languages."""

from typing import Final, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatproto import (
    Advice,
    BanList,
    Command,
    CommandDone,
    CommandFailed,
    Failure,
    ListedMember,
    MemberList,
    MessageDropped,
    Muted,
    NotRelayed,
    PasswordState,
    PersonalNotice,
    Refusal,
    RefusalCode,
    Status,
    Unmuted,
)
from messenger.presentation.wording import told

ANN, BOB, DOE = ListedMember("ann", host=True), ListedMember("bob", muted=True), ListedMember("Doe, John")
FACTS: tuple[PersonalNotice, ...] = (
    *(CommandFailed(code, Command.KICK, "7", 7, 7) for code in Failure),
    CommandFailed(
        Failure.BAD_NAME,
        Command.BAN,
        refusal=Refusal(Status.BAD_NAME, RefusalCode.USER_NAME_TOO_LONG, size=256, limit=255),
    ),
    CommandFailed(Failure.BUSY, refusal=Refusal(Status.BUSY, RefusalCode.TOO_MANY_NEW_PASSWORDS)),
    CommandFailed(Failure.BUSY, refusal=Refusal(Status.BUSY)),
    *(CommandDone(command, "7", by_address=by_address) for command in Command for by_address in (True, False)),
    CommandDone(Command.UNBAN, "7", also=("8", "9"), unlisted=3),
    *(MessageDropped(reason, 7) for reason in NotRelayed),
    *(PasswordState(is_set, changed) for is_set in (True, False) for changed in (True, False)),
    Muted(),
    Unmuted(),
    *(MemberList((ANN, BOB, DOE), 900, part, more) for part in (1, 2) for more in (True, False)),
    *(MemberList((ANN, BOB, DOE), 900, part, more=False, unlisted=12) for part in (1, 2)),
    *(BanList(("eve", "10.0.0.1"), part, more) for part in (1, 2) for more in (True, False)),
    *(BanList(("eve", "10.0.0.1"), part, more=False, unlisted=12) for part in (1, 2)),
    BanList((), 1, more=False),
)
ENGLISH: Final[dict[PersonalNotice, str]] = {
    PasswordState(set=True, changed=True): (
        "The room has a new password. Unless the chat is encrypted, whoever listens on the way knows it."
    )
}
"""Where plain clients, which speak UDP alone, read something else."""


def test_no_kind_is_left_out() -> None:
    assert {*map(type, FACTS), Advice} == {*get_args(PersonalNotice)}


@pytest.mark.parametrize("fact", FACTS, ids=str)
def test_in_english_it_reads_as_in_plain_clients(fact: PersonalNotice) -> None:
    assert told(fact) == ENGLISH.get(fact, str(fact))


@pytest.mark.parametrize("fact", [fact for fact in FACTS if not str(fact).startswith("...")], ids=str)
def test_in_japanese_it_reads_otherwise(japanese: None, fact: PersonalNotice) -> None:  # noqa: ARG001
    assert not told(fact).isascii()


@pytest.mark.parametrize(
    ("fact", "in_japanese"),
    [
        (MemberList((ANN, BOB), 2, 1, more=False), "2 人がいます: ann（ホスト）, bob（ミュート中）"),
        (MemberList((ANN, BOB), 900, 1, False, 12), "900 人がいます: ann（ホスト）, bob（ミュート中）、ほか 12 人。"),
        (MemberList((ANN,), 99, 1, more=True), "99 人がいます: ann（ホスト）,"),
        (MemberList((DOE, ANN), 99, 2, more=False), "... Doe, John, ann（ホスト）"),
        (BanList((), 1, more=False), "入室禁止の人はいません。"),
        (BanList(("eve", "10.0.0.1"), 1, more=False), "入室禁止: eve, 10.0.0.1"),
        (CommandFailed(Failure.NOBODY, Command.KICK, "eve"), "eve という名前の人はここにいません。"),
        (CommandFailed(Failure.TOPIC_TOO_LONG, Command.TOPIC, over_bytes=12), "トピックが 12 バイト長すぎます。"),
        (
            CommandDone(Command.UNBAN, "eve", also=("Eve",), unlisted=2),
            "eve, Eve さん、ほか 2 件の入室禁止を解除しました。",
        ),
        (Advice("Something else."), "Something else."),
        (Advice("eve is banned already."), "eve is banned already."),
    ],
    ids=str,
)
def test_how_it_reads_in_japanese(japanese: None, fact: PersonalNotice, in_japanese: str) -> None:  # noqa: ARG001
    assert told(fact) == in_japanese


def test_what_a_relay_says_in_words_of_its_own_is_not_lost(japanese: None) -> None:  # noqa: ARG001
    line = told(CommandFailed(Failure.BAD_NAME, Command.BAN, message="No dragons."))
    assert "No dragons." in line
    assert not line.startswith("No dragons.")


def test_a_name_that_reads_like_a_sentence_stays_a_name(japanese: None) -> None:  # noqa: ARG001
    name = "Nobody here is called {name}"
    assert told(CommandFailed(Failure.ALREADY_BANNED, Command.BAN, name)) == f"{name} さんはすでに入室禁止です。"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_it_is_harmless(japanese: None, text: str) -> None:  # noqa: ARG001
    listed = MemberList((ListedMember(text),), 3, 1, more=False)
    for notice in (Advice(text), CommandDone(Command.UNMUTE, text), listed, BanList((text,), 1, more=False)):
        assert not [char for char in told(notice) if char in "\x1b\x07\r\n\x9b\u202e\u2066"]
