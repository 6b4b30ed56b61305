"""How events read, in both languages, and that reading them is safe."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbrain import (
    Carried,
    Ended,
    EndReason,
    Event,
    Joined,
    Message,
    Missed,
    Moved,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Transport,
    Unreadable,
)
from chatproto import (
    Advice,
    Command,
    CommandFailed,
    Disconnected,
    EvictionReason,
    Failure,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Refusal,
    Status,
    Topic,
)
from messenger.presentation.i18n import LANGUAGES, use_language
from messenger.presentation.wording import describe


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Message("bob", "hi", b"", 0.0), "bob: hi"),
        (Message(None, "hi", b"", 0.0), "hi"),
        (MemberJoined("bob"), "bob joined"),
        (MemberLeft("bob"), "bob left"),
        (HostChanged("bob"), "bob is the host now"),
        (Topic("tea"), "topic: tea"),
        (Topic(""), "no topic"),
        (
            Unreadable(None, sealed=True, key_fits=True),
            "The topic can't be opened: it was sealed with another key, or changed on the way.",
        ),
        (Unreadable("a\x1b", sealed=False, key_fits=True), "A message from a\ufffd isn't sealed, so it is not shown."),
        (
            MemberEvicted("bob", EvictionReason.NEVER_CONNECTED),
            "bob was disconnected (never connected)",
        ),
        (Advice("slow down"), "slow down"),
        (Joined(None, "ann", False, 1, None), "You are in the lobby as ann."),
        (
            Joined(None, "ann", False, 1, None, heard=False),
            "You are in the lobby as ann, if it is there: nothing has been heard yet.",
        ),
        (
            Rejoined(False, False, 1, heard=False),
            "You are back in the lobby, if it is there: nothing has been heard yet.",
        ),
        (Joined("demo", "ann", False, 1, None), "You are in demo as ann."),
        (
            Joined("demo", "ann", True, 1, None),
            "You created demo and are its host, as ann: it closes when you leave.",
        ),
        (Rejoined(True, True, 1), "You are back; you may have missed something."),
        (Rejoined(False, False, 1), "You are back; you may have missed something."),
        (Rejoined(False, True, 1), "You are back, but another member is the host now."),
        (Recovered(), "The relay answers again."),
        (Missed(801, 803), "3 messages were lost here."),
        (Missed(801, 801), "1 message was lost here."),
        (Missed(), "Messages were lost here."),
        (Moved("next:9000"), "Moved to another server."),
        (Carried(Transport.UDP, tls=False), None),
        (
            Carried(Transport.UDP, tls=True),
            "The relay carries the chat over UDP: it is not encrypted, only joining was.",
        ),
        (
            Carried(Transport.STREAM, tls=False, sealed=True),
            (
                "The chat goes over TCP. It is not encrypted. "
                "Messages are sealed all the same: only members with the key can read them."
            ),
        ),
        (Carried(Transport.STREAM, tls=True, sealed=True), "The chat is encrypted on its way to the relay."),
        (Carried(Transport.STREAM, tls=True), "The chat is encrypted on its way to the relay."),
        (Carried(Transport.STREAM, tls=False), "The chat goes over TCP. It is not encrypted."),
        (
            Reconnecting(Ended(EndReason.EVICTED, "Why.", eviction=EvictionReason.SHUTDOWN), 2.6, 3),
            "The relay is shutting down. Trying again in 3 s (attempt 3).",
        ),
        (
            Reconnecting(Ended.refused(Refusal(Status.NO_SUCH_ROOM, said="No.")), 0.0, 4),
            "The relay seems to have been restarted: the room isn't there again yet. Trying again now (attempt 4).",
        ),
        (Disconnected(EvictionReason.SILENCE), None),
        (Rebound(), None),
        (Ended(EndReason.LEFT, "You left."), None),
    ],
)
def test_each_event_has_its_line(event: Event, line: str | None) -> None:
    assert describe(event) == line


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (MemberJoined("bob"), "bob さんが参加しました"),
        (Missed(801, 803), "ここで 3 件のメッセージが失われました。"),
        (Moved("next:9000"), "別のサーバーに移りました。"),
        (Carried(Transport.STREAM, tls=True), "チャットはサーバーまで暗号化されます。"),
        (MemberEvicted("bob", EvictionReason.KICKED), "bob さんとの接続が切れました（ホストによる退室）"),
        (CommandFailed(Failure.NOBODY, Command.KICK, "eve"), "eve という名前の人はここにいません。"),
        (Joined("demo", "ann", False, 1, None), "ann としてルーム demo に参加しました。"),
        (
            Reconnecting(Ended.refused(Refusal(Status.BUSY)), 1.0, 2),
            "サーバーが混み合っています。1 秒後に再接続します（2 回目）。",
        ),
    ],
)
def test_each_event_has_its_line_in_japanese(japanese: None, event: Event, line: str) -> None:  # noqa: ARG001
    assert describe(event) == line


@pytest.mark.parametrize("reason", EvictionReason)
def test_every_eviction_has_its_word(japanese: None, reason: EvictionReason) -> None:  # noqa: ARG001
    line = describe(MemberEvicted("bob", reason))
    assert line
    assert reason.replace("_", " ") not in line


@pytest.mark.parametrize("language", LANGUAGES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text())
def test_no_line_moves_a_cursor(language: str, sender: str, text: str) -> None:
    use_language(language)
    for event in (
        Message(sender, text, b"", 0.0),
        MemberJoined(text),
        Advice(text),
        Reconnecting(Ended.refused(Refusal(Status.BUSY, said=text)), 1, 1),
    ):
        line = describe(event)
        assert line is not None
        assert not [char for char in line if char in "\x1b\x07\r\n\x9b\u202e\u2066"]


def test_who_has_another_key_is_told_what_to_do() -> None:
    line = describe(Unreadable("bob", sealed=True, key_fits=False))
    assert line
    assert line.startswith(
        "A message from bob can't be opened: your key is probably not this room's. Nothing you write"
    )
    assert line.endswith("ask a member for the whole invitation.")
