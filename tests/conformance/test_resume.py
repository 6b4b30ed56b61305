"""A seat is taken again by its ticket: the same name, the same rights, another token (RES-01 to RES-05)."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conformance import wire
from conformance.people import Member, People, ask
from conformance.relays import Relay

pytestmark = pytest.mark.level("extension")

RESUME = ("resume", "receipts", "notices")
ELSEWHERE = "127.0.0.77"


def completion(member: Member) -> dict[str, Any]:
    granted: dict[str, Any] = json.loads(member.completion)
    return granted


def ticket(member: Member) -> dict[str, object]:
    return {"resume": completion(member)["resume"]}


def pair(people: People, room: bytes) -> tuple[Member, Member]:
    """Make ann, the host, and bob, who may resume; both have heard that both are there."""
    ann, bob = people.create(room, b"ann"), people.join(room, b"bob", features=RESUME)
    ann.heard(after=bob)
    bob.heard(after=ann)
    return ann, bob


def refusal(relay: Relay, room: bytes, fields: dict[str, object], source: str = "") -> bytes:
    """Ask to resume as bob and return the payload of the only frame that comes."""
    request = {"username": "bob", "reply": "json", "features": RESUME, **fields}
    (reply,) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, json.dumps(request).encode()), source)
    return reply.payload


@pytest.mark.requirement("RES-01", "FEAT-01")
def test_a_ticket_gives_a_member_its_own_seat_again(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    assert completion(bob)["features"] == sorted(RESUME)
    assert len(completion(bob)["resume"]) >= 22  # 128 bits
    assert completion(bob)["resume"].encode() != bob.token
    ann.say(b"/host bob")
    bob.await_fact("host_changed")
    bob.say(b"/say 1 hello")
    assert ann.hear() == b"bob: hello"
    again = people.join(room, b"anything", features=RESUME, more=ticket(bob))
    assert completion(again)["host"] is True
    assert (again.token != bob.token, completion(again)["resume"] != completion(bob)["resume"]) == (True, True)
    again.receive_until(lambda data: b'"said"' in data, nudge=lambda: again.say(b"/say 1 hello"))
    again.say(b"/say 2 and again")
    assert ann.heard_messages(after=again) == [b"bob: and again"]
    assert not [notice for notice in ann.waiting() if notice.startswith(b"server: bob ")]


@pytest.mark.requirement("RES-01", "RES-04", "RES-05")
def test_the_old_token_and_ticket_die_at_the_first_use_of_the_new_token(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    again = Member(people.relay, wire.JOIN, room, b"bob", features=RESUME, more=ticket(bob))
    bob.say(b"still here")
    assert ann.hear() == b"bob: still here"
    again.keep_alive()
    told = bob.await_fact("disconnected")
    assert told["reason"] == "resumed_elsewhere"
    bob.say(b"too late")
    again.say(b"me")
    assert ann.heard_messages(after=people.join(room, b"zoe")) == [b"bob: me"]
    assert json.loads(refusal(people.relay, room, ticket(bob)))["status"] == wire.NO_SEAT
    again.udp.close()


@pytest.mark.requirement("RES-01", "PWD-02")
def test_no_password_is_asked(people: People, room: bytes) -> None:
    people.create(room, b"ann", password="secret")
    bob = people.join(room, b"bob", password="secret", features=RESUME)
    again = people.join(room, b"bob", features=RESUME, more=ticket(bob))
    assert bob.await_fact("disconnected")["reason"] == "resumed_elsewhere"
    again.udp.close()


@pytest.mark.requirement("RES-02")
def test_the_same_attempt_gets_the_same_answer(people: People, room: bytes) -> None:
    _, bob = pair(people, room)
    attempt = {"attempt": secrets.token_hex(16)}
    for fields in (attempt, attempt | ticket(bob)):
        first, again = (Member(people.relay, wire.JOIN, room, b"zoe", features=RESUME, more=fields) for _ in range(2))
        assert first.completion == again.completion
        first.udp.close()
        again.udp.close()
    other = {"attempt": secrets.token_hex(16)}
    request = {"username": "zoe", "reply": "json", "features": RESUME}
    for fields in ({}, other):
        (reply,) = ask(people.relay, wire.frame(wire.JOIN, wire.REQUEST, room, json.dumps(request | fields).encode()))
        assert json.loads(reply.payload)["status"] == wire.NAME_TAKEN


@pytest.mark.requirement("RES-02")
@pytest.mark.parametrize("attempt", ["x" * 15, "x" * 65, "é" * 16, "\n" * 16, 16])
def test_what_names_no_attempt_is_refused(people: People, room: bytes, attempt: object) -> None:
    assert json.loads(refusal(people.relay, room, {"attempt": attempt}))["status"] == wire.MALFORMED


@pytest.mark.requirement("RES-03", "UDP-02")
def test_from_another_address_a_silent_seat_moves_and_the_token_with_it(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    moved = people.join(room, b"bob", ELSEWHERE, features=RESUME, more=ticket(bob))
    challenges = [data for data in bob.waiting() if b'"challenge"' in data]
    assert len(challenges) == 2
    moved.say(b"from here")
    assert ann.hear() == b"bob: from here"
    elsewhere = people.listener(people.relay.udp_port, people.local)
    elsewhere.send(wire.chat(room, moved.token, b"not from here"))
    assert ann.heard_messages(after=moved) == []


@pytest.mark.requirement("RES-03", "RES-04")
def test_a_seat_whose_address_answers_stays_where_it_is(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    with ThreadPoolExecutor(1) as aside:
        asked = aside.submit(refusal, people.relay, room, ticket(bob), ELSEWHERE)
        bob.say(b"/here " + bob.await_fact("challenge")["nonce"].encode())
        answer = asked.result()
    assert json.loads(answer)["status"] == wire.NO_SEAT
    bob.say(b"mine")
    assert ann.hear() == b"bob: mine"


@pytest.mark.requirement("RES-03", "MOD-04")
def test_who_is_banned_there_is_refused_there_and_keeps_its_ticket(people: People, room: bytes) -> None:
    ann, bob = pair(people, room)
    people.join(room, b"eve", ELSEWHERE)
    ann.say(b"/ban eve")
    ann.await_notice(b"eve is banned by name and address.")
    assert json.loads(refusal(people.relay, room, ticket(bob), ELSEWHERE))["banned"] is True
    again = people.join(room, b"bob", features=RESUME, more=ticket(bob))
    again.say(b"here")
    assert ann.hear() == b"bob: here"


@pytest.mark.requirement("RES-04", "FEAT-02")
def test_a_ticket_for_nothing_is_refused_by_the_same_bytes(people: People, room: bytes) -> None:
    _, bob = pair(people, room)
    tickets = ["x", bob.token.decode(), "y" * 1000]
    answers = {refusal(people.relay, where, {"resume": each}) for where in (room, room + b"-2") for each in tickets}
    answers.add(refusal(people.relay, room + b"-2", ticket(bob)))
    (answer,) = answers
    assert json.loads(answer)["status"] == wire.NO_SEAT
    request = json.dumps({"username": "bob", **ticket(bob)}).encode()
    (reply,) = ask(people.relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))
    assert reply.payload == bytes([wire.NOT_SUPPORTED])
