"""What goes beyond the plain protocol is asked for, and nobody else notices (FEAT-01 to FEAT-04)."""

import json
from typing import Any

import pytest

from conformance import wire
from conformance.people import Member, People, ask, status_of
from conformance.relays import Relay

pytestmark = pytest.mark.level("extension")

FACTS = ("notices",)
PLAIN_KEYS = {"token", "host", "udp_port", "silence_timeout_seconds", "max_message_bytes", "moderation"}


def trio(people: People, room: bytes) -> tuple[Member, Member, Member]:
    """Make ann, the host, and eve, who get JSON, and bob, who gets prose; all have heard that all are there."""
    ann = people.create(room, b"ann", features=FACTS)
    bob = people.join(room, b"bob")
    eve = people.join(room, b"eve", features=FACTS)
    ann.heard(after=eve)
    bob.heard(after=eve)
    eve.heard(after=ann)
    bob.waiting()
    return ann, bob, eve


def answer(relay: Relay, room: bytes, fields: dict[str, Any]) -> list[wire.Frame]:
    return ask(relay, wire.frame(wire.CREATE, wire.REQUEST, room, json.dumps(fields).encode()))


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["notices"], ["notices"]),
        (["telepathy", "notices"], ["notices"]),
        (["receipts", "notices"], ["notices", "receipts"]),
        (["telepathy"], None),
        ([], None),
    ],
)
def test_known_features_are_granted(relay: Relay, room: bytes, asked: list[str], granted: list[str] | None) -> None:
    _, completion = answer(relay, room, {"username": "ann", "reply": "json", "features": asked})
    assert json.loads(completion.payload).get("features") == granted


@pytest.mark.requirement("FEAT-01", "FEAT-02")
def test_without_a_json_reply_nothing_is_granted(people: People, room: bytes) -> None:
    request = json.dumps({"username": "bob", "features": FACTS}).encode()
    people.create(room, b"ann")
    reply, completion = ask(people.relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))
    assert reply.payload == bytes([wire.OK])
    token = completion.payload
    assert not token.startswith(b"{")
    bob = people.listener(people.relay.udp_port, people.local)
    bob.send(wire.chat(room, token, b"/who"))
    assert bob.receive() == b"server: 2 here: ann (host), bob."


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize("features", [5, [1], None, "notices", {"notices": True}])
def test_features_of_the_wrong_type_are_refused_with_status_8(relay: Relay, room: bytes, features: object) -> None:
    (reply,) = answer(relay, room, {"username": "ann", "reply": "json", "features": features})
    fields = json.loads(reply.payload)
    assert (fields["status"], "features" in fields["message"]) == (wire.MALFORMED, True)
    request = json.dumps({"username": "ann", "features": features}).encode()
    assert status_of(relay, wire.frame(wire.CREATE, wire.REQUEST, room, request)) == wire.MALFORMED


@pytest.mark.requirement("FEAT-02", "TCP-07")
def test_without_features_the_completion_is_unchanged(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", features=())
    _, completion = answer(people.relay, room + b"-2", {"username": "bob", "reply": "json"})
    for payload in (ann.completion, completion.payload):
        assert json.loads(payload).keys() == PLAIN_KEYS
    people.join(room, b"bob")
    ann.await_notice(b"bob joined")


@pytest.mark.requirement("FEAT-02", "FEAT-03", "UDP-10")
def test_the_same_facts_are_told_in_both_forms(people: People, room: bytes) -> None:
    ann, bob, eve = trio(people, room)
    zoe = people.join(room, b"zoe", features=FACTS)
    bob.await_notice(b"zoe joined")
    for member in (ann, eve):
        assert member.await_fact("member_joined") == {"notice": "member_joined", "name": "zoe"}
    zoe.leave()
    bob.await_notice(b"zoe left")
    assert ann.await_fact("member_left")["name"] == "zoe"
    ann.say(b"/topic tea")
    bob.await_notice(b"topic: tea")
    assert eve.await_fact("topic")["text"] == "tea"
    late = people.join(room, b"dan", features=FACTS)
    assert late.await_fact("topic")["text"] == "tea"
    ann.say(b"/kick dan")
    bob.await_notice(b"dan was disconnected: kicked")
    assert eve.await_fact("member_evicted") == {"notice": "member_evicted", "name": "dan", "reason": "kicked"}
    assert late.await_fact("disconnected") == {
        "notice": "disconnected",
        "reason": "kicked",
        "message": "The host removed you.",
    }
    ann.say(b"/host bob")
    bob.await_notice(b"bob is the host now")
    assert eve.await_fact("host_changed")["name"] == "bob"


@pytest.mark.requirement("FEAT-02", "UDP-05")
def test_messages_are_the_same_for_all(people: People, room: bytes) -> None:
    ann, bob, eve = trio(people, room)
    bob.say(b'{"notice": "muted"}')
    for member in (ann, eve):
        member.receive_until(lambda data: data == b'bob: {"notice": "muted"}')
    ann.say(b"hello")
    assert bob.hear() == eve.hear() == b"ann: hello"


@pytest.mark.requirement("FEAT-03", "MOD-01", "MOD-05")
def test_commands_are_answered_by_facts(people: People, room: bytes) -> None:
    ann, bob, eve = trio(people, room)
    ann.say(b"/kick nobody")
    assert ann.await_fact("command_failed") == {
        "notice": "command_failed",
        "code": "nobody",
        "command": "kick",
        "name": "nobody",
        "message": "Nobody here is called nobody.",
    }
    ann.say(b"/mute eve")
    assert eve.await_fact("muted") == {"notice": "muted"}
    assert ann.await_fact("command_done") == {"notice": "command_done", "command": "mute", "name": "eve"}
    eve.say(b"hello?")
    assert eve.await_fact("dropped")["reason"] == "muted"
    ann.say(b"/mute bob")
    bob.await_notice(b"The host muted you: what you say is not relayed.")
    ann.say(b"/unmute eve")
    assert eve.await_fact("unmuted") == {"notice": "unmuted"}
    ann.say(b"\x01" * 1364)  # each becomes U+FFFD, of three bytes
    dropped = ann.await_fact("dropped")
    assert (dropped["reason"], dropped["over_bytes"]) == ("too_long", 3)
    ann.say(b"/password")
    assert ann.await_fact("password") == {"notice": "password", "set": False}


@pytest.mark.requirement("FEAT-03", "MOD-02")
def test_lists_are_data_in_short_parts(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", features=FACTS)
    names = ["Doe, John", *(f'{number} "' + "x" * 200 for number in range(12))]
    for name in names:
        people.join(room, name.encode())
    ann.say(b"/mute Doe, John")
    ann.await_fact("command_done")
    ann.say(b"/who")
    listed: list[dict[str, Any]] = []
    more = True
    while more:
        part = ann.await_fact("members")
        assert len(json.dumps(part, ensure_ascii=False).encode()) + len("server: ") <= 1200
        assert part["total"] == len(names) + 1
        listed += part["members"]
        more = part["more"]
    assert part["part"] > 1
    assert "unlisted" not in part
    assert listed[:2] == [{"name": "ann", "host": True}, {"name": "Doe, John", "muted": True}]
    assert [member["name"] for member in listed[1:]] == names


@pytest.mark.requirement("UDP-10")
def test_who_is_greeted_hears_it(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", features=FACTS)
    cem = people.join(room, b"cem")
    ann.await_fact("member_joined")
    bob = Member(people.relay, wire.JOIN, room, b"bob", features=FACTS)  # not heard yet
    assert ann.heard(after=cem) == []
    bob.keep_alive()
    assert ann.await_fact("member_joined")["name"] == "bob"
    ann.say(b"welcome")
    assert bob.hear() == b"ann: welcome"
    bob.leave()
    assert ann.await_fact("member_left")["name"] == "bob"
    bob.udp.close()


@pytest.mark.requirement("UDP-10")
def test_of_who_asks_for_no_facts_the_others_are_told_at_the_join(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", features=FACTS)
    Member(people.relay, wire.JOIN, room, b"bob", features=()).udp.close()
    assert ann.await_fact("member_joined")["name"] == "bob"


COLON = b'"reason": "bad_name", "message": "The user name has a colon: choose one without."'


@pytest.mark.requirement("FEAT-04", "TCP-06")
@pytest.mark.parametrize(
    ("name", "reason", "facts"),
    [
        ("a:b", "bad_name", {"code": "user_name_colon"}),
        ("a" * 256, "bad_name", {"code": "user_name_too_long", "size": 256, "limit": 255}),
        ("a\u200bb", "bad_name", {"code": "user_name_unprintable", "character": "U+200B ZERO WIDTH SPACE"}),
        ("\ufdfa" * 50, "bad_name", {"code": "user_name_ligatures", "count": 900, "limit": 512}),
        ("server", "bad_name", {"code": "user_name_reserved"}),
        ("ann", "name_taken", {"code": "name_taken"}),
    ],
)
def test_who_asks_for_facts_is_told_why_exactly(
    people: People, room: bytes, name: str, reason: str, facts: dict[str, object]
) -> None:
    people.create(room, b"ann")
    refused = refusal(people.relay, wire.JOIN, room, {"username": name, "features": FACTS})
    assert refused.keys() == {"status", "reason", "message", *facts}
    assert refused | facts == refused
    assert refused["reason"] == reason
    del refused["message"], refused["status"]
    assert refused == {"reason": reason, **facts}


@pytest.mark.requirement("FEAT-04", "TCP-11")
def test_a_password_that_is_missing_has_another_code_than_a_wrong_one(people: People, room: bytes) -> None:
    people.create(room, b"ann", password="milk")
    missing, wrong = (
        refusal(people.relay, wire.JOIN, room, {"username": "bob", "features": FACTS, "password": password})
        for password in (None, "tea")
    )
    assert [(each["reason"], each["code"]) for each in (missing, wrong)] == [
        ("wrong_password", "password_needed"),
        ("wrong_password", "wrong_password"),
    ]


@pytest.mark.requirement("FEAT-02", "FEAT-04", "TCP-06")
@pytest.mark.parametrize("features", [None, [], ["receipts", "resume", "sealed"], ["telepathy"]])
def test_who_does_not_ask_for_facts_is_refused_in_the_same_bytes_as_ever(
    relay: Relay, room: bytes, features: list[str] | None
) -> None:
    asked = {"username": "a:b", "reply": "json"} | ({} if features is None else {"features": features})
    (reply,) = answer(relay, room, asked)
    assert reply.payload == b'{"status": 5, %b}' % COLON
    assert status_of(relay, wire.frame(wire.CREATE, wire.REQUEST, room, b"a:b")) == wire.BAD_NAME


@pytest.mark.requirement("FEAT-04")
def test_what_is_for_who_writes_clients_has_no_code(relay: Relay, room: bytes) -> None:
    for wrong in ({"features": [*FACTS, "resume"], "attempt": "x"}, {"features": [*FACTS, 1]}):
        assert refusal(relay, wire.CREATE, room, {"username": "ann", **wrong}).keys() == {"status", "reason", "message"}


@pytest.mark.requirement("FEAT-04", "MOD-03")
def test_a_command_about_a_name_that_cannot_be_is_told_why_exactly(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann", features=FACTS)
    ann.say(b"/ban a:b")
    failed = ann.await_fact("command_failed")
    assert (failed["code"], failed["refusal"]) == ("bad_name", {"status": wire.BAD_NAME, "code": "user_name_colon"})


def refusal(relay: Relay, operation: int, room: bytes, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a request is refused with, in JSON."""
    payload = json.dumps({"reply": "json", **fields}).encode()
    (reply,) = ask(relay, wire.frame(operation, wire.REQUEST, room, payload))
    refused: dict[str, Any] = json.loads(reply.payload)
    return refused
