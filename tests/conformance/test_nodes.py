"""A relay that is no node of a cluster: who would follow is told nothing else (CLU-01, CLU-02, FEAT-02)."""

import json

import pytest

from conformance import wire
from conformance.people import People, ask
from conformance.relays import Relay

pytestmark = pytest.mark.level("extension")

ASKED = ("notices", "receipts", "resume")
FOLLOWING = (*ASKED, "follow")


def frames(relay: Relay, operation: int, room: bytes, features: tuple[str, ...]) -> list[bytes]:
    """Return what the relay answers, with all that is random made equal."""
    request = json.dumps({"username": "bob", "reply": "json", "features": features}).encode()
    reply, *rest = ask(relay, wire.frame(operation, wire.REQUEST, room, request))
    return [
        reply.payload,
        *(json.dumps({**json.loads(each.payload), "token": "", "resume": ""}).encode() for each in rest),
    ]


@pytest.mark.requirement("CLU-01", "CLU-02", "FEAT-02")
def test_a_relay_alone_grants_no_following_and_answers_as_ever(people: People, room: bytes) -> None:
    people.create(room + b" 1", b"ann")
    people.create(room + b" 2", b"ann")
    plain = frames(people.relay, wire.JOIN, room + b" 1", ASKED)
    following = frames(people.relay, wire.JOIN, room + b" 2", FOLLOWING)
    assert plain == following
    granted = json.loads(following[1])
    assert granted["features"] == sorted(ASKED)
    assert "servers" not in granted


@pytest.mark.requirement("CLU-01", "FEAT-02")
def test_a_room_that_is_nowhere_is_nowhere_for_who_would_follow_too(relay: Relay, room: bytes) -> None:
    plain, following = (frames(relay, wire.JOIN, room, features) for features in (ASKED, FOLLOWING))
    assert plain == following
    assert json.loads(following[0])["status"] == wire.NO_SUCH_ROOM
