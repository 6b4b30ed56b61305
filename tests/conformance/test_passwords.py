"""Rooms with passwords: admission, limits on guesses, and what refusals don't reveal."""

import json
import signal

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import People, ask, call, status_of
from conformance.relays import OBEYS_NOBODY, RESTRICTED, TALKATIVE, Relay

pytestmark = pytest.mark.level("extension")

SECRET = "open sesame"
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def request(operation: int, room: bytes, name: str, password: str | None, *, wants_json: bool = False) -> bytes:
    fields = {"username": name, "password": password} | ({"reply": "json"} if wants_json else {})
    return wire.frame(operation, wire.REQUEST, room, json.dumps(fields).encode())


def join(room: bytes, password: str | None, name: str = "bob", *, wants_json: bool = False) -> bytes:
    return request(wire.JOIN, room, name, password, wants_json=wants_json)


def guess(relay: Relay, room: bytes, password: str | None, source: str = "127.0.0.1", name: str = "") -> int:
    """Join once; returns the status, busy included. Who is let in dies unheard, or leaves with the room."""
    with call(relay, source) as connection:
        connection.sendall(join(room, password, name or f"guest {source} {password}"))
        reply = wire.read_frames(connection)[0]
    return reply.payload[0]


@pytest.mark.requirement("TCP-11", "PWD-02")
def test_a_room_admits_only_the_right_password(relay: Relay, people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", password=SECRET)
    assert status_of(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob")) == wire.WRONG_PASSWORD
    for wrong in (None, "", "Open sesame", SECRET + " "):
        assert status_of(relay, join(room, wrong)) == wire.WRONG_PASSWORD
    bob = people.join(room, b"bob", password=SECRET)
    ann.heard(after=bob)
    ann.say(b"welcome")
    assert bob.hear() == b"ann: welcome"


@pytest.mark.requirement("PWD-02")
def test_a_room_without_a_password_ignores_passwords(people: People, room: bytes) -> None:
    people.create(room, b"ann")
    people.join(room, b"bob", password="whatever")


@pytest.mark.requirement("PWD-02")
def test_a_wrong_password_reveals_nothing_about_the_room(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**RESTRICTED).relay) as people:
        people.create(room, b"ann", "127.0.0.1", password=SECRET)
        for friend in (b"dave", b"zoe"):  # they fill it
            people.join(room, friend, "127.0.0.1", SECRET)
        for name in ("ann", "server", "bob"):
            assert status_of(people.relay, join(room, "wrong", name), "127.0.0.2") == wire.WRONG_PASSWORD
            assert status_of(people.relay, join(room, None, name), "127.0.0.2") == wire.WRONG_PASSWORD
        assert status_of(people.relay, join(room, SECRET)) == wire.ROOM_FULL


@pytest.mark.requirement("PWD-01")
def test_a_password_is_the_same_however_it_is_spelled(people: People, room: bytes) -> None:
    people.create(room, b"ann", password=DECOMPOSED)
    people.join(room, b"bob", password=COMPOSED)
    people.join(room, b"eve", password=DECOMPOSED)


@pytest.mark.requirement("PWD-01")
def test_a_password_has_up_to_1024_bytes(relay: Relay, people: People, room: bytes) -> None:
    longest = "\u00e9" * 512
    people.create(room, b"ann", password=longest)
    assert status_of(relay, join(room, longest[:-1])) == wire.WRONG_PASSWORD
    people.join(room, b"bob", password=longest)
    for operation in (wire.CREATE, wire.JOIN):
        assert status_of(relay, request(operation, room, "eve", longest + "x")) == wire.MALFORMED


@pytest.mark.parametrize("password", [rb"a\ud800", rb"\udfff", b"\xed\xa0\x80"])
@pytest.mark.requirement("PWD-01")
def test_a_password_with_a_lone_surrogate_is_refused(relay: Relay, room: bytes, password: bytes) -> None:
    payload = b'{"username":"ann","password":"' + password + b'"}'
    for operation in (wire.CREATE, wire.JOIN):
        assert status_of(relay, wire.frame(operation, wire.REQUEST, room, payload)) == wire.MALFORMED


@pytest.mark.requirement("PWD-03")
def test_an_impossible_request_is_refused_whatever_its_password(relay: Relay, people: People, room: bytes) -> None:
    people.create(room, b"ann", password=SECRET)
    for password in (SECRET, "another", None):
        assert status_of(relay, request(wire.CREATE, room, "bob", password)) == wire.ROOM_EXISTS
    assert status_of(relay, join(room + b"?", SECRET)) == wire.NO_SUCH_ROOM
    assert status_of(relay, join(room, SECRET, "ann")) == wire.NAME_TAKEN


@pytest.mark.requirement("PWD-03")
def test_a_full_password_queue_refuses_some_and_delays_no_other_request(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**OBEYS_NOBODY)
    own.process.send_signal(signal.SIGSTOP)  # so that it finds all of them at once
    try:
        crowd = [call(own.relay) for _ in range(30)]
        for number, connection in enumerate(crowd):
            connection.sendall(request(wire.CREATE, room + b"%d" % number, "ann", SECRET))
        with_none = call(own.relay, "127.0.0.2")
        with_none.sendall(wire.frame(wire.CREATE, wire.REQUEST, room, b"ann"))
    finally:
        own.process.send_signal(signal.SIGCONT)
    statuses = []
    for connection in [*crowd, with_none]:
        with connection:
            statuses.append(wire.read_frames(connection)[0].payload[0])
    assert statuses.pop() == wire.OK
    assert set(statuses) == {wire.OK, wire.BUSY}
    assert "Traceback" not in own.said()


@pytest.mark.requirement("PWD-04")
def test_only_the_guessing_address_must_wait(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**OBEYS_NOBODY).relay) as people:
        people.create(room, b"ann", "127.0.0.1", SECRET)
        guesser, honest = "127.0.1.1", "127.0.1.2"
        for _ in range(5):  # neither is a guess
            assert guess(people.relay, room, None, guesser) == wire.WRONG_PASSWORD
        people.join(room, b"one who knows it", guesser, SECRET)
        for number in range(64):
            assert guess(people.relay, room, f"guess {number}", guesser, f"guesser {number}") == wire.WRONG_PASSWORD
        assert guess(people.relay, room, "another", guesser, "guesser 64") == wire.BUSY
        assert guess(people.relay, room, SECRET, guesser, "guesser 65") == wire.BUSY
        people.join(room, b"bob", honest, SECRET)
        people.create(room + b" open", b"ann", guesser)  # passwords apart, it may do as it likes


@pytest.mark.requirement("PWD-04")
def test_a_guesser_under_one_name_has_to_wait_and_its_neighbours_do_not(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**OBEYS_NOBODY).relay) as people:
        people.create(room, b"ann", "127.0.0.1", SECRET)
        shared = "127.0.1.3"
        statuses = [guess(people.relay, room, f"guess {number}", shared, "eve") for number in range(34)]
        assert statuses == [wire.WRONG_PASSWORD] * 32 + [wire.BUSY] * 2
        assert guess(people.relay, room, SECRET, shared, "eve") == wire.BUSY
        people.join(room, b"bob", shared, SECRET)


@pytest.mark.requirement("PWD-05")
def test_a_relay_may_hide_which_rooms_there_are(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**RESTRICTED).relay) as people:
        people.create(room, b"ann", password=SECRET)
        missing = room[::-1]
        for wants_json in (False, True):
            for password in (None, "wrong"):
                answers = [ask(people.relay, join(name, password, wants_json=wants_json)) for name in (room, missing)]
                (there,), (not_there,) = answers
                assert (there.state, there.room, there.payload) == (wire.REPLY, room, not_there.payload)
                assert not_there.room == missing
        status = json.loads(not_there.payload)["status"]
        assert status == wire.WRONG_PASSWORD
        assert status_of(people.relay, request(wire.CREATE, room, "bob", SECRET)) == wire.ROOM_EXISTS
        people.join(room, b"bob", password=SECRET)


@pytest.mark.requirement("PWD-02", "ROOM-06")
def test_a_host_that_comes_back_needs_the_password(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**RESTRICTED).relay) as people:
        ann = people.create(room, b"ann", password=SECRET)
        bob = people.join(room, b"bob", password=SECRET)
        bob.heard(after=ann)
        ann.leave()
        bob.await_notice(b"ann left")
        assert status_of(people.relay, join(room, None, "ann")) == wire.WRONG_PASSWORD
        again = ask(people.relay, join(room, SECRET, "ann", wants_json=True))
        assert json.loads(again[1].payload)["host"] is True


@pytest.mark.requirement("PWD-06")
def test_a_relay_never_logs_or_exports_passwords(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**TALKATIVE)
    wrong = "simsalabim"
    with People(own.relay) as people:
        ann = people.create(room, b"ann", password=SECRET)
        people.join(room, b"bob", password=SECRET)
        said = [ask(own.relay, join(room, password, wants_json=True)) for password in (wrong, None, SECRET * 100)]
        assert ask(own.relay, request(wire.CREATE, room, "eve", SECRET))[0].payload == bytes([wire.ROOM_EXISTS])
        ann.leave()
        assert status_of(own.relay, join(room, SECRET)) == wire.NO_SUCH_ROOM
    shown = own.said() + own.ops("/metrics") + repr(said)
    assert "member_joined" in shown  # the log is as talkative as it can be
    for secret in (SECRET, wrong, "argon2"):
        assert secret not in shown
