"""Requests become places in rooms or refusals, and each is counted once."""

import json
from itertools import count
from typing import Any

import pytest

from chatproto import Frame, FrameDecoder, Operation, ServerTransaction, State, Status, encode_frame
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.payloads import encode_completion
from relay_server.control import Control, Granted, Peer
from relay_server.core import events
from relay_server.core.address import make_address, parse_ip, unpack_targets
from relay_server.core.policy import Policy
from relay_server.core.registry import Registry

ANN = Peer(parse_ip("10.0.0.1"), 40_000)
BOB = Peer(parse_ip("10.0.0.2"), 40_000, local_ip=parse_ip("10.0.0.9"))


class ControlCase:
    """A control with its registry, and what it counted."""

    def __init__(self, *, attribution: bool = True, **policy: Any) -> None:
        self.events: list[events.Event] = []
        self.counted: list[tuple[Operation | None, Status]] = []
        self.registry = Registry(Policy(**policy), self.events.append)
        tokens = count(1)
        self.control = Control(
            self.registry,
            new_token=lambda: b"token-%d" % next(tokens),
            on_transaction=lambda operation, status: self.counted.append((operation, status)),
            udp_port=9001,
            silence_timeout_seconds=300.0,
            attribution=attribution,
        )

    def ask(
        self, operation: int, payload: bytes | dict[str, Any], peer: Peer = ANN, room: bytes = b"demo"
    ) -> Granted | Frame:
        """Send a request at once; returns the place, or the refusal's frame."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        data = encode_frame(Frame(operation, State.REQUEST, room, raw))
        result = self.control.receive(ServerTransaction(), data, peer, 0.0)
        if isinstance(result, Granted):
            return result
        decoder = FrameDecoder(4096)
        decoder.feed(result or b"")
        frame = decoder.next_frame()
        assert frame
        return frame

    def grant(self, *arguments: Any, **named: Any) -> Granted:
        granted = self.ask(*arguments, **named)
        assert isinstance(granted, Granted), granted
        return granted


@pytest.mark.requirement("TCP-04", "TCP-07")
def test_create_and_join_grant_places() -> None:
    case = ControlCase()
    ann = case.grant(Operation.CREATE, b"ann")
    bob = case.grant(Operation.JOIN, b"bob", BOB)
    assert ann.member.room is bob.member.room
    assert (ann.completion.host, bob.completion.host) == (True, False)
    assert (ann.completion.token, bob.completion.token) == (b"token-1", b"token-2")
    assert (ann.completion.udp_port, ann.completion.silence_timeout_seconds) == (9001, 300.0)
    assert case.counted == [(Operation.CREATE, Status.OK), (Operation.JOIN, Status.OK)]


def test_bytes_that_are_no_whole_request_are_waited_for() -> None:
    case = ControlCase()
    transaction = ServerTransaction()
    data = encode_frame(Frame(Operation.CREATE, State.REQUEST, b"demo", b"ann"))
    assert case.control.receive(transaction, data[:-1], ANN, 0.0) is None
    assert case.counted == []
    assert isinstance(case.control.receive(transaction, data[-1:], ANN, 0.0), Granted)


@pytest.mark.requirement("TCP-06", "TCP-10")
@pytest.mark.parametrize(
    ("operation", "payload", "room", "status"),
    [
        (Operation.CREATE, b"bob", b"taken", Status.ROOM_EXISTS),
        (Operation.JOIN, b"bob", b"nowhere", Status.NO_SUCH_ROOM),
        (Operation.JOIN, b"Ann", b"taken", Status.NAME_TAKEN),
        (Operation.JOIN, b"server", b"taken", Status.BAD_NAME),
        (Operation.JOIN, b"", b"taken", Status.BAD_NAME),
        (Operation.CREATE, b"bob", b"", Status.BAD_NAME),
        (Operation.CREATE, b"{", b"new", Status.MALFORMED),
        (Operation.CREATE, {"username": "bob", "password": "secret"}, b"new", Status.NOT_SUPPORTED),
        (3, b"bob", b"new", Status.NOT_SUPPORTED),
    ],
)
def test_a_refusal_echoes_the_request_and_says_why(
    operation: int, payload: bytes | dict[str, Any], room: bytes, status: Status
) -> None:
    case = ControlCase()
    case.grant(Operation.CREATE, b"ann", room=b"taken")
    case.counted.clear()
    assert case.ask(operation, payload, BOB, room) == Frame(operation, State.REPLY, room, bytes((status,)))
    assert case.counted == [(operation if operation in {*Operation} else None, status)]
    assert list(case.registry.rooms) == [b"taken"]


@pytest.mark.requirement("TCP-05")
def test_a_password_of_nothing_is_none_and_one_for_an_open_room_does_not_matter() -> None:
    case = ControlCase()
    case.grant(Operation.CREATE, {"username": "ann", "password": ""})
    case.grant(Operation.JOIN, {"username": "bob", "password": "a guess"}, BOB)


@pytest.mark.requirement("TCP-06")
def test_who_asks_for_json_is_refused_in_json() -> None:
    case = ControlCase()
    frame = case.ask(Operation.JOIN, {"username": "ann", "reply": "json"})
    assert isinstance(frame, Frame)
    reply = json.loads(frame.payload)
    assert (reply["status"], reply["reason"]) == (Status.NO_SUCH_ROOM, "no_such_room")


@pytest.mark.requirement("EVI-06")
def test_a_relay_that_shuts_down_refuses() -> None:
    case = ControlCase()
    case.registry.shut_down()
    frame = case.ask(Operation.CREATE, b"ann")
    assert isinstance(frame, Frame)
    assert frame.payload == bytes((Status.SHUTTING_DOWN,))


@pytest.mark.requirement("LEN-02")
def test_a_plain_client_is_sent_to_at_its_connections_port_until_it_names_another() -> None:
    case = ControlCase()
    granted = case.grant(Operation.CREATE, b"bob", BOB)
    room = granted.member.room
    address = make_address(BOB.ip, 40_000, local_ip=BOB.local_ip)
    assert unpack_targets(room.target_of(granted.member)) == [address]
    case.control.set_client_port(granted, 50_000, BOB)
    assert unpack_targets(room.target_of(granted.member)) == [make_address(BOB.ip, 50_000, local_ip=BOB.local_ip)]


@pytest.mark.requirement("LEN-02")
def test_a_client_of_json_replies_speaks_before_it_listens() -> None:
    case = ControlCase()
    granted = case.grant(Operation.CREATE, {"username": "bob", "reply": "json"}, BOB)
    assert granted.member.room.target_of(granted.member) == b""


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
