"""By what a room's brain chats: never a word where none may be said, and a stream where UDP isn't heard (STR-01)."""

from dataclasses import replace

import pytest

from chatbrain import BindDatagram, CloseDatagram, CloseStream, SendStream, Stage, Transport
from chatbrain.carriage import Carriage
from chatbrain.events import (
    Carried,
    Ended,
    EndReason,
    Reconnecting,
    Recovered,
    Unheard,
)
from chatbrain.findings import Fault
from chatproto import (
    Completion,
    MemberJoined,
    encode_notice,
)
from chatproto.receipts import encode_receipt
from chatproto.stream import (
    Leave,
    encode_to_relay,
    encode_took,
)
from libs.chatbrain.membership_case import RECEIPT_GRANT, Case
from libs.chatbrain.stream_case import (
    AGAIN,
    DATAGRAMS,
    STREAM,
    broken,
    streaming,
    told,
)

STRIPPED = {
    "no stream": DATAGRAMS,
    "no features": replace(RECEIPT_GRANT, features=frozenset()),
    "what an old relay grants": Completion(b"token", False, 9001, 300.0, 50),
}


@pytest.mark.parametrize("stripped", STRIPPED)
@pytest.mark.parametrize("joined", [True, False])
def test_without_the_stream_that_was_asked_for_by_name_no_word_is_said(stripped: str, *, joined: bool) -> None:
    case = Case(transport=Transport.STREAM, resumes=True)
    if joined:
        case = streaming()
        case.brain.say("secret", 9.0)
        broken(case, 10.0)
        case.brain.say("secret", 10.0)
    else:
        case.start()
    case.answer(10.0, STRIPPED[stripped])
    assert case.at(Stage.ENDED)
    actions = case.brain.take_actions()
    assert [action for action in actions if hasattr(action, "data")] == [SendStream(encode_to_relay(Leave()))]
    assert CloseStream() in actions
    ended = case.brain.take_events()[-1]
    assert isinstance(ended, Ended)
    assert ended.finding
    assert (ended.reason, ended.finding.fault) == (EndReason.UNREACHABLE, Fault.NO_STREAM)
    assert "over TCP" in ended.text
    assert case.brain.say("secret", 11.0) == 0


def test_a_stream_that_nobody_asked_for_is_none() -> None:
    case = Case(receipts=True, resumes=True)
    case.start()
    case.answer(0.0, STREAM)
    assert BindDatagram(9001) in case.brain.take_actions()
    assert not [event for event in case.brain.take_events() if isinstance(event, Carried)]


@pytest.mark.parametrize("encrypted", [True, False])
def test_by_itself_it_asks_for_a_stream_where_one_joins_by_tls(*, encrypted: bool) -> None:
    case = Case(transport=Transport.AUTO, encrypted=encrypted, resumes=True)
    case.start()
    case.answer(0.0, STREAM if encrypted else DATAGRAMS)
    assert case.requests[0][2].stream is encrypted
    by = Transport.STREAM if encrypted else Transport.UDP
    told = case.brain.take_events()[-1]
    assert told == Carried(by, tls=encrypted)
    assert isinstance(told, Carried)
    assert told.encrypted is encrypted


def test_it_says_that_what_is_said_is_sealed() -> None:
    carriage = Carriage(Transport.STREAM, sealed=True)
    assert carriage.news(stream=True) == Carried(Transport.STREAM, tls=False, sealed=True)


def test_where_no_stream_is_granted_udp_carries_it_and_it_says_so() -> None:
    case = Case(transport=Transport.AUTO, encrypted=True, resumes=True)
    case.start()
    case.answer(0.0, DATAGRAMS)
    assert case.sent_messages() == [b"/say 1 "]
    assert case.brain.take_events()[-1] == Carried(Transport.UDP, tls=True)


def silent_udp() -> tuple[Case, float]:
    """Return a member of whom nothing is heard over UDP, and when TCP is asked."""
    case = Case(transport=Transport.AUTO, resumes=True)
    case.join(DATAGRAMS)
    case.brain.say("hello", 0.1)
    now = case.until(Stage.VERIFYING)
    assert now <= 3.0
    assert Unheard() in case.flush()
    return case, now


def test_when_udp_is_not_heard_the_seat_is_taken_again_as_a_stream() -> None:
    case, now = silent_udp()
    case.answer(now, AGAIN)
    request = case.requests[-1][2]
    assert (request.ticket, request.stream, request.epoch) == ("T1", True, "")
    actions = case.brain.take_actions()
    assert CloseDatagram() in actions
    assert told(case) == [Recovered(), Carried(Transport.STREAM, tls=False, fell_back=True)]
    assert b'{"say":"hello","n":2}\n' in [action.data for action in actions if hasattr(action, "data")]
    case.hear(now + 1.0, encode_took(2, 21))
    broken(case, now + 10.0)
    case.answer(now + 10.0, replace(AGAIN, ticket="T3"))
    assert case.requests[-1][2].epoch == "e1"
    assert told(case) == []  # it is said once


def test_where_the_relay_grants_no_stream_for_it_udp_is_tried_on() -> None:
    case, now = silent_udp()
    case.answer(now, replace(DATAGRAMS, ticket="T2"))
    assert case.at(Stage.RESUMED)
    case.until(Stage.WAITING)
    assert "over UDP" in next(event for event in case.flush() if isinstance(event, Reconnecting)).cause.text


def test_udp_that_was_heard_and_falls_silent_has_a_second_chance() -> None:
    case = Case(transport=Transport.AUTO, resumes=True)
    case.join(DATAGRAMS)
    case.brain.receive_datagram(encode_receipt(1), 0.1)
    case.brain.say("hello", 10.0)
    now = case.until(Stage.VERIFYING)
    events = case.flush()
    case.answer(now, replace(DATAGRAMS, ticket="T2"))
    now = case.until(Stage.VERIFYING)
    events += case.flush()
    case.answer(now, AGAIN)
    assert events.count(Unheard()) == 1
    assert [request.stream for _, _, request in case.requests] == [False, False, True]
    assert case.at(Stage.CHATTING)


def test_udp_that_answers_while_tcp_is_asked_stays() -> None:
    case, now = silent_udp()
    case.brain.receive_datagram(encode_receipt(1), now)
    assert case.at(Stage.CHATTING)
    case.brain.receive_datagram(encode_notice(MemberJoined("bob"), json=True), now)
    assert MemberJoined("bob") in case.flush()


def test_a_relay_that_gives_streams_no_more_gets_datagrams_and_back() -> None:
    case = Case(transport=Transport.AUTO, encrypted=True, resumes=True)
    case.join(STREAM)
    broken(case, 10.0)
    case.answer(10.0, replace(DATAGRAMS, ticket="T2"))
    assert told(case) == [Carried(Transport.UDP, tls=True)]
    assert case.at(Stage.RESUMED)
    now = case.until(Stage.WAITING)
    case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now + 1.0, AGAIN)
    assert case.requests[-1][2].epoch == ""
    assert Carried(Transport.STREAM, tls=True) in told(case)
    case.brain.datagram_error(now + 1.1)  # of the port that is closed
    assert case.at(Stage.CHATTING)
