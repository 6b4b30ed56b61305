"""A room's brain in a cluster: it goes where the room is, and takes its seat again where it can (CLU-01 to CLU-06)."""

from dataclasses import replace

import pytest

from chatbrain import BindDatagram, CloseDatagram, CloseStream, OpenStream, ServerAddress, Stage, Transport
from chatbrain.events import (
    Delivery,
    DeliveryState,
    Ended,
    EndReason,
    Joined,
    Moved,
    Reconnecting,
    Recovered,
    Rejoined,
    Unheard,
)
from chatbrain.findings import NO_ANSWER, Fault, Finding
from chatbrain.liveness import NEAR_ANSWER_SECONDS
from chatbrain.room import MOVE_SECONDS
from chatbrain.route import MUTE_ANSWER_SECONDS
from chatproto import Completion, Disconnected, EvictionReason, Feature, Operation, Server, Status, encode_notice
from chatproto.receipts import encode_receipt
from chatproto.stream import Ping, Pong, encode_bye, encode_gone, encode_heartbeat
from libs.chatbrain.membership_case import GRANT, RECEIPT_GRANT, RECEIPTS, Case

PRINT = ":".join(["AB"] * 32)
HOME, NEXT, THIRD = Server("relay:9000"), Server("next:9000"), Server("third:9000")
FEATURES = RECEIPTS | {Feature.RESUME, Feature.FOLLOW}
FIRST = replace(RECEIPT_GRANT, features=FEATURES, ticket="T1", servers=(HOME, NEXT, THIRD))
SECOND = replace(FIRST, token=b"again", ticket="T2", servers=(NEXT, HOME, THIRD))
STREAM = replace(FIRST, stream=True, epoch="e1", seq=10)
ADOPTED = replace(SECOND, stream=True, epoch="e2", seq=0)
OPEN, THERE = OpenStream(hasty=True), OpenStream(ServerAddress("next", 9000), hasty=True)
REFUSED = Finding(Fault.REFUSED, "nobody listens there")
MOVED = encode_notice(Disconnected(EvictionReason.MOVED), json=True)


def joined(grant: Completion = FIRST, *, encrypted: bool = False, enabled: bool = True) -> Case:
    """Return a member that knows of several servers, and whose first question is answered."""
    transport = Transport.STREAM if grant.stream else Transport.UDP
    case = Case(
        password="secret", receipts=True, resumes=True, encrypted=encrypted, transport=transport, enabled=enabled
    )
    case.start()
    case.answer(0.0, grant)
    if grant.stream:
        case.hear(0.1, encode_heartbeat(Pong(1)))
    else:
        case.brain.receive_datagram(encode_receipt(1), 0.1)
    case.flush()
    return case


def doubting(case: Case) -> float:
    """Let a word be unanswered until another server is asked; returns when."""
    case.brain.say("hello", 10.0)
    now = case.until(Stage.VERIFYING)
    assert now == 10.0 + NEAR_ANSWER_SECONDS
    assert Unheard() in case.brain.take_events()
    assert case.opened() == [THERE]
    return now


def told(case: Case) -> list[object]:
    return [event for event in case.brain.take_events() if not isinstance(event, Delivery)]


@pytest.mark.requirement("CLU-01")
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_newcomer_goes_where_the_room_is_with_the_same_request(*, encrypted: bool) -> None:
    case = Case(password="secret", receipts=True, resumes=True, encrypted=encrypted)
    case.start()
    assert case.brain.server == "relay:9000"
    case.answer(0.0, Server("next:9000", PRINT))
    assert case.brain.server == "next:9000"
    assert case.opened() == [OpenStream(ServerAddress("next", 9000), PRINT if encrypted else "")]
    assert case.at(Stage.JOINING)
    case.answer(0.1, replace(FIRST, servers=()))
    assert case.requests[0] == case.requests[1]
    assert case.requests[0][2].attempt
    assert told(case) == [Joined("demo", "ann", False, 50, 300.0)]


@pytest.mark.requirement("CLU-01")
def test_two_nodes_that_name_each_other_end_in_a_sentence() -> None:
    case = Case(receipts=True, resumes=True)
    case.start()
    for server in (NEXT, HOME, NEXT, HOME):
        case.answer(0.0, server)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert ended.finding
    assert (ended.reason, ended.finding.fault, ended.server) == (EndReason.UNREACHABLE, Fault.CIRCLES, "next:9000")
    assert ended.text.count(". ") == 0
    assert len(case.requests) == 4


@pytest.mark.requirement("CLU-01")
@pytest.mark.parametrize("server", [None, Server("no address"), NEXT])
def test_by_tls_it_goes_nowhere_without_a_certificate(server: Server | None) -> None:
    case = Case(receipts=True, resumes=True, encrypted=True)
    case.start()
    case.answer(0.0, server)
    assert case.opened() == []
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert ended.finding
    assert (ended.reason, ended.finding.fault) == (EndReason.UNREACHABLE, Fault.NO_SERVER)


@pytest.mark.requirement("CLU-01", "FEAT-01")
def test_who_does_not_follow_is_sent_nowhere() -> None:
    case = Case()
    case.start()
    case.answer(0.0, NEXT)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.status) == (EndReason.REFUSED, Status.ELSEWHERE)


@pytest.mark.requirement("CLU-01")
def test_a_server_that_a_newcomer_is_sent_to_and_that_is_not_there_is_named() -> None:
    case = Case(receipts=True, resumes=True)
    case.start()
    case.answer(0.0, NEXT)
    case.brain.stream_closed(0.1, REFUSED)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert (ended.server, ended.finding) == ("next:9000", REFUSED)


@pytest.mark.requirement("CLU-02", "RES-01")
def test_when_nothing_answers_for_two_seconds_the_seat_is_taken_at_the_next_server() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, SECOND)
    operation, _, request = case.requests[-1]
    assert (operation, request.ticket) == (Operation.JOIN, "T1")
    assert case.sent_messages()[1:] == [b"/say 2 hello"]
    case.brain.receive_datagram(encode_receipt(2), now + 0.1)
    events = case.brain.take_events()
    assert [event for event in events if not isinstance(event, Delivery)] == [Moved("next:9000"), Recovered()]
    assert events[-1] == Delivery(1, DeliveryState.TAKEN, "hello")


@pytest.mark.requirement("CLU-02")
def test_a_server_that_did_not_answer_gets_a_second_when_one_is_sent_back_there() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, HOME)
    assert case.opened() == [OpenStream(ServerAddress("relay", 9000), hasty=True)]
    case.brain.tick(now + MUTE_ANSWER_SECONDS - 0.1)
    assert case.opened() == []
    case.brain.tick(now + MUTE_ANSWER_SECONDS)
    assert case.opened() == [OpenStream(ServerAddress("third", 9000), hasty=True)]
    assert told(case) == []
    case.answer(now + 1.1, replace(SECOND, servers=(THIRD,)))
    assert Moved("third:9000") in told(case)


@pytest.mark.requirement("CLU-02")
def test_a_server_that_did_not_answer_twice_is_not_asked_because_others_name_it() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, HOME)
    case.brain.tick(now + MUTE_ANSWER_SECONDS)
    case.answer(now + 1.1, HOME)
    (waiting,) = told(case)
    assert isinstance(waiting, Reconnecting)
    assert (waiting.cause.server, waiting.cause.finding) == ("relay:9000", NO_ANSWER)
    case.flush()
    case.until(Stage.VERIFYING)
    assert case.opened() == [THERE]


@pytest.mark.requirement("CLU-02")
def test_when_no_server_answers_there_are_pauses_and_the_seat_is_asked_for_on() -> None:
    case = joined()
    now = doubting(case)
    case.brain.stream_closed(now, REFUSED)
    assert [action.server for action in case.opened()] == [ServerAddress("third", 9000)]
    case.brain.stream_closed(now, REFUSED)
    (waiting,) = told(case)
    assert isinstance(waiting, Reconnecting)
    assert (waiting.cause.server, waiting.delay_seconds) == ("third:9000", 0.5)
    again = case.until(Stage.VERIFYING)
    case.brain.stream_closed(again, REFUSED)
    case.brain.stream_closed(again, REFUSED)
    assert [action.server for action in case.opened()] == [ServerAddress("next", 9000), ServerAddress("third", 9000)]
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, SECOND)
    assert case.requests[-1][2].ticket == "T1"


@pytest.mark.requirement("CLU-02", "CLU-06")
def test_a_stream_that_breaks_is_resumed_where_it_was_or_else_at_the_next_server() -> None:
    case = joined(STREAM)
    case.brain.say("hello", 9.0)
    case.flush()
    case.brain.stream_closed(10.0)
    assert case.opened() == [OPEN]
    case.brain.stream_closed(10.0, REFUSED)
    assert case.opened() == [THERE]
    case.answer(10.1, ADOPTED)
    request = case.requests[-1][2]
    assert (request.ticket, request.epoch, request.heard) == ("T1", "e1", 10)
    sent = case.sent_lines()
    assert isinstance(sent[0], Ping)
    assert "hello" in str(sent)
    events = case.hear(10.2, encode_gone())
    assert Moved("next:9000") in events
    assert "Missed" in [type(event).__name__ for event in events]


@pytest.mark.requirement("CLU-02")
def test_a_stream_on_which_nothing_is_answered_is_resumed_elsewhere_at_once() -> None:
    case = joined(STREAM)
    doubting(case)


@pytest.mark.requirement("CLU-02")
def test_a_relay_that_shuts_down_is_passed_by_and_a_busy_one_after_a_pause() -> None:
    case = joined()
    now = doubting(case)
    case.answer(now, Status.SHUTTING_DOWN)
    assert [action.server for action in case.opened()] == [ServerAddress("third", 9000)]
    case.answer(now, Status.BUSY)
    assert case.at(Stage.WAITING)
    now = case.until(Stage.VERIFYING)
    assert case.opened() == [THERE]
    case.answer(now, Status.NO_SEAT)
    case.answer(now, Status.BUSY)  # the same for a new place
    case.until(Stage.JOINING)
    assert [action.server for action in case.opened()] == [ServerAddress("third", 9000)]


@pytest.mark.requirement("CLU-01")
def test_a_member_that_is_sent_around_in_circles_waits_and_asks_again() -> None:
    case = joined()
    now = doubting(case)
    for server in (THIRD, NEXT, THIRD, NEXT):
        case.answer(now, server)
    (waiting,) = told(case)
    assert isinstance(waiting, Reconnecting)
    assert waiting.cause.finding
    assert waiting.cause.finding.fault is Fault.CIRCLES
    case.flush()
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, replace(SECOND, servers=(THIRD,)))
    assert (case.requests[-1][2].ticket, case.brain.stage) == ("T1", Stage.RESUMED)


@pytest.mark.requirement("CLU-02", "TCP-12")
def test_another_server_that_is_not_trusted_is_passed_by_but_never_the_configured_one() -> None:
    servers = tuple(replace(server, fingerprint=PRINT) for server in (HOME, NEXT, THIRD))
    case = joined(replace(FIRST, servers=servers), encrypted=True)
    case.brain.say("hello", 10.0)
    now = case.until(Stage.VERIFYING)
    cause = Ended.untrusted("next:9000", Finding(Fault.OTHER_CERTIFICATE, "SHA-256 12"))
    case.flush()
    case.brain.untrusted(cause, now)
    assert case.opened() == [OpenStream(ServerAddress("third", 9000), PRINT, hasty=True)]
    case.brain.untrusted(cause, now)
    assert case.at(Stage.WAITING)
    case.brain.tick(20.0)
    case.brain.stream_closed(20.0, REFUSED)
    case.brain.stream_closed(20.0, REFUSED)
    assert case.opened()[-1].server is None
    case.brain.untrusted(cause, 20.0)
    assert case.at(Stage.ENDED)


@pytest.mark.requirement("CLU-05")
@pytest.mark.parametrize("enabled", [True, False])
def test_who_is_told_that_the_room_moved_asks_the_same_server_where_it_is(*, enabled: bool) -> None:
    case = joined(enabled=enabled)
    said = case.brain.say("hello", 5.0)
    case.brain.receive_datagram(MOVED, 5.0)
    assert CloseDatagram() in case.brain.take_actions()
    assert (case.brain.stage, told(case)) == (Stage.WAITING, [])
    case.brain.receive_datagram(b"bob: late", 5.1)  # it speaks no UDP any more
    now = case.until(Stage.VERIFYING)
    assert now == 5.0 + MOVE_SECONDS
    assert case.opened() == [OPEN]
    case.answer(now, NEXT)
    assert case.opened() == [THERE]
    case.answer(now, SECOND)
    case.brain.receive_datagram(encode_receipt(2), now + 0.1)
    assert case.brain.take_events()[-2:] == [Moved("next:9000"), Delivery(said, DeliveryState.TAKEN, "hello")]
    assert case.at(Stage.CHATTING)


@pytest.mark.requirement("CLU-05")
def test_a_stream_that_ends_because_the_room_moved_goes_on_there() -> None:
    case = joined(STREAM)
    assert case.hear(5.0, encode_bye("moved", "The room moved.")) == []
    assert CloseStream() in case.brain.take_actions()
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, NEXT)
    case.flush()
    case.answer(now, ADOPTED)
    assert told(case) == [Moved("next:9000")]


@pytest.mark.requirement("CLU-05")
def test_while_it_is_asked_over_tcp_the_news_that_the_room_moved_counts() -> None:
    case = joined()
    doubting(case)
    case.brain.receive_datagram(MOVED, 12.5)
    assert CloseStream() in case.brain.take_actions()
    assert case.at(Stage.WAITING)


@pytest.mark.requirement("CLU-05", "FEAT-02")
def test_who_has_no_ticket_joins_a_room_that_moved_anew_and_creates_none() -> None:
    case = Case(Operation.CREATE, receipts=True)
    case.join(replace(RECEIPT_GRANT, host=True))
    case.brain.receive_datagram(MOVED, 5.0)
    assert case.at(Stage.WAITING)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, RECEIPT_GRANT)
    assert case.requests[-1][0] is Operation.JOIN


@pytest.mark.requirement("CLU-01", "CLU-02")
def test_who_wants_no_receipts_follows_too_and_joins_anew_at_the_next_server() -> None:
    case = Case(resumes=True)
    case.start()
    case.answer(0.0, NEXT)
    case.flush()
    granted = replace(GRANT, features=frozenset({Feature.NOTICES, Feature.FOLLOW}), servers=(NEXT, THIRD))
    case.answer(0.1, granted)
    case.flush()
    case.brain.datagram_error(10.0)
    assert BindDatagram(9001, again=True) in case.brain.take_actions()
    case.brain.datagram_error(10.1)
    assert case.opened() == [THERE]
    case.brain.stream_closed(10.2, REFUSED)
    assert case.opened() == [OpenStream(ServerAddress("third", 9000), hasty=True)]
    case.answer(10.3, replace(granted, servers=(THIRD,)))
    assert told(case)[-2:] == [Rejoined(False, False, 50), Moved("third:9000")]
