"""The protocol's bytes, written by hand from docs/protocol.md: the suite shares no code with any relay."""

import socket
from typing import NamedTuple

CREATE, JOIN = 1, 2
REQUEST, REPLY, COMPLETION = 0, 1, 2

OK = 0
ROOM_EXISTS = 1
NO_SUCH_ROOM = 2
WRONG_PASSWORD = 3
NAME_TAKEN = 4
BAD_NAME = 5
ROOM_FULL = 6
TOO_MANY = 7
MALFORMED = 8
PAYLOAD_TOO_LARGE = 9
NOT_SUPPORTED = 10
BUSY = 11
SHUTTING_DOWN = 12
SEALED = 13
NO_SEAT = 15

WAIT_SECONDS = 10.0
"""How long an answer may take before it counts as missing."""


class Frame(NamedTuple):
    """One TCP message."""

    operation: int
    state: int
    room: bytes
    payload: bytes


def header(room_size: int, operation: int, state: int, size_field: bytes) -> bytes:
    assert len(size_field) == 29
    return bytes([room_size, operation, state]) + size_field


def frame(operation: int, state: int, room: bytes, payload: bytes) -> bytes:
    return header(len(room), operation, state, len(payload).to_bytes(29, "big")) + room + payload


def chat(room: bytes, token: bytes, message: bytes = b"") -> bytes:
    return bytes([len(room), len(token)]) + room + token + message


def lobby(name: bytes, message: bytes = b"") -> bytes:
    return bytes([len(name)]) + name + message


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """Return the next ``size`` bytes, or fewer where the stream ends."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def read_frame(connection: socket.socket) -> Frame | None:
    """Return the next frame, or None where the stream ends."""
    head = read_exactly(connection, 32)
    if not head:
        return None
    assert len(head) == 32, f"the relay ended its stream inside a header: {head!r}"
    room = read_exactly(connection, head[0])
    size = int.from_bytes(head[3:], "big")
    payload = read_exactly(connection, size)
    assert (len(room), len(payload)) == (head[0], size), "the relay ended its stream inside a frame"
    return Frame(head[1], head[2], room, payload)


def read_frames(connection: socket.socket) -> list[Frame]:
    """Return all frames up to the end of the stream."""
    frames = []
    while received := read_frame(connection):
        frames.append(received)
    return frames
