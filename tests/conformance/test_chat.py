"""Chat over UDP: who may speak, who hears what, and in which form."""

import socket
import time
from itertools import pairwise

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Member, People
from conformance.relays import ADDS_NOTHING

pytestmark = pytest.mark.level("extension")

FILL = "é漢😀x".encode()
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def message_of(size: int) -> bytes:
    """Return ``size`` bytes of legal text."""
    return (FILL * (size // len(FILL)) + b"x" * (size % len(FILL)))[:size]


def largest_message(member: Member) -> int:
    return 4096 - 2 - len(member.room) - len(member.token)


@pytest.mark.requirement("UDP-01", "UDP-04")
def test_a_message_reaches_every_other_member_once_and_not_its_sender(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    ann.say(b"hello")
    assert bob.heard(after=eve) == [b"ann: hello"]
    assert eve.heard(after=bob)[0] == b"ann: hello"
    assert not [data for data in ann.heard(after=bob) if b"hello" in data]


@pytest.mark.requirement("UDP-04")
def test_messages_come_in_the_order_of_their_arrival(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    said = []
    for number in range(30):  # a relay may allow bursts no longer than that
        speaker = (ann, bob)[number % 2]
        speaker.say(b"%d" % number)
        said.append(speaker.name + b": %d" % number)
    assert eve.heard(after=ann) == said


@pytest.mark.requirement("UDP-04")
def test_rooms_dont_receive_each_others_messages(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    people.create(room + b"2", b"ann").say(b"next door")
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("UDP-01", "UDP-05")
def test_messages_up_to_the_datagrams_limit_pass_and_longer_ones_do_not(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    largest = message_of(min(largest_message(ann), 4094 - len(b"ann: ")))
    for message in (b"x", largest):
        ann.say(message)
        assert bob.hear() == b"ann: " + message
    for size in (4097, 5000, 9000):
        ann.send(wire.chat(room, ann.token, b"y" * size)[:size])
    assert bob.heard(after=ann) == []


@pytest.mark.requirement("UDP-01", "CON-03")
def test_malformed_datagrams_are_dropped_without_an_answer(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    stranger = people.listener(people.relay.udp_port, people.local)
    good = wire.chat(room, ann.token, b"")
    for length in range(1, len(good)):
        stranger.send(good[:length])
        ann.send(good[:length])
    for head in (b"\0\0", b"\xff\xff", b"\0\x05", b"\x05\0", b"\xff\x01", b"\x01\xff"):
        stranger.send(head + b"x" * 300)
        stranger.send(head)
    assert bob.heard(after=ann) == []
    assert stranger.waiting() == []


@pytest.mark.requirement("UDP-02", "CON-03")
def test_an_unknown_token_is_dropped_without_an_answer(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    stranger = people.listener(people.relay.udp_port, people.local)
    for token in (b"x", b"x" * 255, ann.token[:-1], ann.token + b"x", ann.token.swapcase()):
        stranger.send(wire.chat(room, token, b"let me in"))
    assert bob.heard(after=ann) == []
    assert stranger.waiting() == []


@pytest.mark.requirement("UDP-02", "CON-03")
def test_a_token_from_another_ip_address_is_dropped_silently(people: People, room: bytes) -> None:
    if not people.relay.is_loopback_v4:
        pytest.skip("needs a second local address: the target is not on 127.0.0.x")
    ann, bob = people.pair(room)
    thief = people.listener(people.relay.udp_port, "127.0.0.2")
    thief.send(wire.chat(room, ann.token, b"I am ann"))
    thief.send(wire.chat(room, ann.token, b"/leave"))
    assert bob.heard(after=ann) == []
    assert thief.waiting() == []


@pytest.mark.requirement("UDP-02")
def test_a_member_of_the_second_address_may_speak_from_there_only(people: People, room: bytes) -> None:
    if not people.relay.is_loopback_v4:
        pytest.skip("needs a second local address: the target is not on 127.0.0.x")
    ann = people.create(room, b"ann")
    bob = people.join(room, b"bob", source="127.0.0.2")
    bob.say(b"hello")
    assert ann.hear() == b"bob: hello"
    people.listener(people.relay.udp_port, "127.0.0.1").send(wire.chat(room, bob.token, b"not bob"))
    assert ann.heard(after=bob) == []


@pytest.mark.requirement("UDP-02")
def test_a_dual_stack_relay_takes_mapped_and_plain_addresses_as_one(start_relay: StartRelay, room: bytes) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("needs IPv6, which this machine doesn't have")
    with People(start_relay(host="::").relay) as people:
        ann, bob = people.pair(room)
        ann.say(b"hello")
        assert bob.hear() == b"ann: hello"


@pytest.mark.requirement("UDP-03")
def test_messages_follow_a_member_to_its_newest_port(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    moved = people.listener(people.relay.udp_port, bob.local)

    def nudge() -> None:
        moved.send(wire.chat(room, bob.token))
        ann.say(b"where are you?")

    assert moved.receive_until(lambda data: data == b"ann: where are you?", nudge)
    bob.waiting()
    ann.say(b"only there")
    assert moved.receive_until(lambda data: data == b"ann: only there")
    assert bob.waiting() == []


@pytest.mark.requirement("UDP-03")
def test_a_members_port_changes_once_a_second_at_most(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    sockets = [bob, people.listener(people.relay.udp_port, bob.local)]
    started = time.monotonic()
    heard_by, copies = [], 0
    for number in range(20):
        sockets[number % 2].send(wire.chat(room, bob.token))
        ann.say(b"%d" % number)
    ann.heard(after=bob)
    for index, listener in enumerate(sockets):
        for data in listener.waiting():
            heard_by.append((int(data.removeprefix(b"ann: ")), index))
            copies += 1
    owners = [index for _, index in sorted(heard_by)]
    changes = sum(before != after for before, after in pairwise(owners))
    assert copies == 20
    assert changes <= 1 + time.monotonic() - started


@pytest.mark.requirement("UDP-05")
@pytest.mark.parametrize("name", ["ann", "漢字 さん", "n" * 200])
def test_messages_carry_their_senders_name(people: People, room: bytes, name: str) -> None:
    speaker, bob = people.create(room, name.encode()), people.join(room, b"bob")
    speaker.say("こんにちは: 😀\tx".encode())
    assert bob.hear() == f"{name}: こんにちは: 😀\tx".encode()


@pytest.mark.requirement("UDP-05")
def test_a_message_that_begins_with_its_senders_name_is_relayed_unchanged(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    for message in (b"ann: hi", b"ann:hi", b"ann  : hi", b"ann:"):
        ann.say(message)
        assert bob.hear() == message
    for message in (b"anna: hi", b"bob: hi", b"ann hi", b"Ann: hi", b" ann: hi"):
        ann.say(message)
        assert bob.hear() == b"ann: " + message


@pytest.mark.requirement("UDP-05")
def test_without_attribution_messages_are_relayed_unchanged(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(attribution="none", sanitize="false").relay
    with People(relay) as people:
        ann, bob = people.pair(room)
        for message in (b"hi", bytes(range(256)), b"\xff" * largest_message(ann)):
            ann.say(message)
            assert bob.hear() == message


@pytest.mark.requirement("UDP-06")
def test_a_message_too_long_with_its_name_is_dropped_and_its_sender_is_told(people: People, room: bytes) -> None:
    people.create(room, b"host-of-it")
    ann, bob = people.join(room, b"n" * 255), people.join(room, b"bob")
    fits = 4094 - 255 - len(b": ")
    if largest_message(ann) <= fits:
        pytest.skip("the relay's tokens are so long that no message can be too long")
    ann.say(message_of(fits))
    heard = bob.hear()
    assert len(heard) == 4094
    assert heard.decode() == ann.name.decode() + ": " + message_of(fits).decode()
    started = time.monotonic()
    for _ in range(5):
        ann.say(b"x" * (fits + 1))
    assert bob.heard_messages(after=ann) == []
    told = [data for data in ann.heard(after=bob) if data.startswith(b"server: ") and b"joined" not in data]
    assert 1 <= len(told) <= 1 + time.monotonic() - started


@pytest.mark.requirement("UDP-07")
def test_an_empty_message_is_not_relayed(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    for _ in range(3):
        ann.keep_alive()
    assert bob.heard(after=ann) == []


@pytest.mark.parametrize("command", [b"/leave", b"/exit", b"/quit"])
@pytest.mark.requirement("UDP-08", "UDP-10")
def test_a_leave_command_leaves(people: People, room: bytes, command: bytes) -> None:
    ann, bob = people.pair(room)
    bob.say(command)
    ann.await_notice(b"bob left")
    bob.say(b"I am gone")
    carol = people.join(room, b"carol")
    assert ann.heard_messages(after=carol) == []
    assert bob.waiting() == []


@pytest.mark.parametrize("message", [b"/leave now", b" /leave", b"/LEAVE", b"/leave\t", b"/q", b"/"])
@pytest.mark.requirement("UDP-08")
def test_anything_else_is_a_message_like_any_other(people: People, room: bytes, message: bytes) -> None:
    ann, bob = people.pair(room)
    bob.say(message)
    assert ann.hear() == b"bob: " + message


@pytest.mark.requirement("UDP-12")
def test_an_answer_to_a_challenge_is_not_relayed(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    bob.say(b"/here 0123456789abcdef")
    bob.say(b"/here I am")
    assert ann.hear() == b"bob: /here I am"


@pytest.mark.requirement("UDP-09")
def test_no_member_speaks_as_the_server(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    for message in (b"server: hi", b"x\nserver: hi", b"x\rserver: hi", "x\u2028server: hi".encode()):
        ann.say(message)
        heard = bob.receive()
        assert heard.startswith(b"ann: ")
        assert len(heard.decode().splitlines()) == 1


@pytest.mark.requirement("UDP-09")
def test_no_member_speaks_as_the_server_without_attribution_either(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**ADDS_NOTHING).relay) as people:
        ann, bob = people.pair(room)
        for message in (b"server: hi", b"SERVER: hi", b"  server: hi", b"server:hi", b"Server : hi"):
            ann.say(message)
        assert bob.heard(after=ann) == []
        for name in ("ѕerver", "ｓｅｒｖｅｒ", "server\u200b", "[server]"):  # noqa: RUF001 - look-alikes
            ann.say(f"{name}: disconnected: kicked".encode())
        assert bob.heard(after=ann) == []
        ann.say(b"the server: hi")
        assert bob.receive() == b"the server: hi"


@pytest.mark.requirement("UDP-10")
def test_members_are_told_of_joins_and_leaves(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    carol = people.join(room, "漢字".encode())
    carol.leave()
    dave = people.join(room, b"dave")
    told = ["server: 漢字 joined".encode(), "server: 漢字 left".encode(), b"server: dave joined"]
    assert ann.heard(after=dave) == told
    assert bob.heard(after=dave)[:3] == told
    assert not [data for data in dave.heard(after=ann) if b"dave" in data]


@pytest.mark.requirement("UDP-10", "UDP-08")
def test_notices_and_leave_commands_can_be_off(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**ADDS_NOTHING).relay) as people:
        ann, bob = people.create(room, b"ann"), people.join(room, b"bob")
        bob.say(b"/leave")
        assert ann.receive() == b"/leave"
        assert bob.heard(after=ann) == []


@pytest.mark.parametrize("message", [b"\xff", b"ab\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
@pytest.mark.requirement("UDP-11")
def test_messages_that_are_not_utf8_are_dropped(people: People, room: bytes, message: bytes) -> None:
    ann, bob = people.pair(room)
    ann.say(message)
    assert bob.heard(after=ann) == []


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\nb", "a⏎b"),
        ("a\r\nb", "a⏎b"),
        ("a\tb", "a\tb"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x9b2J\x7f\0", "\ufffd2J\ufffd\ufffd"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("\u202b\u05e9\u05dc\u05d5\u05dd\u200f!\u202c \u2066ok\u2069\u200e", "\u05e9\u05dc\u05d5\u05dd! ok"),
        ("a\u2028b\x85c", "a⏎b⏎c"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("x\nserver: closed", "x⏎server: closed"),
        ("\ufff9a\ufffb", "\ufffda\ufffd"),
        ("hi\U000e0068\U000e0069", "hi\ufffd\ufffd"),
        (ENGLAND, ENGLAND),
        ("Z" + 50 * "\u0335" + "algo", "Z" + 4 * "\u0335" + "\ufffdalgo"),
        ("❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f\ufffd"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001 - Persian
    ],
)
@pytest.mark.requirement("UDP-11")
def test_unsafe_characters_are_replaced(people: People, room: bytes, message: str, shown: str) -> None:
    ann, bob = people.pair(room)
    ann.say(message.encode())
    assert bob.hear() == f"ann: {shown}".encode()
