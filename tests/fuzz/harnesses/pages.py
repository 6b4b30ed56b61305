"""What comes over a WebSocket, in any pieces, and a page's join in it (WEB-02)."""

import asyncio
import json
from typing import Final

from websockets.frames import Frame, Opcode

from chatproto import MalformedError, ProtocolError, check_room_name, check_user_name
from chatproto.page import PageTransaction
from chatproto.stream import MAX_LINE_BYTES
from fuzz.bites import Bites, piece, split
from relay_server.net.wire import ClientTransport
from relay_server.web.websocket import Framer, WebSocket


def _text(data: bytes, *, fin: bool = True, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


_JOIN: Final = b'{"join":{"room":"tea","name":"ann","create":true,"password":"milk","features":["resume"]}}'
SEEDS: Final = (
    piece(b"") + _text(_JOIN),
    piece(b"\x01\x05") + _text(b'{"join":{"room":"t', fin=False) + _text(b'ea","name":"bob"}}', opcode=Opcode.CONT),
    piece(b"\x40") + _text(_JOIN) + _text(b"", opcode=Opcode.PING) + _text(b"\x03\xe8", opcode=Opcode.CLOSE),
    piece(b"") + _text(b'{"join":{"room":1,"name":null,"heard":-1,"epoch":"e"}}') + b"\x82\x01x",
    piece(b"\xff") + b"\x81\xff" + b"\xff" * 12,
)
WORDS: Final = (
    b'{"join":{',
    b'"room":"',
    b'"name":"',
    b'"create":true',
    b'"resume":',
    b"\x81\xfe",
    b"\x80\x80",
    b"\x88\x82",
)


class _Nowhere(ClientTransport):
    """A transport whose bytes nobody reads."""

    def __init__(self) -> None:
        super().__init__(asyncio.Transport())
        self.closed = False

    def is_under_way(self) -> bool:
        return False

    def has_lost_answer(self, error: Exception | None, *, half_closed: bool) -> bool:  # noqa: ARG002
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert data

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


def check(data: bytes) -> None:
    bites = Bites(data)
    sizes, stream = bites.piece(), bites.rest()
    whole = messages_of([stream])
    in_pieces = messages_of(list(split(stream, sizes)))
    assert whole == in_pieces, "another split gives other messages"
    for message in whole or ():
        check_join(message)


def messages_of(pieces: list[bytes]) -> list[bytes] | None:
    """Return the messages; None if what came is illegal."""
    below, messages = _Nowhere(), []
    socket = WebSocket(below, Framer())
    try:
        for data in pieces:
            messages += socket.feed(data)
    except MalformedError:
        socket.write(b'{"bye":"malformed"}\n')
        socket.write_eof()
        assert below.closed
        return None
    for message in messages:
        assert len(message) <= MAX_LINE_BYTES
        message.decode()
    return messages


def check_join(message: bytes) -> None:
    transaction = PageTransaction(4096)
    try:
        _, room, request = transaction.feed(message)
    except ProtocolError as error:
        check_refusal(transaction.refuse(error), error)
    else:
        assert request.stream
        assert check_room_name(room.encode()) == room
        assert check_user_name(request.username.encode()) == request.username


def check_refusal(line: bytes, error: ProtocolError) -> None:
    assert line.count(b"\n") == 1
    assert json.loads(line)["status"] == error.status
