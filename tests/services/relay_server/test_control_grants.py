"""What is granted with a place in a room: where copies go at first, limits, and features."""

import json
from dataclasses import replace

import pytest

from chatproto import Operation, Status
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.payloads import encode_completion
from relay_server.asked import Peer
from relay_server.core import events
from relay_server.net.address import make_address
from services.relay_server.core.rooms_case import address_of
from services.relay_server.test_control import BOB, ControlCase, knock


@pytest.mark.requirement("LEN-02")
def test_a_plain_client_is_sent_to_at_its_connections_port_until_it_names_another() -> None:
    case = ControlCase(provisional_address=True)
    granted = case.grant(Operation.CREATE, b"bob", BOB)
    address = make_address(BOB.ip, 40_000, local_ip=BOB.local_ip)
    assert address_of(granted.member) == address
    case.control.set_client_port(granted, 50_000, BOB)
    assert address_of(granted.member) == make_address(BOB.ip, 50_000, local_ip=BOB.local_ip)


@pytest.mark.requirement("LEN-02")
def test_a_connection_from_port_0_is_no_address_to_send_to() -> None:
    case = ControlCase()
    granted = case.grant(Operation.CREATE, b"bob", Peer(BOB.ip, 0))
    assert address_of(granted.member) is None


@pytest.mark.requirement("LEN-02")
def test_a_client_of_json_replies_speaks_before_it_listens() -> None:
    case = ControlCase(provisional_address=True)
    granted = case.grant(Operation.CREATE, {"username": "bob", "reply": "json"}, BOB)
    assert address_of(granted.member) is None


def test_a_place_whose_token_was_not_delivered_is_freed() -> None:
    case = ControlCase()
    granted = case.grant(Operation.CREATE, b"ann")
    case.control.undo(granted, 1.0)
    assert not case.registry.rooms
    assert events.MemberLeft("demo", "ann") in case.events
    case.control.undo(granted, 1.0)  # twice is harmless


@pytest.mark.requirement("TCP-07", "UDP-05")
@pytest.mark.parametrize(
    ("attribution", "name", "room", "limit"),
    [
        (True, "ann", "r", MAX_DATAGRAM_BYTES - 2 - 1 - 7),
        (True, "a" * 200, "r", MAX_DELIVERY_BYTES - 202),
        (False, "a" * 200, "r", MAX_DATAGRAM_BYTES - 2 - 1 - 7),
        (True, "é" * 100, "r" * 255, MAX_DATAGRAM_BYTES - 2 - 255 - 7),
    ],
)
def test_a_client_learns_how_long_its_messages_may_be(attribution: bool, name: str, room: str, limit: int) -> None:
    case = ControlCase(attribution=attribution)
    granted = case.grant(Operation.CREATE, name.encode(), room=room.encode())
    assert granted.completion.max_message_bytes == limit
    assert json.loads(encode_completion(granted.completion, json_reply=True))["max_message_bytes"] == limit


@pytest.mark.requirement("RCP-02", "FEAT-01", "FEAT-02")
@pytest.mark.parametrize(("name", "less"), [("ann", 16), ("a" * 200, 0)])
def test_messages_leave_room_for_their_number(name: str, less: int) -> None:
    case = ControlCase()
    ann = case.grant(Operation.CREATE, {**knock(name), "features": ["receipts"]})
    bob = case.grant(Operation.CREATE, knock(name), BOB, room=b"memo")
    assert [sorted(one.completion.features) for one in (ann, bob)] == [["receipts"], []]
    assert [one.session.said is None for one in (ann, bob)] == [False, True]
    assert (ann.completion.max_message_bytes or 0) + less == bob.completion.max_message_bytes


@pytest.mark.requirement("FEAT-01", "FEAT-02")
def test_what_is_granted_is_a_fact_of_the_member() -> None:
    case = ControlCase()
    ann = case.grant(Operation.CREATE, {**knock("ann"), "features": ["notices", "telepathy"]})
    bob = case.grant(Operation.JOIN, {**knock("bob"), "features": ["notices"]}, BOB)
    eve = case.grant(Operation.JOIN, {"username": "eve", "features": ["notices"]}, BOB)
    zoe = case.grant(Operation.JOIN, knock("zoe"), BOB)
    assert [one.member.session.json_notices for one in (ann, bob, eve, zoe)] == [True, True, False, False]
    completions = [json.loads(encode_completion(one.completion, json_reply=True)) for one in (ann, bob, eve, zoe)]
    assert [fields.get("features") for fields in completions] == [["notices"], ["notices"], None, None]


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize("features", [5, [1], None])
def test_features_of_the_wrong_type_are_refused_with_a_sentence(features: object) -> None:
    status, sentence = ControlCase().refuses(Operation.CREATE, {**knock("ann"), "features": features})
    assert (status, sentence) == (Status.MALFORMED, '"features" is no list of texts.')


@pytest.mark.requirement("STR-01")
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_streams_place_knows_whether_anybody_could_overhear_it(encrypted: bool) -> None:
    case = ControlCase()
    stream = {"username": "bob", "reply": "json", "chat": "stream"}
    place = case.grant(Operation.CREATE, stream, replace(BOB, encrypted=encrypted)).session.place
    assert place
    assert place.encrypted is encrypted
