"""The room's brain when nothing is heard: a new port, a question over TCP, patience."""

from math import inf

import pytest

from chatbrain import (
    BindDatagram,
    CloseDatagram,
    CloseStream,
    OpenStream,
    SendDatagram,
    Stage,
)
from chatbrain.events import Ended, Message, Rebound, Reconnecting, Recovered, Rejoined
from chatproto import (
    Completion,
    Operation,
    Refusal,
    Status,
)
from libs.chatbrain.membership_case import GRANT, HOST_GRANT, hosting, joined, verifying


def test_after_long_silence_it_speaks_from_a_new_port() -> None:
    case = joined()
    assert case.until(Stage.DEAF) == 45.0
    actions = case.brain.take_actions()
    assert actions[-2:] == [BindDatagram(9001, again=True), SendDatagram(b"\x04\x05demotoken")]
    assert case.brain.take_events() == [Rebound()]


def test_what_is_heard_puts_the_doubt_off() -> None:
    case = joined()
    case.brain.receive_datagram(b"bob: hi", 30.0)
    assert case.until(Stage.DEAF) == 75.0


def test_what_is_heard_on_the_new_port_ends_the_doubt() -> None:
    case = joined()
    now = case.until(Stage.DEAF)
    case.brain.receive_datagram(b"bob: hi", now + 1)
    assert case.at(Stage.CHATTING)
    assert case.until(Stage.DEAF) == now + 46


def test_still_deaf_it_asks_the_relay_and_takes_a_taken_name_for_its_own() -> None:
    case = joined()
    assert case.until(Stage.VERIFYING) == 65.0
    assert case.brain.take_actions()[-1] == OpenStream()
    case.flush()
    case.answer(66.0, Status.NAME_TAKEN)
    assert case.at(Stage.CHATTING)
    assert case.flush() == []  # a quiet room is no news


def test_a_quiet_room_is_doubted_less_and_less_often() -> None:
    case = joined()
    waits, asked = [], 0.0
    for _ in range(6):
        now = case.until(Stage.DEAF)
        waits.append(now - asked)
        asked = verifying(case)
        case.answer(asked, Status.NAME_TAKEN)
    assert waits == [45, 90, 180, 360, 720, 720]
    case.brain.receive_datagram(b"bob: hi", asked)
    assert case.until(Stage.DEAF) == asked + 45


def test_a_full_rooms_refusal_says_nothing_against_the_membership() -> None:
    case = joined()
    case.answer(verifying(case), Status.ROOM_FULL)
    assert case.at(Stage.CHATTING)


def test_a_dead_membership_is_replaced() -> None:
    case = joined()
    case.answer(verifying(case), Completion(b"other", False, 9002, 300.0, 40))
    assert case.brain.take_actions() == [CloseStream(), BindDatagram(9002), SendDatagram(b"\x04\x05demoother")]
    assert case.brain.take_events() == [Rejoined(host=False, was_host=False, max_message_bytes=40)]


def test_a_host_that_joins_again_is_told_that_it_is_none_any_more() -> None:
    case = hosting()
    case.answer(verifying(case), GRANT)
    assert case.requests[-1][0] is Operation.JOIN
    assert case.flush() == [Rejoined(host=False, was_host=True, max_message_bytes=50)]


def test_a_host_whose_room_is_gone_creates_it_again() -> None:
    case = hosting()
    asked_at = verifying(case)
    case.answer(asked_at, Status.NO_SUCH_ROOM)
    (reconnecting,) = (event for event in case.flush() if isinstance(event, Reconnecting))
    now = case.until(Stage.JOINING)
    assert (reconnecting.delay_seconds, now) == (0.0, asked_at)
    case.flush()
    case.answer(now, HOST_GRANT)
    assert case.requests[-1][0] is Operation.CREATE
    assert case.flush() == [Rejoined(host=True, was_host=True, max_message_bytes=50)]


def test_a_host_whose_room_somebody_else_created_joins_it() -> None:
    case = hosting()
    case.answer(verifying(case), Status.NO_SUCH_ROOM)
    for verdict in (Status.ROOM_EXISTS, GRANT):
        now = case.until(Stage.JOINING)
        case.flush()
        case.answer(now, verdict)
    assert [operation for operation, _, _ in case.requests[-2:]] == [Operation.CREATE, Operation.JOIN]
    assert case.at(Stage.CHATTING)


def test_a_member_whose_room_is_gone_tries_for_a_while_and_says_why_it_ends() -> None:
    case = joined(max_attempts=2)
    case.answer(verifying(case), Status.NO_SUCH_ROOM)
    assert case.brain.take_actions() == [CloseStream(), CloseDatagram()]
    for _ in range(2):
        now = case.until(Stage.JOINING)
        case.brain.take_actions()
        case.answer(now, Status.NO_SUCH_ROOM)
    first, second, end = case.flush()
    assert end == Ended.refused(Refusal(Status.NO_SUCH_ROOM))
    assert first == Reconnecting(end, 0.5, 1)
    assert second == Reconnecting(end, 1.0, 2)
    assert second.reason == Status.NO_SUCH_ROOM.message


def test_a_refusal_that_wont_pass_ends_it() -> None:
    case = joined()
    case.answer(verifying(case), Status.WRONG_PASSWORD)
    assert case.flush() == [Ended.refused(Refusal(Status.WRONG_PASSWORD))]


@pytest.mark.parametrize("status", [Status.BUSY, Status.SHUTTING_DOWN])
def test_a_relay_that_has_no_time_is_asked_again_with_the_membership_kept(status: Status) -> None:
    case = joined()
    case.answer(verifying(case), status)
    assert case.brain.say("still here", 70.0)
    now = verifying(case)
    case.answer(now, Status.NAME_TAKEN)
    assert case.flush() == [Recovered()]


def test_an_unreachable_relay_is_tried_again_and_recovers() -> None:
    case = joined()
    now = verifying(case)
    case.brain.stream_closed(now)
    (waiting,) = case.flush()
    assert isinstance(waiting, Reconnecting)
    assert waiting.attempt == 1
    case.brain.receive_datagram(b"bob: hi", now + 0.1)
    assert case.flush() == [Recovered(), Message("bob", "hi", b"bob: hi", now + 0.1)]
    case.brain.receive_datagram(b"bob: well?", now + 0.2)
    assert case.flush() == [Message("bob", "well?", b"bob: well?", now + 0.2)]
    assert case.until(Stage.DEAF) == now + 45.2


def test_what_is_heard_while_the_relay_is_asked_doesnt_forestall_its_answer() -> None:
    case = joined()
    now = verifying(case)
    case.brain.receive_datagram(b"bob: hi", now)
    assert case.at(Stage.VERIFYING)
    case.answer(now, GRANT)
    assert case.flush()[-1] == Rejoined(host=False, was_host=False, max_message_bytes=50)


def test_from_another_local_address_a_taken_name_is_a_dead_selfs() -> None:
    case = joined()
    case.answer(verifying(case), Status.NAME_TAKEN, address="192.168.7.7")
    assert case.at(Stage.WAITING)
    assert not case.brain.say("nobody takes this", 70.0)
    now = case.until(Stage.JOINING)
    case.brain.take_actions()
    case.answer(now, GRANT, address="192.168.7.7")
    assert isinstance(case.flush()[-1], Rejoined)


def test_undeliverable_datagrams_hurry_it_up() -> None:
    case = joined()
    case.brain.datagram_error(1.0)
    assert case.at(Stage.DEAF)
    case.flush()
    case.brain.datagram_error(1.1)
    assert case.at(Stage.VERIFYING)
    case.brain.datagram_error(1.2)
    case.flush()
    case.answer(1.3, Status.NAME_TAKEN)
    case.brain.datagram_error(1.4)  # TCP answers, UDP doesn't: no storm
    assert case.at(Stage.CHATTING)


def test_a_relay_without_udp_isnt_joined_again_and_again() -> None:
    case = joined()
    case.brain.datagram_error(1.0)
    case.brain.datagram_error(1.1)
    case.flush()
    case.answer(1.2, GRANT)
    case.brain.datagram_error(1.3)
    assert case.at(Stage.CHATTING)


def test_a_silent_member_that_is_deaf_stays_so() -> None:
    case = joined()
    case.until(Stage.DEAF)
    case.brain.fall_silent()
    assert case.brain.next_deadline() == inf


def test_a_mute_relay_is_given_up_and_asked_again() -> None:
    case = joined()
    verifying(case)
    case.until(Stage.WAITING)
    assert CloseStream() in case.brain.take_actions()
    case.until(Stage.VERIFYING)
