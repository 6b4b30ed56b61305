"""The room's brain when the relay takes the place away, and when one falls silent."""

from math import inf

import pytest

from chatbrain import (
    CloseDatagram,
    CloseStream,
    Stage,
)
from chatbrain.events import Ended, EndReason, Rebound, Reconnecting, Rejoined
from chatproto import (
    Completion,
    Disconnected,
    EvictionReason,
    Operation,
    Refusal,
    Status,
    encode_notice,
)
from libs.chatbrain.membership_case import GRANT, HOST_GRANT, hosting, joined, verifying


@pytest.mark.requirement("EVI-02")
@pytest.mark.parametrize(
    "reason",
    [EvictionReason.SILENCE, EvictionReason.UNREACHABLE, EvictionReason.NEVER_CONNECTED, EvictionReason.SHUTDOWN],
)
def test_an_evicted_member_joins_again(reason: EvictionReason) -> None:
    case = joined()
    case.brain.receive_datagram(encode_notice(Disconnected(reason)), 10.0)
    assert case.brain.take_actions() == [CloseDatagram()]
    cause = Ended(EndReason.EVICTED, reason.message, eviction=reason)
    assert case.brain.take_events() == [Disconnected(reason), Reconnecting(cause, 0.5, 1)]
    assert case.brain.next_deadline() == 10.5
    case.brain.tick(10.5)
    case.flush()
    case.answer(10.5, GRANT)
    assert case.requests[-1][0] is Operation.JOIN
    assert case.flush() == [Rejoined(host=False, was_host=False, max_message_bytes=50)]


def test_an_evicted_host_creates_its_room_again() -> None:
    case = hosting()
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE)), 10.0)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, HOST_GRANT)
    assert case.requests[-1][0] is Operation.CREATE


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        (EvictionReason.ABUSE, EndReason.EVICTED),
        (EvictionReason.KICKED, EndReason.EVICTED),
        (EvictionReason.HOST_LEFT, EndReason.ROOM_CLOSED),
    ],
)
def test_who_isnt_wanted_doesnt_come_back(reason: EvictionReason, end: EndReason) -> None:
    case = joined()
    case.brain.receive_datagram(encode_notice(Disconnected(reason)), 10.0)
    assert case.flush() == [Disconnected(reason), Ended(end, reason.message, eviction=reason)]


def test_an_eviction_ends_the_question_whether_one_lives() -> None:
    case = joined()
    now = verifying(case)
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE)), now)
    assert CloseStream() in case.brain.take_actions()
    assert case.at(Stage.WAITING)


def test_without_rejoining_an_eviction_ends_it() -> None:
    case = joined(enabled=False)
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE)), 10.0)
    assert case.flush()[-1] == Ended(EndReason.EVICTED, EvictionReason.SILENCE.message, eviction=EvictionReason.SILENCE)


def test_without_rejoining_a_new_place_is_given_back() -> None:
    case = joined(enabled=False)
    case.answer(verifying(case), Completion(b"other", False, 9001, 300.0, 50))
    assert case.sent_messages()[-1] == b"/leave"
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.EVICTED


@pytest.mark.parametrize("gone", [Status.NO_SUCH_ROOM, Status.WRONG_PASSWORD], ids=["told", "hidden"])
def test_a_host_creates_a_room_that_is_gone_anew_with_its_password(gone: Status) -> None:
    case = hosting("open sesame")
    for operation, verdict in ((Operation.JOIN, gone), (Operation.CREATE, HOST_GRANT)) * 2:  # it restarts twice
        now = case.until(Stage.JOINING if case.at(Stage.WAITING) else Stage.VERIFYING)
        case.flush()
        case.answer(now, verdict)
        asked, _, request = case.requests[-1]
        assert (asked, request.password) == (operation, "open sesame")
        assert (case.brain.next_deadline() == now) == (verdict is gone)  # there is nothing to wait for
    assert Rejoined(host=True, was_host=True, max_message_bytes=50) in case.flush()


@pytest.mark.requirement("PWD-02")
def test_a_host_whose_room_somebody_else_holds_with_another_password_gives_up() -> None:
    case = hosting("open sesame")
    now = verifying(case)
    for status in (Status.WRONG_PASSWORD, Status.ROOM_EXISTS, Status.WRONG_PASSWORD):
        if case.at(Stage.WAITING):
            now = case.until(Stage.JOINING)
            case.flush()
        case.answer(now, status)
    asked = [operation for operation, _, _ in case.requests[1:]]
    assert asked == [Operation.JOIN, Operation.CREATE, Operation.JOIN]
    assert case.flush() == [Ended.refused(Refusal(Status.WRONG_PASSWORD))]


def test_attempts_are_counted_anew_after_a_while_in_the_room() -> None:
    case = joined(max_delay_seconds=30.0)
    notice = encode_notice(Disconnected(EvictionReason.SILENCE))
    attempts, now = [], 0.0
    for stay in (0.0, 1.0, 31.0):
        case.brain.receive_datagram(notice, now + stay)
        attempts += [event.attempt for event in case.flush() if isinstance(event, Reconnecting)]
        now = case.until(Stage.JOINING)
        case.flush()
        case.answer(now, GRANT)
    assert attempts == [1, 2, 1]


def test_who_falls_silent_says_and_doubts_nothing() -> None:
    case = joined()
    case.brain.fall_silent()
    assert case.brain.next_deadline() == inf
    case.brain.datagram_error(1.0)
    case.brain.receive_datagram(b"bob: hi", 2.0)
    assert case.brain.next_deadline() == inf
    assert case.brain.take_actions() == []


def test_a_word_ends_the_silence() -> None:
    case = joined()
    case.brain.fall_silent()
    case.brain.say("back", 5.0)
    assert case.sent_messages() == [b"back", b""]
    assert case.brain.next_deadline() == 27.0


def test_who_speaks_again_is_doubted_again_when_nothing_is_heard() -> None:
    case = joined()
    case.brain.fall_silent()
    case.brain.say("back", 100.0)
    case.flush()
    assert case.until(Stage.DEAF) == 145.0
    assert case.flush() == [Rebound()]
    assert case.until(Stage.VERIFYING) == 165.0


def test_who_speaks_again_is_told_of_closed_ports_again() -> None:
    case = joined()
    case.brain.fall_silent()
    case.brain.keep_alive(100.0)
    case.brain.datagram_error(100.1)
    assert case.at(Stage.DEAF)
