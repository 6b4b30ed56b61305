"""Streams that broke: what is kept, told as gone, and waited for (STR-04 to STR-06)."""

import json
import secrets
import select

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Listener, ask, call
from conformance.relays import Relay
from conformance.stream_rooms import Join, joining, pair, refusal
from conformance.streams import FEATURES, Line

pytestmark = pytest.mark.level("extension")

ELSEWHERE = "127.0.0.77"


@pytest.mark.requirement("STR-04", "STR-05")
def test_a_ring_keeps_the_newest_1024_entries_and_the_rest_is_told_as_gone(
    start_relay: StartRelay, room: bytes
) -> None:
    with joining(start_relay().relay, room) as join:
        ann, bob = pair(join)
        bob.sock.close()
        for n in range(1, 1101):
            ann.say(str(n), n)
        assert ann.lines(1100)[-1]["took"] == 1100
        again = join("bob", epoch=bob.completion["epoch"], heard=bob.seq, **bob.ticket)
        lines = again.ask()
        (gone,) = [line["gone"] for line in lines if "gone" in line]
        texts = [line["text"] for line in lines if "text" in line]
        assert texts == [str(n) for n in range(1101 - len(texts), 1101)]
        assert (gone, len(texts)) == ([bob.seq + 1, bob.seq + 1100 - 1024], 1024)


@pytest.mark.requirement("STR-05", "RES-01")
def test_a_resume_goes_on_where_the_client_was(join: Join) -> None:
    ann, bob = pair(join)
    bob.say("mine", 1)
    heard = bob.line()["seq"]
    bob.say("whose answer is lost", 2)
    assert [ann.line()["text"] for _ in range(2)] == ["mine", "whose answer is lost"]
    bob.sock.close()
    ann.say("meanwhile", 1)
    assert ann.line()["took"] == 1
    again = join("bob", epoch=bob.completion["epoch"], heard=heard, **bob.ticket)
    assert again.completion["epoch"] == bob.completion["epoch"]
    again.say("whose answer is lost", 2)
    assert again.ask() == [
        {"seq": heard + 1, "took": 2},
        {"seq": heard + 2, "from": "ann", "text": "meanwhile"},
        {"took": 2},
    ]
    assert ann.ask() == []  # it wasn't relayed twice


@pytest.mark.requirement("STR-05", "RES-05")
def test_before_the_first_line_nothing_comes_and_the_old_connection_goes_on(join: Join) -> None:
    ann, bob = pair(join)
    again = join("bob", epoch=bob.completion["epoch"], heard=bob.seq, **bob.ticket)
    ann.say("one")
    assert bob.line()["text"] == "one"
    bob.say("still here", 1)
    assert bob.line()["took"] == 1
    again.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        again.line()
    again.sock.settimeout(wire.WAIT_SECONDS)
    assert [line.get("text") or line.get("took") for line in again.ask()] == ["one", 1]
    assert bob.rest()[-1]["bye"] == "resumed_elsewhere"


@pytest.mark.requirement("STR-05")
@pytest.mark.parametrize("known", [{"epoch": "another", "heard": 1}, {"heard": 10**6}, {}])
def test_another_numbering_is_gone_as_a_whole(join: Join, known: Line) -> None:
    ann, bob = pair(join)
    ann.say("missed", 1)
    assert bob.line()["text"] == "missed"
    if known.get("heard") == 10**6:
        known = {"epoch": bob.completion["epoch"], **known}
    again = join("bob", **known, **bob.ticket)
    ann.say("after the completion", 2)
    assert ann.lines(2)[-1]["took"] == 2
    lines = again.ask()
    assert ({"gone": "all"} in lines) == bool(known)
    assert [line["text"] for line in lines if "text" in line] == ["after the completion"]


@pytest.mark.requirement("STR-05", "RES-02")
def test_the_same_attempt_gets_the_chat(join: Join) -> None:
    ann = join("ann")
    attempt = secrets.token_hex(16)
    first, second = join("bob", attempt=attempt), join("bob", attempt=attempt)
    assert first.completion == second.completion
    ann.say("hello")
    assert second.await_text()["text"] == "hello"
    assert first.rest()[-1]["bye"] == "resumed_elsewhere"


@pytest.mark.requirement("STR-06", "MOD-02")
def test_a_seat_waits_and_nobody_is_told(join: Join, room: bytes, relay: Relay) -> None:
    ann, bob = pair(join)
    bob.sock.close()
    request = json.dumps({"username": "bob", "reply": "json", "chat": "stream"}).encode()
    (reply,) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))
    assert json.loads(reply.payload)["status"] == wire.NAME_TAKEN
    assert ann.ask() == []
    again = join("bob", **bob.ticket)
    assert again.ask() == []
    assert ann.ask() == []


@pytest.mark.requirement("STR-06", "EVI-02")
def test_a_host_that_is_away_keeps_the_room_open_till_its_time_is_over(start_relay: StartRelay, room: bytes) -> None:
    with joining(start_relay(resume_seconds=1).relay, room) as join:
        ann, bob = pair(join)
        ann.sock.close()
        assert bob.ask() == []
        assert bob.rest()[-1]["bye"] == "host_left"


@pytest.mark.requirement("STR-06")
def test_after_its_time_a_member_is_evicted_for_its_silence(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(resume_seconds=1)
    with joining(own.relay, room) as join:
        ann, bob = pair(join)
        bob.sock.close()
        assert ann.line() == {"seq": 2, "notice": "member_evicted", "name": "bob", "reason": "silence"}
        assert refusal(own.relay, room, bob)["status"] == wire.NO_SEAT


@pytest.mark.requirement("STR-06", "TCP-09")
@pytest.mark.parametrize("speaks", [True, False])
def test_who_cant_or_never_did_come_back_is_gone_at_once(join: Join, speaks: bool) -> None:
    ann = join("ann")
    bob = join("bob", features=["notices"] if speaks else FEATURES)
    if speaks:
        bob.ask()
    bob.sock.close()
    assert [ann.line()["notice"] for _ in range(2)] == ["member_joined", "member_left"]


@pytest.mark.requirement("STR-06", "UDP-02")
def test_its_token_is_good_for_nothing_over_udp(join: Join, relay: Relay, room: bytes) -> None:
    ann, bob = pair(join)
    with Listener((relay.host, bob.completion["udp_port"]), bob.sock.getsockname()[0]) as stranger:
        stranger.send(wire.chat(room, bob.completion["token"].encode(), b"psst"))
        bob.say("hello")
        assert ann.line()["text"] == "hello"
        assert stranger.waiting() == []


@pytest.mark.requirement("STR-06", "RES-03")
def test_from_elsewhere_a_stream_that_answers_keeps_its_seat(join: Join, relay: Relay, room: bytes) -> None:
    if not relay.is_loopback_v4:
        pytest.skip("needs a relay on 127.0.0.1: there we have two addresses")
    ann, bob = pair(join)
    request = {"username": "bob", "reply": "json", "chat": "stream", "features": FEATURES, **bob.ticket}
    with call(relay, ELSEWHERE) as thief:
        thief.sendall(wire.frame(wire.JOIN, wire.REQUEST, room, json.dumps(request).encode()))
        pings = 0
        while thief not in select.select([thief, bob.sock], [], [], wire.WAIT_SECONDS)[0]:
            pings += bob.sock.recv(65_536).count(b'{"ping":')
            bob.send(pong=0)
        assert pings
        (reply,) = wire.read_frames(thief)
    assert json.loads(reply.payload)["status"] == wire.NO_SEAT
    bob.say("mine")
    assert ann.await_text()["text"] == "mine"
