"""How one is in, in words, and the buttons that help: the same for both apps."""

import pytest

from chatbrain import Ended, Tls
from chatproto import Disconnected, EvictionReason, Refusal, Status
from messenger.core.facts import Presence
from messenger.core.remedy import Remedy
from messenger.core.roster import Person
from messenger.presentation.i18n import use_language
from messenger.presentation.state import (
    Act,
    Tone,
    is_encrypted,
    label_of,
    marks_of,
    notice_of,
    plain,
    state_of,
    tone_of,
)
from services.messenger.core.fake_relay import SHOWN, Case, at, entry

BUTTONS = (*Remedy, *Act)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_button_has_a_label_with_a_key_and_one_without(language: str) -> None:
    use_language(language)
    labels = [label_of(button) for button in BUTTONS]
    assert all(label.count("&") == 1 for label in labels)
    assert not any(set("&().") & set(plain(label)) for label in labels)
    assert len({plain(label) for label in labels}) == len(BUTTONS)


def test_who_is_in_needs_to_know_nothing() -> None:
    case = Case()
    room = case.messenger.enter(entry())
    assert (tone_of(room), notice_of(room, 0)) == (None, None)
    assert state_of(room, 0) == "Connected"


def test_a_chat_that_nobody_on_the_way_can_read_has_a_lock() -> None:
    case = Case()
    case.relay.streams = True
    tls = Tls(fingerprint=SHOWN)
    room, plain_room = case.messenger.enter(entry(tls=tls)), case.messenger.enter(entry("other"))
    assert (state_of(room, 0), state_of(plain_room, 0)) == ("Connected, encrypted", "Connected")
    assert (is_encrypted(room), is_encrypted(plain_room)) == (True, False)
    case.relay.streams = False
    room.leave()
    assert not is_encrypted(room)
    case.messenger.again(room)
    assert state_of(room, 0) == "Connected"


def test_who_left_is_told_calmly_and_who_did_not_come_in_loudly() -> None:
    case = Case()
    room = case.messenger.enter(entry())
    room.leave()
    assert tone_of(room) is Tone.CALM
    case.relay.verdict = None
    other = case.messenger.enter(entry("other"))
    assert tone_of(other) is Tone.DANGER


@pytest.mark.parametrize(("seconds", "words"), [(0.0, "1 s"), (2.1, "3 s")])
def test_the_time_to_the_next_attempt_is_whole_seconds(seconds: float, words: str) -> None:
    case = Case()
    room = case.messenger.enter(entry())
    case.relay.verdict = None
    case.relay.notices(Disconnected(EvictionReason.SILENCE))
    assert at(room, Presence.WAITING)
    notice = notice_of(room, seconds)
    assert notice
    assert state_of(room, seconds) == f"Reconnecting in {words}"
    assert notice.todo.endswith(f" Reconnecting in {words}")
    assert notice.buttons == (Act.NOW, Act.LEAVE)


def test_the_lobby_is_never_created() -> None:
    case = Case()
    lobby, room = case.messenger.enter(entry(None)), case.messenger.enter(entry())
    for conversation, helpful in ((lobby, [Remedy.AGAIN]), (room, [Remedy.CREATE, Remedy.AGAIN])):
        conversation.end(Ended.refused(Refusal(Status.NO_SUCH_ROOM)))
        notice = notice_of(conversation, 0)
        assert notice
        assert [*notice.buttons] == [*helpful, Act.REMOVE]


def test_what_is_special_about_a_member_is_said() -> None:
    assert marks_of(Person("ann")) == []
    assert marks_of(Person("ann", True, True, True, ignored=True)) == ["host", "muted", "away", "ignored"]
