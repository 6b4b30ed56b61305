"""A room's brain that has a ticket: it takes its own seat again, or a new one if that is gone (RES-01 to RES-05)."""

from dataclasses import replace

import pytest

from chatbrain import BindDatagram, OpenStream, Stage
from chatbrain.events import Delivery, DeliveryState, Ended, EndReason, Reconnecting, Recovered, Rejoined, Unheard
from chatproto import Disconnected, EvictionReason, Feature, Operation, Status, encode_notice
from chatproto.receipts import encode_receipt
from libs.chatbrain.membership_case import NOTICES, RECEIPT_GRANT, RECEIPTS, Case

FEATURES = RECEIPTS | {Feature.RESUME}
FIRST = replace(RECEIPT_GRANT, features=FEATURES, ticket="T1")
SECOND = replace(FIRST, token=b"again", ticket="T2")


def joined(*, enabled: bool = True) -> Case:
    """Return a member with a ticket, whose first question is answered."""
    case = Case(password="secret", receipts=True, resumes=True, enabled=enabled)
    case.join(FIRST)
    case.brain.receive_datagram(encode_receipt(1), 0.1)
    assert case.flush() == []
    return case


def doubting(case: Case, said: str = "hello") -> float:
    """Let a word be unanswered until TCP is asked; returns when."""
    case.brain.say(said, 10.0)
    now = case.until(Stage.VERIFYING)
    assert Unheard() in case.flush()
    return now


def kinds(case: Case) -> list[type]:
    return [type(event) for event in case.brain.take_events() if not isinstance(event, Delivery)]


@pytest.mark.requirement("RES-01", "RES-02", "FEAT-01")
def test_it_asks_for_a_ticket_and_names_each_attempt() -> None:
    case = joined()
    (join,) = case.requests
    assert (join[2].features, join[2].attempt, join[2].ticket) == (
        FEATURES | {Feature.FOLLOW}, "attempt 00000001", "",
    )  # fmt: skip
    silent = Case(receipts=False, resumes=True)
    silent.join()
    assert (silent.requests[0][2].features, silent.requests[0][2].attempt) == (NOTICES | {Feature.FOLLOW}, "")


@pytest.mark.requirement("RES-01")
def test_in_doubt_it_takes_its_own_seat_again_and_says_what_was_not_answered() -> None:
    case = joined()
    now = doubting(case)
    assert now < 10.0 + 3.0  # no other port is tried first
    case.brain.say("and this", now)
    case.answer(now, SECOND)
    operation, _, request = case.requests[-1]
    assert (operation, request.ticket, request.attempt, request.password) == (
        Operation.JOIN, "T1", "attempt 00000002", None,
    )  # fmt: skip
    actions = case.brain.take_actions()
    assert BindDatagram(9001) in actions
    sent = [action.data for action in actions if hasattr(action, "data")]
    assert sent == [b"\x04\x05demoagain/say 4 ", b"\x04\x05demoagain/say 2 hello"]
    assert (case.brain.stage, kinds(case)) == (Stage.RESUMED, [])
    case.brain.receive_datagram(encode_receipt(2), now + 0.1)
    assert case.at(Stage.CHATTING)
    assert case.sent_messages() == [b"/say 5 and this"]
    events = case.brain.take_events()
    assert Recovered() in events
    assert Delivery(1, DeliveryState.TAKEN, "hello") in events
    assert doubting(case, "next") > 0
    case.answer(20.0, replace(FIRST, ticket="T3"))
    assert case.requests[-1][2].ticket == "T2"


@pytest.mark.requirement("RES-01", "RCP-03")
def test_a_seat_that_was_given_proves_nothing_of_udp() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, SECOND)
    case.flush()
    then = case.until(Stage.WAITING)
    assert then - 10.0 <= 5.0
    (told,) = [event for event in case.flush() if isinstance(event, Reconnecting)]
    assert "over UDP" in told.cause.text
    case.until(Stage.VERIFYING)
    case.answer(then + 1.0, replace(FIRST, ticket="T3"))
    case.brain.datagram_error(then + 1.1)
    assert case.at(Stage.WAITING)


@pytest.mark.requirement("RES-02")
def test_what_was_not_answered_over_tcp_is_the_same_attempt_again() -> None:
    case = joined()
    now = doubting(case)
    case.brain.connected("10.0.0.1")
    case.brain.stream_closed(now)
    case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now + 2.0, Status.BUSY)
    assert (case.requests[-1][2].ticket, case.requests[-1][2].attempt) == ("T1", "attempt 00000002")
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, SECOND)
    assert (case.requests[-1][2].ticket, case.requests[-1][2].attempt) == ("T1", "attempt 00000003")


@pytest.mark.requirement("RES-04")
def test_without_a_seat_it_joins_anew_at_once() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, Status.NO_SEAT)
    assert case.at(Stage.JOINING)
    assert OpenStream() in case.brain.take_actions()
    case.answer(now, SECOND)
    operation, _, request = case.requests[-1]
    assert (operation, request.ticket, request.password) == (Operation.JOIN, "", "secret")
    assert case.at(Stage.CHATTING)
    events = case.brain.take_events()
    assert Rejoined(False, False, 50) in events
    assert Delivery(1, DeliveryState.NOT_DELIVERED, "hello") in events


@pytest.mark.requirement("RES-03", "RES-04")
@pytest.mark.parametrize("status", [Status.TOO_MANY, Status.SHUTTING_DOWN])
def test_a_seat_that_cannot_be_taken_now_is_asked_for_again(status: Status) -> None:
    case = joined()
    case.answer(doubting(case), status)
    assert (case.brain.stage, kinds(case)) == (Stage.WAITING, [Reconnecting])
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, SECOND)
    assert (case.requests[-1][2].ticket, case.brain.stage) == ("T1", Stage.RESUMED)


@pytest.mark.requirement("RES-01", "FEAT-01")
def test_a_relay_that_gives_no_receipts_any_more_is_joined_as_if_anew() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, replace(FIRST, features=frozenset({Feature.NOTICES}), ticket=""))
    assert case.at(Stage.CHATTING)
    assert Rejoined in kinds(case)


@pytest.mark.requirement("RES-05")
def test_who_is_told_that_its_seat_was_taken_over_doesnt_take_it_back() -> None:
    case = joined()
    notice = Disconnected(EvictionReason.RESUMED_ELSEWHERE)
    case.brain.receive_datagram(encode_notice(notice, json=True), 5.0)
    assert case.at(Stage.ENDED)
    ended = case.brain.take_events()[-1]
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.eviction) == (EndReason.EVICTED, EvictionReason.RESUMED_ELSEWHERE)


@pytest.mark.requirement("RES-01")
def test_who_comes_back_by_itself_never_keeps_its_own_seat_all_the_same() -> None:
    case = joined(enabled=False)
    case.answer(doubting(case), SECOND)
    assert case.at(Stage.RESUMED)
    case.until(Stage.ENDED)
    ended = case.brain.take_events()[-1]
    assert isinstance(ended, Ended)
    assert "over UDP" in ended.text
