"""Messages that have a number are answered, and none is relayed twice (RCP-01 to RCP-04)."""

import json

import pytest

from conformance import wire
from conformance.people import Member, People

pytestmark = pytest.mark.level("extension")

RECEIPTS = ("receipts",)
WINDOW = 64


def said(number: int) -> bytes:
    return b'server: {"notice":"said","n":%d}' % number


def not_said(number: int, reason: bytes) -> bytes:
    return b'server: {"notice":"not_said","n":%d,"reason":"%b"}' % (number, reason)


def pair(people: People, room: bytes) -> tuple[Member, Member]:
    """Make ann, the host, who has receipts and notices in prose, and bob, who has nothing of it."""
    ann, bob = people.create(room, b"ann", features=RECEIPTS), people.join(room, b"bob")
    ann.heard(after=bob)
    bob.heard(after=ann)
    return ann, bob


@pytest.mark.requirement("RCP-01", "RCP-04")
def test_what_is_taken_is_answered_to_its_sender_alone(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    ann.say(b"/say 1 hello")
    assert bob.receive() == b"ann: hello"
    assert ann.receive() == said(1)
    ann.say(b"/say 2 ann: and this")
    assert bob.receive() == b"ann: and this"
    assert ann.receive() == said(2)
    ann.say(b"/say 4294967295 /say 3 text")
    assert bob.receive() == b"ann: /say 3 text"
    assert ann.receive() == said(4294967295)
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("RCP-01", "MOD-01")
def test_a_command_is_obeyed_and_answered(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    ann.say(b"/say 1 /mute bob")
    heard = {ann.receive(), ann.receive()}
    assert said(1) in heard
    assert len(heard) == 2  # the other one is the command's own answer
    ann.say(b"/say 1 /unmute bob")
    assert ann.receive() == said(1)
    bob.say(b"hello?")
    bob.await_notice(b"You are muted: what you say is not relayed.")


@pytest.mark.requirement("RCP-01", "FEAT-02")
def test_what_has_no_legal_number_is_text(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    for text in (b"/say hello", b"/say 0 x", b"/say 01 x", b"/say 4294967296 x", b"/say", b"/SAY 1 x", b" /say 1 x"):
        ann.say(text)
        assert bob.receive() == b"ann: " + text
    bob.say(b"/say 1 hello")  # who hasn't asked for receipts says so
    assert ann.receive() == b"bob: /say 1 hello"
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("RCP-02")
def test_a_number_that_was_said_is_answered_again_and_relayed_once(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    for _ in range(100):  # more than may be said at once
        ann.say(b"/say 7 hello")
        assert ann.receive() == said(7)
    assert bob.receive() == b"ann: hello"
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("RCP-02", "LIM-01")
def test_a_refused_number_may_be_tried_again(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    ann.say(b"/say 1 \xff")
    assert ann.receive() == not_said(1, b"invalid_utf8")
    ann.say(b"/say 1 hello")
    assert ann.receive() == said(1)
    assert bob.receive() == b"ann: hello"


@pytest.mark.requirement("RCP-02")
def test_a_number_below_all_that_are_remembered_is_stale(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    numbers = range(2, 2 + WINDOW)
    for number in numbers:
        answer = b""
        while answer != said(number):  # it waits for its limit
            ann.say(b"/say %d x" % number)
            answer = ann.receive()
    ann.say(b"/say 1 x")
    assert ann.receive() == not_said(1, b"stale")
    ann.say(b"/say 2 x")
    assert ann.receive() == said(2)
    assert [bob.receive() for _ in numbers] == [b"ann: x"] * WINDOW


@pytest.mark.requirement("RCP-02", "TCP-07")
def test_the_longest_message_leaves_room_for_its_number(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    limit = json.loads(ann.completion)["max_message_bytes"]
    ann.say(b"/say 4294967295 " + b"x" * limit)
    assert bob.receive() == b"ann: " + b"x" * limit
    assert ann.receive() == said(4294967295)


@pytest.mark.requirement("RCP-03")
def test_an_empty_text_asks_whether_the_relay_hears(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    for number, text in ((1, b"/say 1"), (2, b"/say 2 ")):
        ann.say(text)
        assert ann.receive() == said(number)
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("RCP-04", "UDP-02")
def test_answers_go_where_the_member_is(people: People, room: bytes) -> None:
    ann, _ = pair(people, room)
    elsewhere = people.listener(people.relay.udp_port, people.local)
    datagram = wire.chat(room, ann.token, b"/say 1 hello")
    elsewhere.receive_until(lambda data: data == said(1), nudge=lambda: elsewhere.send(datagram))  # the port moves
    stranger = wire.chat(room, b"x" * len(ann.token), b"/say 2 hello")
    elsewhere.send(stranger)
    elsewhere.send(wire.chat(room, ann.token, b"/say 3 hello"))
    assert elsewhere.receive_until(lambda data: data != said(1)) == said(3)
    ann.waiting()
