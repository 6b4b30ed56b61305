"""In a sealed room only what is sealed is relayed, and only who knows such rooms is let in (SEAL-03)."""

import json
import secrets
from typing import Any

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Member, People, ask, status_of
from conformance.relays import ADDS_NOTHING, Relay

pytestmark = pytest.mark.level("extension")

SEALED = ("sealed", "notices")
TRUE = {"sealed": True}


def sealed() -> bytes:
    """Return what looks sealed; no relay can tell whether it is."""
    return b"e2e1." + secrets.token_urlsafe(60).encode()


def completion(member: Member) -> dict[str, Any]:
    granted: dict[str, Any] = json.loads(member.completion)
    return granted


@pytest.fixture
def sealers(people: People) -> People:
    """Return people on a relay that has sealed rooms."""
    probe = people.create(b"probe-" + secrets.token_hex(8).encode(), b"ann", features=SEALED)
    if "sealed" not in completion(probe).get("features", []):
        pytest.skip("the relay doesn't grant the feature sealed")
    return people


def pair(people: People, room: bytes) -> tuple[Member, Member]:
    """Make ann, the host of a sealed room, and bob; both have heard that both are there."""
    ann = people.create(room, b"ann", features=SEALED, more=TRUE)
    bob = people.join(room, b"bob", features=SEALED)
    ann.await_fact("member_joined")
    ann.say(sealed())
    bob.hear()
    return ann, bob


def refusal(relay: Relay, operation: int, room: bytes, fields: dict[str, Any]) -> dict[str, Any]:
    (reply,) = ask(relay, wire.frame(operation, wire.REQUEST, room, json.dumps(fields).encode()))
    answer: dict[str, Any] = json.loads(reply.payload)
    return answer


@pytest.mark.requirement("SEAL-01", "SEAL-03", "FEAT-01")
def test_completions_say_that_a_room_is_sealed(sealers: People, room: bytes) -> None:
    ann, bob = pair(sealers, room)
    for member in (ann, bob):
        assert completion(member)["sealed"] is True
        assert "sealed" in completion(member)["features"]
    other = sealers.create(room + b"-open", b"ann", features=SEALED)
    assert "sealed" not in completion(other)
    assert "sealed" in completion(other)["features"]


@pytest.mark.requirement("SEAL-03", "FEAT-02")
def test_who_doesnt_know_sealed_rooms_is_refused(sealers: People, room: bytes) -> None:
    relay = sealers.relay
    pair(sealers, room)
    assert status_of(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"eve")) == wire.NOT_SUPPORTED
    assert status_of(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b'{"username": "eve"}')) == wire.NOT_SUPPORTED
    for features in ([], ["notices", "receipts", "resume"]):
        answer = refusal(relay, wire.JOIN, room, {"username": "eve", "reply": "json", "features": features})
        assert (answer["status"], answer["reason"]) == (wire.SEALED, "sealed")


@pytest.mark.requirement("SEAL-03")
@pytest.mark.parametrize("value", [1, "true", None, []])
def test_sealed_is_true_or_false(sealers: People, room: bytes, value: object) -> None:
    fields = {"username": "ann", "reply": "json", "features": ["sealed"], "sealed": value}
    assert refusal(sealers.relay, wire.CREATE, room, fields)["status"] == wire.MALFORMED


@pytest.mark.requirement("SEAL-03")
def test_without_the_feature_and_in_a_join_the_field_is_ignored(sealers: People, room: bytes) -> None:
    ann = sealers.create(room, b"ann", features=("notices",), more=TRUE)
    bob = sealers.join(room, b"bob", features=SEALED, more=TRUE)
    assert "sealed" not in completion(ann).keys() | completion(bob).keys()
    bob.say(b"hello")
    assert ann.hear() == b"bob: hello"


@pytest.mark.requirement("SEAL-03", "UDP-05")
def test_what_is_sealed_is_relayed_and_the_rest_dropped(sealers: People, room: bytes) -> None:
    ann, bob = pair(sealers, room)
    for plain in (b"hello", "漢字".encode(), b"E2E1.AAAA", b" e2e1.AAAA", b"bob: e2e1.AAAA", b"e2e2.AAAA"):
        bob.say(plain)
    assert bob.await_fact("dropped")["reason"] == "not_sealed"
    text = sealed()
    bob.say(text)
    assert ann.hear() == b"bob: " + text


@pytest.mark.requirement("SEAL-03", "RCP-01")
def test_a_numbered_message_that_isnt_sealed_is_not_said(sealers: People, room: bytes) -> None:
    ann = sealers.create(room, b"ann", features=("sealed", "receipts"), more=TRUE)
    ann.say(b"/say 1 hello")
    assert (
        ann.receive_until(lambda data: b'"n":1' in data) == b'server: {"notice":"not_said","n":1,"reason":"not_sealed"}'
    )
    ann.say(b"/say 1 " + sealed())
    assert ann.receive_until(lambda data: b'"n":1' in data) == b'server: {"notice":"said","n":1}'


@pytest.mark.requirement("SEAL-03", "MOD-01", "MOD-07")
def test_commands_stay_readable_and_a_topic_is_sealed(sealers: People, room: bytes) -> None:
    ann, bob = pair(sealers, room)
    ann.say(b"/topic tea")
    assert ann.await_fact("command_failed")["code"] == "topic_not_sealed"
    topic = sealed()
    ann.say(b"/topic " + topic)
    assert bob.await_fact("topic")["text"] == topic.decode()
    late = sealers.join(room, b"eve", features=SEALED)
    assert late.await_fact("topic")["text"] == topic.decode()
    ann.say(b"/topic -")
    assert not bob.await_fact("topic").get("text")
    bob.say(b"/leave")
    assert ann.await_fact("member_left")["name"] == "bob"


@pytest.mark.requirement("SEAL-03", "RES-01")
def test_a_seat_is_taken_again_only_with_the_feature(sealers: People, room: bytes) -> None:
    ann = sealers.create(room, b"ann", features=("sealed", "resume"), more=TRUE)
    ticket = {"resume": completion(ann)["resume"]}
    fields = {"username": "ann", "reply": "json", "features": ["resume"], **ticket}
    assert refusal(sealers.relay, wire.JOIN, room, fields)["status"] == wire.SEALED
    again = sealers.join(room, b"ann", features=("sealed", "resume"), more=ticket)
    assert completion(again)["sealed"] is True


@pytest.mark.requirement("SEAL-03", "PWD-02")
def test_only_who_knows_the_password_is_told_that_a_room_is_sealed(sealers: People, room: bytes) -> None:
    sealers.create(room, b"ann", password="pw", features=SEALED, more=TRUE)
    asked = {"username": "eve", "reply": "json", "features": ["notices"]}
    statuses = [
        refusal(sealers.relay, wire.JOIN, room, asked | {"password": password})["status"]
        for password in ("pw", "no", "")
    ]
    assert statuses == [wire.SEALED, wire.WRONG_PASSWORD, wire.WRONG_PASSWORD]


@pytest.mark.requirement("SEAL-03", "FEAT-01")
def test_a_relay_that_doesnt_say_who_speaks_has_no_sealed_rooms(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**ADDS_NOTHING).relay) as people:
        fields = {"username": "ann", "reply": "json", "features": ["sealed"], "sealed": True}
        assert refusal(people.relay, wire.CREATE, room, fields)["status"] == wire.NOT_SUPPORTED
        assert "features" not in completion(people.create(room, b"ann", features=("sealed",)))
