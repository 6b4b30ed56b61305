"""A room's brain with a key: it says only what is sealed, and shows only what it could open (SEAL-01 to SEAL-04)."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any, Final

import pytest

from chatbrain import BindDatagram, MessageTooLongError, SendStream, Stage, Transport, WrongKeyError
from chatbrain.events import Delivery, DeliveryState, Ended, EndReason, Joined, Message, Rejoined, Unreadable
from chatbrain.findings import Fault
from chatbrain.sealed import Seal
from chatproto import Completion, Disconnected, EvictionReason, Feature, Operation, Status, Topic, encode_notice
from chatproto.constants import MAX_TOPIC_BYTES
from chatproto.receipts import encode_receipt, parse_numbered
from chatproto.sealing import Kind, Opener, RoomKey, Sealer, sealed_bytes, text_bytes_within
from chatproto.stream import Leave, encode_to_relay
from libs.chatbrain.membership_case import RECEIPT_GRANT, Case

KEY: Final = RoomKey(bytes(range(16)))
OTHER: Final = RoomKey(bytes(16))
LIMIT: Final = 200
SEALED: Final = replace(RECEIPT_GRANT, max_message_bytes=LIMIT, sealed=True)
PLAIN_RELAY: Final = replace(SEALED, features=frozenset({Feature.NOTICES}))


def case_of(operation: Operation = Operation.JOIN, *, key: RoomKey = KEY, **more: Any) -> Case:
    return Case(operation, seal=Seal(key, "demo", "ann", b"ann's id"), **{"receipts": True, **more})


def joined(grant: Completion = SEALED, **more: Any) -> Case:
    """Return a member that is heard, if its relay answers."""
    case = case_of(**more)
    case.join(grant)
    case.brain.receive_datagram(encode_receipt(1), 0.1)
    case.flush()
    return case


class Bob:
    """Another member of the room."""

    def __init__(self, key: RoomKey = KEY) -> None:
        self._sealer = Sealer(key, "demo", "bob", b"bob's id")
        self._opener = Opener(key, "demo")

    def says(self, text: str) -> bytes:
        return f"bob: {self._sealer.seal(text).text}".encode()

    def topic(self, text: str) -> bytes:
        return encode_notice(Topic(self._sealer.seal(text, Kind.TOPIC).text), json=True)

    def reads(self, message: bytes, kind: Kind = Kind.TEXT) -> object:
        return self._opener.open(message.decode(), "ann", kind)


def texts(case: Case) -> list[bytes]:
    """Return what was sent, without its numbers."""
    numbered = map(parse_numbered, case.sent_messages())
    return [text for _, text in filter(None, numbered) if text]


def news(case: Case) -> list[object]:
    return [event for event in case.brain.take_events() if not isinstance(event, Delivery)]


@pytest.mark.requirement("SEAL-01", "SEAL-03", "FEAT-01")
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.JOIN])
def test_it_asks_for_a_sealed_room_and_never_sends_the_key(operation: Operation) -> None:
    case = case_of(operation, password="pw")
    case.start()
    case.answer(0.0, SEALED)
    ((asked, _, request),) = case.requests
    assert (asked, request.sealed, Feature.SEALED in request.features) == (operation, True, True)
    case.brain.say("hello", 0.0)
    sent = repr(case.requests).encode() + b"".join(case.sent_messages())
    for form in (KEY.secret, KEY.text.encode(), KEY.secret.hex().encode(), repr(KEY.secret).encode()):
        assert form not in sent


@pytest.mark.requirement("SEAL-03")
@pytest.mark.parametrize("receipts", [True, False])
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.JOIN])
def test_where_the_relay_doesnt_say_that_the_room_is_sealed_nothing_is_said(
    operation: Operation, receipts: bool
) -> None:
    """Threat N7: the relay, or somebody on the way, leaves it out."""
    case = case_of(operation, receipts=receipts)
    case.start()
    case.answer(0.0, replace(SEALED, sealed=False))
    assert case.at(Stage.ENDED)
    assert case.brain.say("hello", 0.0) == 0
    (ended,) = case.brain.take_events()
    assert isinstance(ended, Ended)
    assert ended.finding
    assert (ended.reason, ended.finding.fault) == (EndReason.UNTRUSTED, Fault.NOT_SEALED)
    actions = case.brain.take_actions()
    assert BindDatagram(9001) in actions
    assert [action.data[11:] for action in actions if hasattr(action, "data")] == [b"/leave"]


@pytest.mark.requirement("SEAL-03")
def test_the_same_holds_when_it_comes_back() -> None:
    case = joined()
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE), json=True), 1.0)
    case.brain.say("meanwhile", 1.5)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, replace(SEALED, sealed=False))
    assert case.at(Stage.ENDED)
    assert case.sent_messages() == [b"/leave"]


@pytest.mark.requirement("SEAL-03", "STR-01")
def test_the_same_holds_over_a_stream() -> None:
    case = case_of(transport=Transport.STREAM)
    case.start()
    case.answer(0.0, replace(SEALED, sealed=False, stream=True, epoch="e"))
    assert case.at(Stage.ENDED)
    actions = case.brain.take_actions()
    assert not [action for action in actions if isinstance(action, BindDatagram)]
    assert [action.data for action in actions if isinstance(action, SendStream)] == [encode_to_relay(Leave())]


@pytest.mark.requirement("SEAL-03", "RES-01")
def test_nor_is_anything_said_in_a_seat_that_isnt_sealed_any_more() -> None:
    case = joined(resumes=True, grant=replace(SEALED, features=SEALED.features | {Feature.RESUME}, ticket="ticket"))
    case.brain.say("unanswered", 1.0)
    now = case.until(Stage.VERIFYING)
    case.flush()
    case.answer(now, replace(SEALED, sealed=False, ticket="another"))
    assert case.at(Stage.ENDED)
    assert case.sent_messages() == [b"/leave"]


@pytest.mark.requirement("SEAL-03", "SEAL-04")
def test_without_a_key_a_sealed_room_is_none() -> None:
    case = Case()
    case.start()
    case.answer(0.0, replace(SEALED, sealed=True))
    (ended,) = case.brain.take_events()
    assert isinstance(ended, Ended)
    assert ended.finding
    assert ended.finding.fault is Fault.NO_RELAY
    refused = Case()
    refused.start()
    refused.answer(0.0, Status.SEALED)
    (said,) = refused.brain.take_events()
    assert isinstance(said, Ended)
    assert said.status is Status.SEALED


@pytest.mark.requirement("SEAL-02", "SEAL-03")
@pytest.mark.parametrize("text", ["hello", "/leave", "/kick bob", "/topic x", "e2e1.hello", "日本\n語", "\ud800"])
def test_what_is_said_is_sealed_whatever_it_is(text: str) -> None:
    case, bob = joined(), Bob()
    known = case.brain.say(text, 1.0)
    (sent,) = texts(case)
    assert sent.startswith(b"e2e1.")
    readable = text.replace("\ud800", "?")
    assert bob.reads(sent) == readable
    assert case.brain.take_events() == [Delivery(known, DeliveryState.SENDING, readable)]


@pytest.mark.requirement("SEAL-02", "RCP-01")
def test_a_repeated_message_is_the_same_and_the_next_is_another() -> None:
    case = joined()
    case.brain.say("hello", 1.0)
    first = case.sent_messages()
    case.brain.tick(1.5)
    assert case.sent_messages() == first
    case.brain.say("hello", 1.6)
    assert texts(case) not in (first, [first])


def test_without_receipts_it_is_sealed_too() -> None:
    case, bob = joined(PLAIN_RELAY, receipts=False), Bob()
    assert case.brain.say("hello", 1.0) == 1
    (sent,) = case.sent_messages()
    assert bob.reads(sent) == "hello"
    with pytest.raises(ValueError, match="empty"):
        case.brain.say("", 1.0)


@pytest.mark.requirement("SEAL-04")
def test_the_limit_is_that_of_what_is_typed() -> None:
    case = case_of()
    assert case.brain.max_message_bytes == 0
    case.join(SEALED)
    case.brain.receive_datagram(encode_receipt(1), 0.1)
    case.flush()
    longest = case.brain.max_message_bytes
    assert longest == text_bytes_within(LIMIT)
    case.brain.say("x" * longest, 1.0)
    assert len(texts(case)[0]) == sealed_bytes(longest) <= LIMIT
    with pytest.raises(MessageTooLongError, match=f"has {longest + 1} bytes: use at most {longest}"):
        case.brain.say("x" * (longest + 1), 1.0)
    fresh = case_of()
    fresh.start()
    fresh.answer(0.0, SEALED)
    assert fresh.brain.take_events() == [Joined("demo", "ann", False, longest, 300.0)]


def test_before_the_first_join_no_limit_is_known() -> None:
    assert case_of().brain.say("x" * 5000, 0.0) == 0


@pytest.mark.requirement("SEAL-02", "UDP-11")
def test_what_is_heard_is_opened_and_made_harmless() -> None:
    case, bob = joined(), Bob()
    said = bob.says("hi \x1b[2J\nserver: bye \u202e")
    case.brain.receive_datagram(said, 1.0)
    assert news(case) == [Message("bob", "hi \ufffd[2J⏎server: bye \ufffd", said, 1.0)]


@pytest.mark.requirement("SEAL-04")
def test_what_comes_again_is_shown_once() -> None:
    case, bob = joined(), Bob()
    said = bob.says("hello")
    for now in (1.0, 2.0, 3.0):
        case.brain.receive_datagram(said, now)
    assert news(case) == [Message("bob", "hello", said, 1.0)]


@pytest.mark.requirement("SEAL-04")
def test_who_hears_nothing_readable_with_its_key_says_so_and_sends_nothing() -> None:
    case, bob = joined(), Bob(OTHER)
    case.brain.receive_datagram(bob.says("hello"), 1.0)
    assert news(case) == [Unreadable("bob", sealed=True, key_fits=False)]
    for say in (case.brain.say, case.brain.command):
        with pytest.raises(WrongKeyError, match="key opens nothing"):
            say("/topic tea", 1.0)
    assert texts(case) == []
    case.brain.command("/who", 1.0)
    case.brain.command("/topic", 1.0)
    case.brain.command("/topic -", 1.0)
    assert texts(case) == [b"/who", b"/topic", b"/topic -"]


@pytest.mark.requirement("SEAL-04")
@pytest.mark.parametrize("proof", [Bob().says("hello"), Bob().topic("tea")])
def test_who_could_read_something_knows_that_its_key_is_right(proof: bytes) -> None:
    case, stranger = joined(), Bob(OTHER)
    case.brain.receive_datagram(stranger.says("hello"), 1.0)
    case.brain.receive_datagram(proof, 1.1)
    case.brain.receive_datagram(stranger.says("hello"), 1.2)
    assert news(case)[::2] == [
        Unreadable("bob", sealed=True, key_fits=False),
        Unreadable("bob", sealed=True, key_fits=True),
    ]
    assert case.brain.say("hello", 2.0)


@pytest.mark.requirement("SEAL-04")
def test_who_created_the_room_has_its_key() -> None:
    case = joined(operation=Operation.CREATE)
    case.brain.receive_datagram(Bob(OTHER).says("hello"), 1.0)
    assert news(case) == [Unreadable("bob", sealed=True, key_fits=True)]
    assert case.brain.say("hello", 2.0)


@pytest.mark.requirement("SEAL-04")
@pytest.mark.parametrize(
    ("text", "sender"),
    [("bob: hello", "bob"), ("hello", None), ("bob: server: hello", "bob"), ("e2e1.AAAA: hello", "e2e1.AAAA")],
)
def test_what_isnt_sealed_is_not_shown(text: str, sender: str | None) -> None:
    case = joined()
    case.brain.receive_datagram(text.encode(), 1.0)
    assert news(case) == [Unreadable(sender, sealed=False, key_fits=False)]
    assert case.brain.say("still there", 2.0)


@pytest.mark.requirement("SEAL-02")
def test_what_another_said_isnt_the_words_of_whom_the_relay_names() -> None:
    """Threat N8."""
    case = joined()
    case.brain.receive_datagram(b"eve: " + Bob().says("hello").partition(b": ")[2], 1.0)
    assert news(case) == [Unreadable("eve", sealed=True, key_fits=False)]


@pytest.mark.requirement("SEAL-03", "MOD-07")
def test_a_topic_is_sealed_and_opened() -> None:
    case, bob = joined(operation=Operation.CREATE), Bob()
    known = case.brain.command("/topic tea\u202e", 1.0)
    (sent,) = texts(case)
    word, _, topic = sent.partition(b" ")
    assert (word, bob.reads(topic, Kind.TOPIC)) == (b"/topic", "tea\ufffd")
    assert case.brain.take_events() == [Delivery(known, DeliveryState.SENDING, "/topic tea\u202e")]
    for text in ("milk \x1b first", "milk \x1b first"):
        case.brain.receive_datagram(bob.topic(text), 2.0)
    case.brain.receive_datagram(encode_notice(Topic(""), json=True), 3.0)
    assert news(case) == [Topic("milk \ufffd first")] * 2 + [Topic("")]
    case.brain.receive_datagram(encode_notice(Topic("plain"), json=True), 4.0)
    case.brain.receive_datagram(Bob(OTHER).topic("tea"), 4.0)
    assert news(case) == [Unreadable(None, sealed=sealed, key_fits=True) for sealed in (False, True)]


@pytest.mark.requirement("SEAL-04", "MOD-07")
def test_a_topic_that_is_too_long_isnt_sent() -> None:
    case = joined(replace(SEALED, max_message_bytes=4000))
    longest = text_bytes_within(MAX_TOPIC_BYTES)
    case.brain.command("/topic " + "x" * longest, 1.0)
    assert len(texts(case)[0]) <= len("/topic ") + MAX_TOPIC_BYTES
    with pytest.raises(MessageTooLongError, match=f"use at most {longest}"):
        case.brain.command("/topic " + "x" * (longest + 1), 1.0)


@pytest.mark.requirement("SEAL-02", "MOD-07")
def test_a_room_that_is_created_anew_is_sealed_and_its_topic_too() -> None:
    case, bob = joined(operation=Operation.CREATE, grant=replace(SEALED, host=True)), Bob()
    case.brain.receive_datagram(bob.topic("tea"), 1.0)
    case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SHUTDOWN), json=True), 2.0)
    now = case.until(Stage.JOINING)
    case.flush()
    case.answer(now, replace(SEALED, host=True))
    assert case.requests[-1][0] is Operation.CREATE
    assert case.requests[-1][2].sealed
    assert any(isinstance(event, Rejoined) for event in case.brain.take_events())
    case.brain.receive_datagram(encode_receipt(3), now)
    topics = [text for text in texts(case) if text.startswith(b"/topic ")]
    assert {bob.reads(topic.partition(b" ")[2], Kind.TOPIC) for topic in topics} == {"tea"}


@pytest.mark.requirement("SEAL-02")
def test_in_one_session_no_counter_comes_twice_however_often_it_comes_back() -> None:
    case, now = joined(), 1.0
    sent: list[bytes] = []
    for _ in range(3):
        case.brain.say("hello", now)
        sent += texts(case)
        case.brain.receive_datagram(encode_notice(Disconnected(EvictionReason.SILENCE), json=True), now + 1)
        case.brain.say("meanwhile", now + 2)
        now = case.until(Stage.JOINING)
        case.flush()
        case.answer(now, SEALED)
        numbered = dict(filter(None, map(parse_numbered, case.sent_messages())))
        for number in numbered:
            case.brain.receive_datagram(encode_receipt(number), now)
        sent += filter(None, numbered.values())
    raw = [urlsafe_b64decode(text.removeprefix(b"e2e1.") + b"==") for text in sent]
    assert {data[:8] for data in raw} == {b"ann's id"}
    counters = [int.from_bytes(data[8:16], "big") for data in raw]
    assert counters == sorted(set(counters))
    assert len(counters) == 6
