"""What the exercise's text demands of creating and joining rooms over TCP."""

import pytest

from conformance import wire
from conformance.plain import Answer, Clients

pytestmark = pytest.mark.level("text")


def check_granted(answer: Answer, operation: int) -> None:
    """Check that a reply with a status came, and then a completion with a token."""
    kinds = [(frame.operation, frame.state) for frame in answer.frames]
    expected = [(operation, wire.REPLY), (operation, wire.COMPLETION)]
    assert kinds == expected, f"expected operation {operation} in state 1, then in state 2, saw {answer.seen()}"
    assert answer.frames[0].payload, "expected a status as the payload of state 1, saw an empty payload"
    size = len(answer.token)
    assert 0 < size <= 255, f"expected a token of 1 to 255 bytes as the payload of state 2, saw {size} bytes"


@pytest.mark.requirement("TCP-01", "TCP-04", "TCP-06", "TCP-07")
def test_a_create_returns_a_status_and_then_a_token(clients: Clients, room: bytes) -> None:
    check_granted(clients.ask(wire.CREATE, room, b"ann"), wire.CREATE)


@pytest.mark.requirement("TCP-01", "TCP-04", "TCP-06", "TCP-07")
def test_a_join_returns_a_status_and_then_a_token(clients: Clients, room: bytes) -> None:
    clients.create(room, b"ann")
    check_granted(clients.ask(wire.JOIN, room, b"bob"), wire.JOIN)


@pytest.mark.requirement("ROOM-02")
def test_every_member_gets_a_different_token(clients: Clients, room: bytes) -> None:
    talkers = [clients.create(room, b"ann"), *(clients.join(room, name) for name in (b"bob", b"eve"))]
    assert len({talker.head for talker in talkers}) == 3, "expected three tokens, saw one twice"


@pytest.mark.requirement("TCP-02")
def test_the_name_of_a_room_has_up_to_255_bytes_of_utf8(clients: Clients, room: bytes) -> None:
    longest = room + "漢字é".encode() * ((255 - len(room)) // 8)
    longest += b"x" * (255 - len(longest))
    for name in ("漢字 ".encode() + room, longest):
        clients.pair(name)


@pytest.mark.requirement("TCP-05")
def test_the_name_of_a_user_is_utf8(clients: Clients, room: bytes) -> None:
    clients.create(room, "あん".encode())
    clients.join(room, "josé".encode())


@pytest.mark.requirement("TCP-09")
def test_the_token_works_after_the_connection_ended(clients: Clients, room: bytes) -> None:
    clients.pair(room)
