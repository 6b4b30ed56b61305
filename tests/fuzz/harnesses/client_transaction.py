"""The client's end of a transaction: a hostile relay's bytes in any pieces (TCP-06, TCP-07, LIST-01)."""

from collections.abc import Callable
from typing import Final, TypeVar

from chatproto import (
    ClientTransaction,
    Completion,
    ListedRoom,
    ListTransaction,
    Operation,
    ProtocolError,
    RefusedError,
    Request,
    Status,
    check_room_name,
    encode_frame,
    sanitize,
)
from chatproto.constants import MAX_LISTED_ROOMS, MAX_TOKEN_BYTES
from chatproto.tcrp import Frame
from fuzz.bites import Bites, piece, split

_Answer = TypeVar("_Answer")

_LIST = b'{"rooms": [{"name": "tea", "members": 3, "password": false, "sealed": true, "topic": "\\u202eat four"}]}'
_GRANT = b'{"token": "abc", "host": true, "udp_port": 9001, "silence_timeout_seconds": 3, "max_message_bytes": 4000}'
SEEDS: Final = (
    piece(b"\x05") + encode_frame(Frame(1, 1, b"lab", b"\0")) + encode_frame(Frame(1, 2, b"lab", b"token")),
    piece(b"") + encode_frame(Frame(1, 1, b"lab", b'{"status": 0}')) + encode_frame(Frame(1, 2, b"", _GRANT)),
    piece(b"") + encode_frame(Frame(1, 1, b"lab", b"\x0c")),
    piece(b"\x40") + encode_frame(Frame(1, 2, b"lab", b"token")),
    piece(b"\x40") + b"HTTP/1.1 400 Bad Request\r\n\r\n",
    piece(b"\x40") + b"\x03\x01\x01" + b"\xff" * 29,
    piece(b"\x41") + encode_frame(Frame(4, 1, b"", b'{"status": 0}')) + encode_frame(Frame(4, 2, b"", _LIST)),
)
WORDS: Final = (
    b"status",
    b"message",
    b"token",
    b"host",
    b"udp_port",
    b"\0\0\0\x01lab\0",
    b"\x01\x02",
    b"\x01\x01",
    b"rooms",
    b"members",
)


def check(data: bytes) -> None:
    bites = Bites(data)
    sizes, stream = bites.piece(), bites.rest()
    at_once, in_pieces = outcome([stream]), outcome(list(split(stream, sizes)))
    assert repr(at_once) == repr(in_pieces), "another split is another answer"
    listed = rooms([stream])
    assert repr(listed) == repr(rooms(list(split(stream, sizes)))), "another split is another list"
    if isinstance(listed, tuple):
        assert len(listed) <= MAX_LISTED_ROOMS
        assert all(check_room_name(room.name.encode()) == room.name for room in listed)
        assert all(sanitize(room.topic) == room.topic for room in listed)
    if isinstance(at_once, RefusedError):
        assert at_once.status is not Status.OK
        assert str(at_once)
    elif isinstance(at_once, Completion):
        assert 0 < len(at_once.token) <= MAX_TOKEN_BYTES


def outcome(pieces: list[bytes]) -> Completion | Exception | None:
    """Feed pieces until there is an answer; returns it, or what was wrong."""
    transaction = ClientTransaction(Operation.CREATE, "lab", Request("ann", json_reply=True, plain=False))
    return _fed(transaction.feed, pieces)


def rooms(pieces: list[bytes]) -> tuple[ListedRoom, ...] | Exception | None:
    """Take the same for a list of rooms."""
    return _fed(ListTransaction().feed, pieces)


def _fed(feed: Callable[[bytes], _Answer | None], pieces: list[bytes]) -> _Answer | Exception | None:
    for data in pieces:
        try:
            answer = feed(data)
        except (RefusedError, ProtocolError) as error:
            return error
        if answer is not None:
            return answer
    return None
