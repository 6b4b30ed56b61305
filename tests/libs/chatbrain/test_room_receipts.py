"""A room's brain that has receipts: it believes what it hears, and keeps what can't be sent (RCP-01 to RCP-03)."""

from dataclasses import replace
from math import inf

import pytest

from chatbrain import BindDatagram, OpenStream, SendDatagram, Stage
from chatbrain.events import (
    Delivery,
    DeliveryState,
    Ended,
    Joined,
    Message,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Unheard,
)
from chatproto import Disconnected, EvictionReason, MemberJoined, Operation, Request, Status, Topic, encode_notice
from chatproto.receipts import encode_receipt, parse_numbered
from libs.chatbrain.membership_case import GRANT, RECEIPT_GRANT, RECEIPTS, Case

SENDING, SENT, TAKEN = DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.TAKEN
NOT_DELIVERED = DeliveryState.NOT_DELIVERED


def joined(*, enabled: bool = True) -> Case:
    """Return a member whose first question is answered."""
    case = Case(receipts=True, enabled=enabled)
    case.join(RECEIPT_GRANT)
    case.brain.receive_datagram(encode_receipt(1), 0.1)
    assert case.flush() == []
    return case


def states(case: Case) -> list[tuple[int, DeliveryState]]:
    return [(event.id, event.state) for event in case.brain.take_events() if isinstance(event, Delivery)]


def news(case: Case) -> list[type]:
    """Return what kinds of things happened, one's own messages aside."""
    return [type(event) for event in case.brain.take_events() if not isinstance(event, Delivery)]


def unheard(case: Case) -> float:
    """Let nothing be heard until TCP is asked; returns when."""
    now = case.until(Stage.VERIFYING)
    assert Unheard() in case.flush()
    return now


@pytest.mark.requirement("RCP-03", "FEAT-01")
def test_it_asks_for_receipts_and_at_once_whether_it_is_heard() -> None:
    case = Case(receipts=True)
    case.start()
    case.answer(0.0, RECEIPT_GRANT)
    assert case.requests == [(Operation.JOIN, "demo", Request("ann", json_reply=True, plain=False, features=RECEIPTS))]
    assert case.sent_messages() == [b"/say 1 "]
    assert case.flush() == [Joined("demo", "ann", False, 50, 300.0)]


@pytest.mark.requirement("RCP-03")
def test_a_quiet_room_is_no_reason_to_doubt_as_long_as_the_relay_answers() -> None:
    case, number = joined(), 1
    while (now := case.brain.next_deadline()) < 3600:
        case.brain.tick(now)
        if case.sent_messages():
            number += 1
            case.brain.receive_datagram(encode_receipt(number), now + 0.1)
    assert case.at(Stage.CHATTING)
    assert case.flush() == []
    assert 3600 / 22 - 1 <= number - 1 <= 3600 / 18


@pytest.mark.requirement("RCP-03")
@pytest.mark.parametrize("first_word_at", [None, 7.0])
def test_when_nothing_is_heard_it_says_so_in_time(first_word_at: float | None) -> None:
    case, since = joined(), 0.1
    if first_word_at:
        case.brain.say("hi", first_word_at)
        since = first_word_at
    case.flush()
    assert case.until(Stage.DEAF) - since < 30
    actions = case.brain.take_actions()
    assert BindDatagram(9001, again=True) in actions
    now = case.until(Stage.VERIFYING)
    assert now - since < (5 if first_word_at else 30)
    assert OpenStream() in case.brain.take_actions()
    assert news(case) == [Rebound, Unheard]


@pytest.mark.requirement("RCP-03")
def test_over_a_proxy_that_swallows_udp_it_says_so_in_five_seconds() -> None:
    case = Case(receipts=True)
    case.join(RECEIPT_GRANT)
    assert unheard(case) <= 5.0


def test_a_taken_name_proves_nothing_of_udp() -> None:
    case = joined()
    now = unheard(case)
    case.answer(now, Status.NAME_TAKEN)
    assert case.at(Stage.WAITING)
    (waiting,) = case.flush()
    assert isinstance(waiting, Reconnecting)
    assert "over UDP" in waiting.cause.text
    # It goes on asking both ways, and believes the first thing that it hears.
    now = case.until(Stage.VERIFYING)
    assert case.sent_messages()[-1].startswith(b"/say ")
    case.answer(now, Status.NAME_TAKEN)
    assert case.at(Stage.WAITING)
    case.brain.receive_datagram(b"bob: hi", now + 0.1)
    assert case.at(Stage.CHATTING)
    assert news(case)[:2] == [Reconnecting, Recovered]


def test_an_answer_ends_the_question_over_tcp() -> None:
    case = joined()
    now = unheard(case)
    case.brain.receive_datagram(encode_receipt(1), now)
    assert case.at(Stage.CHATTING)
    assert case.flush() == [Recovered()]
    case.brain.receive_stream(b"x", now)  # nobody listens there any more
    assert case.at(Stage.CHATTING)


def test_who_was_heard_meanwhile_is_taken_at_tcps_word() -> None:
    case = joined()
    now = unheard(case)
    case.brain.receive_datagram(b"bob: hi", now)
    assert case.at(Stage.VERIFYING)
    case.answer(now, Status.NAME_TAKEN)
    assert case.at(Stage.CHATTING)


def test_while_tcp_is_asked_no_missing_answer_adds_to_the_doubt() -> None:
    case = joined()
    now = unheard(case)
    case.brain.receive_datagram(b"bob: hi", now)
    case.answer(now, Status.BUSY)
    assert case.at(Stage.WAITING)
    asked_at = case.until(Stage.VERIFYING)
    assert case.until(Stage.WAITING) == asked_at + 4.0  # TCP's own deadline
    assert news(case) == [Message, Reconnecting, Reconnecting]


def test_a_relay_that_is_gone_is_waited_for_and_what_is_typed_meanwhile_is_sent_then() -> None:
    case = joined()
    now = unheard(case)
    case.brain.stream_closed(now)
    lost = case.brain.say("lost?", now)
    assert case.sent_messages() == []
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, RECEIPT_GRANT)
    assert case.sent_messages()[-1].endswith(b" lost?")
    assert [event for event in case.brain.take_events() if not isinstance(event, Rejoined)] == [
        Delivery(lost, SENDING, "lost?")
    ]


def test_what_a_lost_membership_left_unanswered_is_marked() -> None:
    case = joined()
    said = case.brain.say("hello", 1.0)
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE), json=True), 1.1)
    assert states(case) == [(said, SENDING), (said, NOT_DELIVERED)]


def test_a_new_place_knows_nothing_of_what_the_old_one_was_told() -> None:
    case = joined()
    said = case.brain.say("hello", 1.0)
    now = case.until(Stage.VERIFYING)
    case.answer(now, RECEIPT_GRANT)
    assert (said, NOT_DELIVERED) in states(case)


def test_messages_fare_as_the_relay_says() -> None:
    case = joined()
    first, second = case.brain.say("hello", 1.0), case.brain.say("world", 1.0)
    assert case.sent_messages() == [b"/say 2 hello", b"/say 3 world"]
    case.brain.receive_datagram(encode_receipt(3), 1.1)
    case.brain.receive_datagram(encode_receipt(2, "muted"), 1.1)
    assert case.flush()[2:] == [
        Delivery(second, TAKEN, "world"),
        Delivery(first, NOT_DELIVERED, "hello", "muted"),
    ]


def test_it_is_repeated_while_nothing_is_heard() -> None:
    case = joined()
    case.brain.say("hello", 1.0)
    case.brain.tick(1.3)
    assert case.sent_messages() == [b"/say 2 hello"] * 2


def test_a_command_is_numbered_and_not_kept_for_another_relay() -> None:
    case = joined()
    done = case.brain.command("/kick bob", 1.0)
    assert case.sent_messages() == [b"/say 2 /kick bob"]
    case.brain.receive_datagram(encode_receipt(2), 1.1)
    assert states(case) == [(done, SENDING), (done, TAKEN)]
    now = unheard(case)
    kept = case.brain.command("/password secret", now)
    case.answer(now, GRANT)
    assert b"secret" not in b"".join(case.sent_messages())
    assert (kept, NOT_DELIVERED) in states(case)
    assert case.brain.command("/password secret", now) == 0


def test_a_relay_without_receipts_is_told_plainly_and_doubted_as_ever() -> None:
    case = Case(receipts=True)
    case.join(GRANT)
    said = case.brain.say("hello", 1.0)
    assert case.sent_messages() == [b"hello"]
    assert case.flush() == [Delivery(said, SENT, "hello")]
    case.brain.receive_datagram(b'server: {"notice":"said","n":1}', 1.0)
    assert case.until(Stage.DEAF) > 45
    assert Unheard() not in case.flush()


def test_answers_that_nobody_asked_for_are_ignored() -> None:
    case = Case()
    case.join(RECEIPT_GRANT)
    assert case.brain.say("hello", 1.0) == 1
    assert case.sent_messages() == [b"hello"]
    case.brain.receive_datagram(encode_receipt(1), 1.0)
    assert case.flush() == []


def test_nothing_is_kept_before_the_first_join_nor_after_the_end_nor_without_end() -> None:
    case = Case(receipts=True)
    assert case.brain.say("early", 0.0) == 0
    case.join(RECEIPT_GRANT)
    count = 0
    while case.brain.say("x", 1.0):
        count += 1
    assert count > 1000
    case.brain.leave()
    events = case.flush()
    assert isinstance(events[-1], Ended)
    fates = [event.state for event in events if isinstance(event, Delivery)]
    assert fates.count(NOT_DELIVERED) == count
    assert case.brain.say("late", 2.0) == 0


def test_who_falls_silent_asks_nothing_until_the_next_word() -> None:
    case = joined()
    case.brain.keep_alive(1.0)
    case.brain.fall_silent()
    assert case.brain.next_deadline() == inf
    case.brain.say("back", 50.0)
    assert case.sent_messages()[-2:] == [b"/say 3 back", b"/say 4 "]
    assert case.until(Stage.VERIFYING) <= 55.0


@pytest.mark.requirement("MOD-07")
@pytest.mark.parametrize(("topic", "restored"), [("tea", [b"/topic tea"]), ("", [])])
def test_a_host_that_creates_its_room_anew_gives_it_its_topic(topic: str, restored: list[bytes]) -> None:
    case = Case(Operation.CREATE, receipts=True)
    grant = replace(RECEIPT_GRANT, host=True)
    case.join(grant)
    case.brain.receive_datagram(encode_notice(Topic(topic), json=True), 0.1)
    case.answer(unheard(case), Status.NO_SUCH_ROOM)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, grant)
    assert case.requests[-1][0] is Operation.CREATE
    texts = [numbered[1] for numbered in map(parse_numbered, case.sent_messages()) if numbered]
    assert [text for text in texts if text] == restored


def creating_again(words: str) -> tuple[Case, float]:
    """Return a host whose room is gone, which said something meanwhile and creates the room again; and when."""
    case, grant = Case(Operation.CREATE, receipts=True), replace(RECEIPT_GRANT, host=True)
    case.join(grant)
    lost = unheard(case)
    case.brain.say(words, lost)
    case.answer(lost, Status.NO_SUCH_ROOM)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, grant)
    return case, now


def texts(case: Case) -> list[bytes]:
    """Return what was said since the last time, once each."""
    said = [numbered[1] for numbered in map(parse_numbered, case.sent_messages()) if numbered and numbered[1]]
    return list(dict.fromkeys(said))


def test_in_a_room_that_is_created_again_messages_wait_until_somebody_joins() -> None:
    case, now = creating_again("anybody there?")
    assert case.brain.say("hello", now)
    assert case.brain.command("/who", now)
    assert texts(case) == [b"/who"]
    case.brain.receive_datagram(encode_notice(MemberJoined("bob"), json=True), now + 0.1)
    assert texts(case) == [b"anybody there?", b"hello"]


def test_who_fell_silent_may_sleep() -> None:
    case = joined()
    case.brain.compare_clocks(0.2, 0.0)
    case.brain.fall_silent()
    case.brain.compare_clocks(0.3, 1000.0)
    assert case.sent_messages() == []


def test_who_wakes_up_waits_no_longer_for_the_next_attempt() -> None:
    case = joined()
    now = unheard(case)
    case.brain.stream_closed(now)
    case.brain.compare_clocks(now, 0.0)
    case.brain.compare_clocks(now, 1000.0)
    assert case.brain.next_deadline() == now


def test_without_rejoining_what_cant_be_heard_ends() -> None:
    case = joined(enabled=False)
    case.answer(unheard(case), Status.NAME_TAKEN)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert "over UDP" in ended.text


@pytest.mark.parametrize("slept", [30.0, -3600.0])
def test_a_machine_that_slept_verifies_its_membership_at_once(slept: float) -> None:
    case = joined()
    case.brain.compare_clocks(2.1, 1000.0)
    case.brain.compare_clocks(4.1, 1002.1)
    assert case.sent_messages() == []
    case.brain.compare_clocks(6.1, 1004.1 + slept)
    assert case.sent_messages() == [b"/say 2 "]
    assert case.until(Stage.VERIFYING) <= 11.1


def test_it_looks_every_two_seconds_whether_the_machine_slept() -> None:
    case = joined()
    looks = []
    while (now := case.brain.next_deadline()) < 12:
        case.brain.tick(now)
        looks.append(now)
    assert looks == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_without_receipts_who_slept_asks_over_tcp() -> None:
    case = Case()
    case.join(GRANT)
    case.brain.compare_clocks(0.0, 0.0)
    case.brain.compare_clocks(1.0, 100.0)
    assert case.at(Stage.VERIFYING)
    assert OpenStream() in case.brain.take_actions()
    case.brain.compare_clocks(2.0, 300.0)
    assert case.at(Stage.VERIFYING)


def test_one_success_makes_others_try_at_once() -> None:
    case = joined()
    now = unheard(case)
    case.brain.try_now(now)  # nothing waits
    assert case.brain.next_deadline() > now
    case.brain.stream_closed(now)
    case.brain.try_now(now)
    assert case.brain.next_deadline() == now
    case.brain.tick(now)
    assert case.at(Stage.VERIFYING)


def test_a_relay_that_isnt_there_is_waited_for_without_an_end() -> None:
    case, now = joined(), 0.0
    pauses = []
    while now < 7200:
        before, now = now, case.until(Stage.VERIFYING)
        pauses.append(now - before)
        case.brain.stream_closed(now)
        case.flush()
    assert case.at(Stage.WAITING)
    assert max(pauses[1:]) <= 30


def test_datagrams_that_come_back_hurry_it_up() -> None:
    case = joined()
    case.brain.datagram_error(1.0)
    assert case.at(Stage.DEAF)
    assert SendDatagram(b"\x04\x05demotoken/say 2 ") in case.brain.take_actions()
    case.brain.datagram_error(1.1)
    assert case.at(Stage.VERIFYING)
    assert news(case) == [Rebound, Unheard]
