"""A room's brain whose chat is a stream: numbers, breaks and resuming (STR-02 to STR-07)."""

from dataclasses import replace
from math import inf

import pytest

from chatbrain import BindDatagram, CloseDatagram, CloseStream, OpenStream, SendDatagram, Stage, Transport
from chatbrain.carriage import LASTING_SECONDS
from chatbrain.deliveries import GIVE_UP_SECONDS
from chatbrain.events import (
    Carried,
    Delivery,
    Ended,
    EndReason,
    Message,
    Missed,
    Reconnecting,
    Recovered,
    Rejoined,
    Unheard,
)
from chatbrain.liveness import ANSWER_SECONDS
from chatproto import (
    Command,
    CommandDone,
    Disconnected,
    EvictionReason,
    Feature,
    MemberJoined,
    Notice,
    Operation,
    RefusalCode,
    Status,
    Topic,
)
from chatproto.stream import (
    Leave,
    Ping,
    Pong,
    Say,
    encode_bye,
    encode_entry,
    encode_gone,
    encode_heartbeat,
    encode_refused,
    encode_told,
    encode_took,
)
from libs.chatbrain.membership_case import RECEIPTS, Case
from libs.chatbrain.stream_case import (
    AGAIN,
    FEATURES,
    NOT_DELIVERED,
    STREAM,
    TAKEN,
    broken,
    states,
    streaming,
    told,
)


def test_it_asks_for_a_stream_and_speaks_first_over_the_same_connection() -> None:
    case = Case(resumes=True, transport=Transport.STREAM, encrypted=True)
    case.start()
    case.answer(0.0, STREAM)
    (asked,) = case.requests
    assert (asked[2].stream, asked[2].epoch, asked[2].features) == (True, "", FEATURES | {Feature.FOLLOW})
    actions = case.brain.take_actions()
    assert not [action for action in actions if isinstance(action, SendDatagram | BindDatagram | CloseStream)]
    assert case.brain.take_events()[-1] == Carried(Transport.STREAM, tls=True)


def test_lines_may_follow_the_completion_at_once_and_come_in_any_pieces() -> None:
    case = Case(transport=Transport.STREAM)
    case.start()
    lines = encode_entry(11, "bob", "hi") + encode_entry(12, "", "hello")
    case.answer(0.0, STREAM, rest=lines[:9])
    for at in range(9, len(lines)):
        case.brain.receive_stream(lines[at : at + 1], 1.0)
    heard = [event for event in case.brain.take_events() if isinstance(event, Message)]
    assert [(event.sender, event.text) for event in heard] == [("bob", "hi"), (None, "hello")]
    assert heard[0].raw == lines.split(b"\n", maxsplit=1)[0]


def test_words_are_numbered_and_taken_once() -> None:
    case = streaming()
    assert (case.brain.say("hello", 1.0), case.brain.command("/topic snow", 1.0), case.brain.say("/kick bob", 1.0)) == (
        1,
        2,
        3,
    )
    assert case.sent_lines() == [Say("hello", 2), Say("/topic snow", 3), Say(" /kick bob", 4)]
    case.hear(1.1)
    answers = encode_took(2, 11) + encode_took(3) + encode_refused(4, "muted", "You are muted.") + encode_took(2, 11)
    assert case.hear(1.1, answers) == [
        Delivery(1, TAKEN, "hello"),
        Delivery(2, TAKEN, "/topic snow"),
        Delivery(3, NOT_DELIVERED, " /kick bob", "muted"),
    ]


def test_notices_come_as_objects_and_pings_are_answered() -> None:
    case = streaming()
    notices: tuple[Notice, ...] = (MemberJoined("bob"), Topic("snow"), CommandDone(Command.MUTE, "bob"))
    assert case.hear(1.0, *(encode_told(notice, 11 + at) for at, notice in enumerate(notices))) == [*notices]
    assert case.hear(1.0, encode_heartbeat(Ping(7)), b'{"aurora":1}\n', b'{"notice":"aurora"}\n') == []
    assert case.sent_lines() == [Pong(7)]
    case.brain.fall_silent()
    case.hear(1.0, encode_heartbeat(Ping(8)))
    assert case.sent_lines() == []


def test_nothing_of_the_room_is_shown_twice_and_what_is_lost_is_told() -> None:
    case = streaming()
    first = encode_entry(11, "bob", "a") + encode_entry(13, "bob", "b")
    assert len(case.hear(1.0, first)) == 2
    assert case.hear(1.0, first, encode_told(MemberJoined("bob"), 12)) == []
    assert case.hear(1.0, encode_gone(5, 13)) == []
    assert case.hear(1.0, encode_gone(5, 20)) == [Missed(14, 20)]
    assert case.hear(1.0, encode_entry(20, "bob", "c")) == []
    assert case.hear(1.0, encode_gone()) == [Missed()]
    assert len(case.hear(1.0, encode_entry(21, "bob", "d"))) == 1


def test_nothing_is_repeated_by_time_and_given_up_when_it_is_time() -> None:
    case = streaming()
    case.brain.say("hello", 1.0)
    assert case.sent_lines() == [Say("hello", 2)]
    at = 1.0
    while at + 1.0 < 1.0 + GIVE_UP_SECONDS:  # others are heard meanwhile
        at += 1.0
        case.brain.tick(at)
        assert isinstance(case.hear(at, encode_entry(10 + int(at), "bob", "x"))[-1], Message)
    assert case.sent_lines() == []
    case.brain.tick(1.0 + GIVE_UP_SECONDS)
    assert states(case) == [(1, NOT_DELIVERED)]


def test_a_broken_stream_is_resumed_at_once_and_what_was_not_answered_is_said_again() -> None:
    case = streaming()
    case.hear(9.0, encode_entry(11, "bob", "a"), encode_entry(12, "bob", "b"))
    case.brain.say("one", 10.0)
    case.brain.say("two", 10.0)
    case.hear(10.1, encode_took(2, 13))
    broken(case, 10.2)
    case.brain.say("three", 10.2)
    case.answer(10.3, AGAIN)
    operation, _, request = case.requests[-1]
    assert (operation, request.ticket, request.stream, request.epoch, request.heard) == (
        Operation.JOIN, "T1", True, "e1", 13,
    )  # fmt: skip
    ping, *said = case.sent_lines()
    assert isinstance(ping, Ping)
    assert said == [Say("two", 3), Say("three", ping.number + 1)]
    assert told(case) == []  # nobody noticed
    replay = encode_entry(14, "bob", "c") + encode_took(3, 15) + encode_entry(16, "bob", "d")
    events = case.hear(10.4, replay, encode_took(3, 15), encode_took(ping.number + 1, 17))
    assert [event.text for event in events if isinstance(event, Message)] == ["c", "d"]
    assert [event.id for event in events if isinstance(event, Delivery) and event.state is TAKEN] == [2, 3]
    broken(case, 20.0)
    case.answer(20.0, replace(AGAIN, ticket="T3"))
    assert (case.requests[-1][2].ticket, case.requests[-1][2].heard) == ("T2", 17)


def test_another_numbering_counts_from_where_it_stands() -> None:
    case = streaming()
    broken(case, 10.0)
    case.answer(10.0, replace(AGAIN, epoch="e2", seq=3))
    assert case.hear(10.1, encode_gone(), encode_entry(3, "bob", "old"), encode_entry(4, "bob", "new"))[0] == Missed()
    broken(case, 20.0)
    case.answer(20.0, AGAIN)
    assert (case.requests[-1][2].epoch, case.requests[-1][2].heard) == ("e2", 4)


def test_a_seat_that_is_gone_is_taken_anew() -> None:
    case = streaming()
    case.brain.say("hello", 9.0)
    broken(case, 10.0)
    case.answer(10.0, Status.NO_SEAT)
    assert OpenStream() in case.brain.take_actions()
    case.answer(10.0, replace(AGAIN, seq=90))
    request = case.requests[-1][2]
    assert (request.ticket, request.stream, request.epoch, request.password) == ("", True, "", "secret")
    events = case.brain.take_events()
    assert Delivery(1, NOT_DELIVERED, "hello") in events
    assert events[-1] == Rejoined(False, False, 50)
    assert case.hear(11.0, encode_entry(90, "bob", "old")) == []


def test_without_a_ticket_the_place_is_free_and_taken_anew_after_a_pause() -> None:
    case = streaming(replace(STREAM, features=RECEIPTS, ticket=""))
    case.brain.say("hello", 9.0)
    case.flush()
    case.brain.stream_closed(10.0)
    assert case.at(Stage.WAITING)
    assert [type(event) for event in case.brain.take_events()] == [Delivery, Reconnecting]
    case.until(Stage.JOINING)
    case.answer(11.0, STREAM)
    assert case.at(Stage.CHATTING)


def test_a_stream_that_breaks_soon_is_resumed_after_growing_pauses() -> None:
    case = streaming()
    now, pauses = 1.0, []
    for _ in range(5):
        case.flush()
        case.brain.stream_closed(now)
        assert case.at(Stage.WAITING)
        assert CloseStream() in case.brain.take_actions()
        then = case.until(Stage.VERIFYING)
        case.flush()
        case.answer(then, AGAIN)
        assert Recovered() in case.brain.take_events()
        pauses.append(then - now)
        now = then + LASTING_SECONDS / 2
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0])


def test_no_word_goes_into_a_connection_that_is_still_asked() -> None:
    case = streaming()
    broken(case, 10.0)
    case.brain.say("hello", 10.1)
    case.brain.keep_alive(10.1)
    for now in (11.0, 12.0, 13.0):
        case.brain.tick(now)
    assert case.sent_lines() == []
    case.brain.tick(14.0)  # nobody answers
    assert case.at(Stage.WAITING)
    case.brain.leave()
    assert case.sent_lines() == []


@pytest.mark.parametrize("word", [True, False])
def test_a_dead_peer_is_noticed_by_the_next_word_or_ping(*, word: bool) -> None:
    case, since = streaming(), 0.1
    if word:
        since = 10.0
        case.brain.say("hello", since)
    now = case.until(Stage.VERIFYING)
    assert (now - since <= ANSWER_SECONDS) if word else (now - since <= 22.0 + ANSWER_SECONDS)
    assert Unheard() in case.flush()
    case.answer(now, AGAIN)
    assert Recovered() in case.brain.take_events()


def test_a_peer_that_answers_pings_is_never_doubted() -> None:
    case = streaming()
    while (now := case.brain.next_deadline()) < 3600:
        case.brain.tick(now)
        for line in case.sent_lines():
            assert isinstance(line, Ping)
            case.brain.receive_stream(encode_heartbeat(Pong(line.number)), now + 0.1)
    assert (case.brain.stage, told(case)) == (Stage.CHATTING, [])


@pytest.mark.parametrize("reason", ["slow", "unanswered", "malformed", "of_tomorrow"])
def test_after_an_end_that_keeps_the_seat_it_resumes(reason: str) -> None:
    case = streaming()
    assert case.hear(10.0, encode_bye(reason, "Why not."), b"[\n") == []
    assert case.at(Stage.VERIFYING)  # without waiting for the end of the connection
    assert case.brain.take_actions() == [CloseStream(), OpenStream()]
    case.answer(10.0, AGAIN)
    assert case.at(Stage.CHATTING)


def test_what_follows_an_end_is_not_even_read() -> None:
    case = streaming()
    assert isinstance(case.hear(10.0, encode_bye("kicked", ""), b"[\n")[-1], Ended)
    case.hear(10.0, encode_entry(30, "bob", "unheard"))
    assert set(case.brain.take_actions()) == {CloseStream(), CloseDatagram()}
    case = Case(transport=Transport.STREAM)
    case.start()
    case.answer(0.0, STREAM, rest=encode_bye("host_left", "") + b"[\n")
    assert case.at(Stage.ENDED)


@pytest.mark.parametrize(
    ("reason", "banned", "end"),
    [
        (EvictionReason.KICKED, False, EndReason.EVICTED),
        (EvictionReason.KICKED, True, EndReason.EVICTED),
        (EvictionReason.HOST_LEFT, False, EndReason.ROOM_CLOSED),
        (EvictionReason.RESUMED_ELSEWHERE, False, EndReason.EVICTED),
    ],
)
def test_after_an_end_for_good_it_is_out(reason: EvictionReason, banned: bool, end: EndReason) -> None:
    case = streaming()
    bye = encode_bye(reason, RefusalCode.BANNED.message, banned=banned)
    evicted, ended = case.hear(10.0, bye, encode_entry(30, "bob", "unheard"))
    assert evicted == Disconnected(reason, banned=banned)
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.eviction, ended.banned) == (end, reason, banned)
    assert CloseStream() in case.brain.take_actions()
    assert case.brain.next_deadline() == inf


def test_when_the_relay_shuts_down_it_joins_anew() -> None:
    case = streaming()
    case.hear(10.0, encode_bye("shutdown", "The relay is shutting down."))
    assert case.at(Stage.WAITING)
    case.brain.stream_closed(10.1)
    assert case.at(Stage.WAITING)
    case.until(Stage.JOINING)
    case.answer(12.0, STREAM)
    assert case.requests[-1][2].ticket == ""


def test_a_notice_of_the_end_is_one_over_a_stream_too() -> None:
    case = streaming()
    case.hear(10.0, encode_told(Disconnected(EvictionReason.KICKED)))
    assert case.at(Stage.ENDED)


def test_what_is_no_stream_is_closed_and_the_seat_taken_again() -> None:
    case = streaming()
    events = case.hear(10.0, encode_entry(11, "bob", "hi"), b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert ([type(event) for event in events], case.brain.stage) == ([Message], Stage.VERIFYING)
    assert case.brain.take_actions() == [CloseStream(), OpenStream()]


def test_who_leaves_says_so_and_closes() -> None:
    case = streaming()
    case.brain.leave()
    assert case.sent_lines() == [Leave()]
    case = streaming()
    case.brain.leave()
    assert case.brain.take_actions()[-2:] == [CloseStream(), CloseDatagram()]


def test_who_never_comes_back_by_itself_keeps_its_own_seat_all_the_same() -> None:
    case = streaming(enabled=False)
    broken(case, 10.0)
    case.answer(10.0, AGAIN)
    assert case.at(Stage.CHATTING)
    case.flush()
    case.brain.stream_closed(11.0)
    assert case.at(Stage.ENDED)


def test_after_a_sleep_it_asks_at_once() -> None:
    case = streaming()
    case.brain.compare_clocks(10.0, 10.0)
    case.brain.compare_clocks(12.0, 3600.0)
    assert [type(line) for line in case.sent_lines()] == [Ping]
    assert case.until(Stage.VERIFYING) <= 12.0 + ANSWER_SECONDS
