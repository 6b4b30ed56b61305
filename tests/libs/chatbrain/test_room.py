"""The room's brain, joining and chatting: what it does when, told by a clock of plain floats."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import (
    BindDatagram,
    CloseDatagram,
    CloseStream,
    MessageTooLongError,
    RoomBrain,
    SendDatagram,
    SendStream,
    Stage,
)
from chatbrain.events import Ended, EndReason, Joined
from chatbrain.findings import Fault, Finding
from chatproto import (
    Challenge,
    Completion,
    Frame,
    Operation,
    Refusal,
    Request,
    ServerTransaction,
    State,
    Status,
    encode_frame,
    encode_notice,
)
from libs.chatbrain.membership_case import GRANT, HOST_GRANT, NOTICES, Case, joined

NOT_THE_ONE = Ended.untrusted("relay:9000", Finding(Fault.EXPIRED, "certificate has expired"))


def test_joining_asks_for_a_json_reply_and_for_facts_and_registers_at_once() -> None:
    case = Case()
    case.start()
    case.answer(0.5, GRANT)
    assert case.requests == [(Operation.JOIN, "demo", Request("ann", json_reply=True, plain=False, features=NOTICES))]
    close, bind, keep_alive = case.brain.take_actions()
    assert (close, bind) == (CloseStream(), BindDatagram(9001))
    assert keep_alive == SendDatagram(b"\x04\x05demotoken")
    assert case.brain.take_events() == [Joined("demo", "ann", False, 50, 300.0)]
    assert case.at(Stage.CHATTING)


def test_creating_asks_with_the_password_and_makes_a_host() -> None:
    brain = RoomBrain(Operation.CREATE, "demo", "ann", server="x", random=lambda: 0.0, password="secret")
    brain.start(0.0)
    brain.connected("::1")
    _, request = brain.take_actions()
    assert isinstance(request, SendStream)
    asked = ServerTransaction().feed(request.data)
    assert asked
    assert asked[0] is Operation.CREATE
    assert asked[2].password == "secret"
    brain.receive_stream(_plain_reply(Operation.CREATE), 0.0)
    assert brain.take_events() == [Joined("demo", "ann", True, 4096 - 2 - 4 - 5, None)]
    assert BindDatagram(9001) in brain.take_actions()  # a plain completion names no port


def _plain_reply(operation: Operation, token: bytes = b"token") -> bytes:
    return encode_frame(Frame(operation, State.REPLY, b"demo", b"\0")) + encode_frame(
        Frame(operation, State.COMPLETION, b"demo", token)
    )


@given(cut=st.integers(1, 40))
def test_the_answer_may_come_in_any_pieces(cut: int) -> None:
    case = Case()
    case.start()
    reply = _plain_reply(Operation.JOIN)
    case.brain.receive_stream(reply[:cut], 0.0)
    assert case.at(Stage.JOINING)
    case.brain.receive_stream(reply[cut:], 0.0)
    assert case.at(Stage.CHATTING)


def test_the_answer_may_come_byte_by_byte() -> None:
    case = Case()
    case.start()
    for byte in _plain_reply(Operation.JOIN):
        assert case.at(Stage.JOINING)
        case.brain.receive_stream(bytes([byte]), 0.0)
    assert case.at(Stage.CHATTING)


@pytest.mark.requirement("UDP-07")
@pytest.mark.parametrize(("chance", "interval"), [(0.0, 18.0), (0.5, 20.0), (1.0, 22.0)])
def test_keep_alives_come_every_20_seconds_with_jitter(chance: float, interval: float) -> None:
    brain = RoomBrain(Operation.JOIN, "demo", "ann", server="x", random=lambda: chance)
    brain.start(0.0)
    brain.receive_stream(_plain_reply(Operation.JOIN), 0.0)
    brain.take_actions()
    assert brain.next_deadline() == pytest.approx(interval)
    brain.tick(interval - 0.1)
    assert brain.take_actions() == []
    brain.tick(brain.next_deadline())
    assert brain.take_actions() == [SendDatagram(b"\x04\x05demotoken")]
    assert brain.next_deadline() == pytest.approx(2 * interval)


@pytest.mark.parametrize(("silence", "interval"), [(6.0, 2.2), (0.0, 22.0), (0.01, 0.11)])
def test_keep_alives_come_often_enough_for_the_relays_patience(silence: float, interval: float) -> None:
    case = Case()
    case.join(Completion(b"t", False, 9001, silence, 50))
    assert case.brain.next_deadline() == pytest.approx(interval)


@pytest.mark.parametrize("status", [status for status in Status if status])
def test_a_refused_first_join_ends_with_the_relays_words(status: Status) -> None:
    case = Case()
    case.start()
    case.answer(0.0, status)
    assert case.brain.take_actions() == [CloseStream(), CloseDatagram()]
    assert case.brain.take_events() == [Ended.refused(Refusal(status))]
    assert case.brain.next_deadline() == inf


def test_a_relay_that_cant_be_reached_at_first_ends_it() -> None:
    case = Case()
    case.start()
    case.brain.stream_closed(0.1, Finding(Fault.REFUSED, "connection refused"))
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.UNREACHABLE
    assert (ended.server, ended.finding) == ("relay:9000", Finding(Fault.REFUSED, "connection refused"))
    assert "relay:9000 (connection refused)" in ended.text


def test_a_relay_that_stays_mute_is_unreachable_in_under_5_seconds() -> None:
    case = Case()
    case.start()
    case.brain.connected("10.0.0.1")
    assert case.until(Stage.ENDED) < 5
    assert CloseStream() in case.brain.take_actions()
    (ended,) = case.brain.take_events()
    assert isinstance(ended, Ended)
    assert "no answer in 4 seconds" in ended.text


@pytest.mark.parametrize(
    "grant",
    [
        Completion(b"t" * 256, False, 9001, 300.0, 50),
        Completion(b"t", False, 70000, 300.0, 50),
        Completion(b"t", False, 0, 300.0, 50),
        Completion(b"t", False, 9001, -1.0, 50),
        Completion(b"t", False, 9001, 300.0, 0),
    ],
)
def test_a_grant_that_cant_be_used_is_no_relays(grant: Completion) -> None:
    case = Case()
    case.start()
    case.answer(0.0, grant)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert "isn't a chat relay" in ended.text


def test_another_kind_of_server_is_told_from_a_relay() -> None:
    case = Case()
    case.start()
    case.brain.receive_stream(b"HTTP/1.1 400 Bad Request\r\nServer: someone\r\n\r\n", 0.0)
    (ended,) = case.flush()
    assert isinstance(ended, Ended)
    assert "isn't a chat relay" in ended.text


def test_a_message_goes_out_after_the_header() -> None:
    case = joined()
    assert case.brain.say("héllo", 1.0)
    assert case.brain.take_actions() == [SendDatagram(b"\x04\x05demotoken" + "héllo".encode())]


def test_a_message_may_have_as_many_bytes_as_the_relay_grants() -> None:
    case = joined()
    assert case.brain.max_message_bytes == 50
    assert case.brain.say("é" * 25, 1.0)
    case.flush()
    with pytest.raises(MessageTooLongError, match="51 bytes: use at most 50") as caught:
        case.brain.say("é" * 25 + "!", 1.0)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (51, 50)
    assert case.brain.take_actions() == []


def test_an_empty_message_is_no_message() -> None:
    with pytest.raises(ValueError, match="empty"):
        joined().brain.say("", 1.0)


@pytest.mark.requirement("UDP-08")
@pytest.mark.parametrize("word", ["/leave", "/exit", "/quit"])
def test_a_word_that_leaves_can_be_said_without_leaving(word: str) -> None:
    case = joined()
    case.brain.say(word, 1.0)
    assert case.sent_messages() == [b" " + word.encode()]


def test_text_that_utf8_cant_spell_is_replaced() -> None:
    case = joined()
    case.brain.say("a\udc80b", 1.0)
    assert case.sent_messages() == [b"a?b"]


def test_nothing_is_said_without_a_membership() -> None:
    case = Case()
    assert not case.brain.say("early", 0.0)
    case.start()
    assert not case.brain.say("early", 0.0)
    case.brain.keep_alive(0.0)
    assert case.brain.take_actions() == []


@pytest.mark.requirement("UDP-08")
def test_leaving_frees_the_place_at_once() -> None:
    case = joined()
    case.brain.leave()
    assert case.brain.take_actions() == [SendDatagram(b"\x04\x05demotoken/leave"), CloseDatagram()]
    assert case.brain.take_events() == [Ended(EndReason.LEFT, "You left.")]
    case.brain.leave()
    assert case.flush() == []


def test_one_can_leave_before_one_is_in() -> None:
    case = Case()
    case.start()
    case.brain.leave()
    assert case.brain.take_actions() == [CloseStream(), CloseDatagram()]


def test_what_comes_after_the_end_is_ignored() -> None:
    case = joined()
    case.brain.leave()
    case.flush()
    case.brain.connected("10.0.0.1")
    case.brain.receive_stream(b"x", 1.0)
    case.brain.stream_closed(1.0)
    case.brain.receive_datagram(b"x", 1.0)
    case.brain.datagram_error(1.0)
    case.brain.tick(1e9)
    assert (case.brain.take_actions(), case.brain.take_events()) == ([], [])


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("command", ["/kick bob", "/who", "/Password x"])
def test_a_command_is_given_by_its_own_way_alone(command: str) -> None:
    case = Case()
    case.join(replace(HOST_GRANT, moderation=True))
    case.brain.say(command, 1.0)
    assert case.brain.obeys
    assert case.brain.command(command, 1.0)
    assert case.sent_messages() == [b" " + command.encode(), command.encode()]


@pytest.mark.requirement("MOD-01")
def test_no_command_goes_to_a_relay_that_would_relay_it() -> None:
    case = joined()
    assert not case.brain.obeys
    assert not case.brain.command("/password secret", 1.0)
    assert case.sent_messages() == []


def test_a_command_is_one_and_fits() -> None:
    case = Case()
    assert not case.brain.command("/who", 0.0)
    case.join(replace(GRANT, moderation=True))
    with pytest.raises(ValueError, match="no command"):
        case.brain.command("/shrug", 1.0)
    with pytest.raises(MessageTooLongError):
        case.brain.command("/topic " + "x" * 50, 1.0)


@pytest.mark.requirement("TCP-12")
def test_who_is_not_trusted_hears_nothing_and_it_ends() -> None:
    case = Case()
    case.start()
    case.brain.untrusted(NOT_THE_ONE, 0.0)
    assert case.brain.take_actions() == [CloseStream(), CloseDatagram()]
    assert case.brain.take_events() == [NOT_THE_ONE]
    assert case.at(Stage.ENDED)
    case.brain.untrusted(NOT_THE_ONE, 0.0)
    assert case.brain.take_events() == []


@pytest.mark.requirement("TCP-12")
def test_who_is_not_trusted_later_hears_no_farewell_either() -> None:
    case = joined()
    case.until(Stage.VERIFYING)
    case.flush()
    case.brain.untrusted(NOT_THE_ONE, 0.0)
    assert not [action for action in case.brain.take_actions() if isinstance(action, SendDatagram | SendStream)]
    assert case.brain.take_events() == [NOT_THE_ONE]


def test_a_relay_may_relay_a_single_byte() -> None:
    case = Case()
    case.join(replace(GRANT, max_message_bytes=1))
    assert case.brain.say("x", 1.0)
    with pytest.raises(MessageTooLongError):
        case.brain.say("xy", 1.0)
    case.brain.receive_datagram(encode_notice(Challenge("0123456789abcdef")), 2.0)
    case.brain.leave()  # the protocol's own words aren't messages
    assert case.sent_messages() == [b"x", b"/here 0123456789abcdef", b"/leave"]
