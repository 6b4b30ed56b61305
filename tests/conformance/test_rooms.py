"""Rooms, hosts, tokens and names."""

import re
import threading

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Member, People, ask, call, half_request, status_of
from conformance.relays import RESTRICTED, SHORT_OF_PATIENCE, TALKATIVE, Relay

pytestmark = pytest.mark.level("extension")

FULL_WIDTH_ANN = "\uff41\uff4e\uff4e"
CYRILLIC_ANN = "\u0430nn"
FULL_WIDTH_SERVER = "\uff53\uff45\uff52\uff56\uff45\uff52"
CYRILLIC_SERVER = "\u0455erver"


def create(room: bytes, name: bytes) -> bytes:
    return wire.frame(wire.CREATE, wire.REQUEST, room, name)


def join(room: bytes, name: bytes) -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, room, name)


@pytest.mark.requirement("ROOM-01", "ROOM-03")
def test_a_room_closes_with_its_host_and_its_name_is_free_again(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    ann.leave()
    for member in (bob, eve):
        member.await_notice(b"disconnected: host_left")
    carol = people.create(room, b"carol")
    dave = people.join(room, b"dave")
    carol.heard(after=dave)
    bob.say(b"my token is dead")
    ann.say(b"mine too")
    assert dave.heard(after=carol) == []


@pytest.mark.requirement("ROOM-01")
def test_a_room_outlives_members_who_are_not_its_host(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    bob.leave()
    ann.say(b"still here")
    assert eve.hear() == b"ann: still here"


@pytest.mark.requirement("ROOM-02")
def test_tokens_are_long_random_and_plain(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann")
    tokens = {ann.token}
    for number in range(20):
        bob = people.join(room, b"bob%d" % number)
        tokens.add(bob.token)
        bob.leave()
    assert len(tokens) == 21
    for token in tokens:
        assert re.fullmatch(rb"[!-+\--9;-z|}~][!-+\--9;-~]{19,254}", token), token  # 128 bits: 20 characters of 94


@pytest.mark.requirement("ROOM-02")
def test_a_token_is_invalid_in_another_room(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    other = people.create(room + b"2", b"ann")
    bob.send(wire.chat(other.room, bob.token, b"from outside"))
    bob.send(wire.chat(room, other.token, b"from outside"))
    assert ann.heard(after=bob) == []


@pytest.mark.requirement("ROOM-02")
def test_a_token_is_never_logged_nor_relayed(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**TALKATIVE)
    with People(own.relay) as people:
        ann, bob = people.pair(room)
        bob.say(b"hello")
        datagrams = ann.heard(after=bob)
        bob.leave()
        ann.await_notice(b"bob left")
    assert own.process.poll() is None
    for token in (ann.token, bob.token):
        assert token.decode() not in own.said()
        assert not [data for data in datagrams if token in data]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann", "ann"),
        ("ann", "ANN"),
        ("ann", FULL_WIDTH_ANN),
        ("ann", CYRILLIC_ANN),
        ("straße", "STRASSE"),
        ("é", "e\u0301"),
        ("mia", "rnia"),
        ("ann smith", "ann  smith"),
        ("❤", "❤\ufe0f"),
    ],
)
@pytest.mark.requirement("ROOM-03")
def test_names_that_look_alike_are_taken(people: People, room: bytes, first: str, second: str) -> None:
    people.create(room, b"host-of-it")
    people.join(room, first.encode())
    assert status_of(people.relay, join(room, second.encode())) == wire.NAME_TAKEN


@pytest.mark.requirement("ROOM-03")
def test_a_name_is_free_again_after_its_member_left(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    bob.leave()
    ann.await_notice(b"bob left")
    people.join(room, b"bob")
    ann.await_notice(b"bob joined")


@pytest.mark.parametrize(
    "name",
    [
        "server", "SERVER", FULL_WIDTH_SERVER, CYRILLIC_SERVER, "server\u200b", "system", "host", "admin", "Admin",
        "サーバー", "[server]", "s3rver", "@dmin", "運営",
        "Eve (host)", "Zed (muted)", "Bob (away)", "Eve \uff08h\u043est\uff09",
        "a\u200db", "é\u200cb", "\u200cعلی", "\u0640a",
        "a\u3164b", "\u2800", "a\ufe0fb", "\u0301a", "Z" + 5 * "\u0335", "\ue000", "\u0378", "\U000e0041",
        "", "a:b", " a", "a ", "a\nb", "a\0", "\x1b[2J", "a\u202eb", "é" * 128,
    ],
)  # fmt: skip
@pytest.mark.requirement("ROOM-03", "TCP-10")
def test_names_that_cannot_be_used_are_refused(relay: Relay, room: bytes, name: str) -> None:
    assert status_of(relay, create(room, name.encode())) == wire.BAD_NAME
    assert status_of(relay, join(room, b"ann")) == wire.NO_SUCH_ROOM


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a" * 255,
        "é" * 127,
        "漢字 さん",
        "نمی\u200cکنم",
        "ශ්\u200dරී",
        "شــكر",
        "Høst",
        "Ádmin",
        "😀",
        "田中\u3000太郎",
        "o'neil, jr.; <b>",
        "José",
        "❤\ufe0f",
        "[bot]",
        "Doe, John",
    ],
)
@pytest.mark.requirement("ROOM-03")
def test_ordinary_names_of_all_languages_are_taken(people: People, room: bytes, name: str) -> None:
    people.create(room, name.encode())


@pytest.mark.requirement("ROOM-04")
def test_an_unused_token_expires(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(**SHORT_OF_PATIENCE).relay
    with People(relay) as people:
        ann = people.create(room, b"ann")
        bob = Member(relay, wire.JOIN, room, b"bob")
        with bob:
            ann.await_notice(b"bob was disconnected: never_connected")
            bob.say(b"too late")
            people.join(room, b"bob")
            ann.await_notice(b"bob joined")
            assert ann.waiting() == []


@pytest.mark.requirement("ROOM-04", "EVI-04")
def test_a_room_whose_host_never_spoke_closes(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(**SHORT_OF_PATIENCE).relay
    with People(relay) as people, Member(relay, wire.CREATE, room, b"ann"):
        bob = people.join(room, b"bob")
        bob.await_notice(b"disconnected: host_left")
        assert status_of(relay, join(room, b"eve")) == wire.NO_SUCH_ROOM


@pytest.mark.requirement("ROOM-05")
def test_a_room_has_a_cap_of_members(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**RESTRICTED).relay) as people:
        ann, bob = people.pair(room)
        people.join(room, b"dave")
        assert status_of(people.relay, join(room, b"eve")) == wire.ROOM_FULL
        bob.leave()
        ann.await_notice(b"bob left")
        people.join(room, b"eve")


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_a_cap_of_rooms(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(max_rooms_per_address=1).relay) as people:
        ann, bob = people.pair(room)
        assert status_of(people.relay, create(room + b"2", b"ann")) == wire.TOO_MANY
        people.create(room + b"2", b"ann", source="127.0.0.2")
        ann.leave()
        bob.await_notice(b"disconnected: host_left")
        people.create(room + b"3", b"ann")


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_a_cap_of_members(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(max_members_per_address=2).relay) as people:
        people.pair(room)
        assert status_of(people.relay, join(room, b"eve")) == wire.TOO_MANY
        people.join(room, b"eve", source="127.0.0.2")


@pytest.mark.parametrize("cap", ["max_rooms", "max_members"])
@pytest.mark.requirement("ROOM-05")
def test_the_relay_has_a_cap_of_rooms_and_members(start_relay: StartRelay, room: bytes, cap: str) -> None:
    with People(start_relay(**{cap: 1}).relay) as people:
        people.create(room, b"ann")
        assert status_of(people.relay, create(room + b"2", b"bob")) == wire.TOO_MANY


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_a_cap_of_concurrent_transactions(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(max_transactions_per_address=2).relay
    with half_request(relay), half_request(relay):
        for _ in range(5):  # the answer must survive, whether it is read before or after the request is sent
            with call(relay) as connection:
                connection.sendall(create(room, b"ann"))
                (reply,) = wire.read_frames(connection)
            assert (reply.state, reply.payload) == (wire.REPLY, bytes([wire.BUSY]))
    assert ask(relay, join(room, b"ann"))[0].payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.requirement("ROOM-05")
def test_at_the_cap_the_slowest_transaction_yields(start_relay: StartRelay, room: bytes) -> None:
    relay = start_relay(max_transactions=2).relay
    with half_request(relay) as slowest, half_request(relay) as slow:
        assert ask(relay, join(room, b"ann"))[0].payload == bytes([wire.NO_SUCH_ROOM])
        (reply,) = wire.read_frames(slowest)
        assert (reply.state, reply.payload) == (wire.REPLY, bytes([wire.BUSY]))
        slow.settimeout(0)
        with pytest.raises(BlockingIOError):
            slow.recv(1)


@pytest.mark.requirement("ROOM-06")
def test_a_room_outlives_its_host_by_the_grace(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**SHORT_OF_PATIENCE).relay) as people:
        ann, bob, eve = people.trio(room)
        ann.leave()
        bob.await_notice(b"ann left")
        eve.await_notice(b"ann left")
        bob.say(b"still here")
        assert eve.hear() == b"bob: still here"
        eve.await_notice(b"disconnected: host_left")
        assert status_of(people.relay, join(room, b"dave")) == wire.NO_SUCH_ROOM


@pytest.mark.requirement("ROOM-06")
def test_a_host_that_comes_back_within_the_grace_is_host_again(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**SHORT_OF_PATIENCE).relay) as people:
        ann, bob = people.pair(room)
        host_next_door, next_door = people.pair(room + b"2")
        ann.leave()
        bob.await_notice(b"ann left")
        again = people.join(room, b"ann")
        host_next_door.leave()  # later than ann did, so this room's end is after the end of ann's grace
        next_door.await_notice(b"disconnected: host_left")
        again.say(b"still here")
        assert bob.hear() == b"ann: still here"


@pytest.mark.requirement("ROOM-01", "TCP-03")
def test_of_concurrent_creates_of_one_room_one_succeeds(relay: Relay, people: People, room: bytes) -> None:
    request = create(room, b"ann")
    first: list[list[wire.Frame]] = []
    rest: list[list[wire.Frame]] = []

    def create_it() -> None:
        frames = ask(relay, request)
        (first if len(frames) == 2 else rest).append(frames)

    threads = [threading.Thread(target=create_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(wire.WAIT_SECONDS * 2)
    (host,) = first
    assert {frames[0].payload for frames in rest} == {bytes([wire.ROOM_EXISTS])}
    ann = people.listener(relay.udp_port, people.local)
    ann.send(wire.chat(room, host[1].payload, b"/leave"))
