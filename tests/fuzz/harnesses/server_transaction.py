"""The relay's end of a transaction: any bytes in any pieces (TCP-03 to TCP-09)."""

from typing import Final, TypeAlias

from chatproto import (
    Completion,
    FrameDecoder,
    MalformedError,
    Operation,
    Phase,
    ProtocolError,
    Request,
    ServerTransaction,
    State,
    check_room_name,
    check_user_name,
    encode_frame,
)
from chatproto.constants import HEADER_BYTES, PORT_BYTES
from chatproto.payloads import decode_completion, decode_status
from chatproto.tcrp import Frame
from fuzz.bites import Bites, piece, split

GRANT: Final = Completion(b"token", host=True, udp_port=9001, silence_timeout_seconds=300.0, max_message_bytes=4000)
MAX_PAYLOAD_BYTES: Final = 512
Outcome: TypeAlias = tuple[Operation, str, Request] | ProtocolError | None

_CREATE = encode_frame(Frame(1, 0, b"lab", b"ann"))
_JSON = encode_frame(Frame(2, 0, "漢字".encode(), b'{"username": "ann", "reply": "json", "password": "pw"}'))
SEEDS: Final = (
    piece(b"\x01") + _CREATE,
    piece(b"\x21\x03") + _JSON + b"\x23\x29",
    piece(b"\xff") + encode_frame(Frame(1, 1, b"lab", b'"ann"')) + b"\0\0\0",
    piece(b"\xff") + encode_frame(Frame(3, 0, b"lab", b'{"reply": "json"}')),
    piece(b"\xff") + b"\x03\x01\0" + b"\x01" * 29 + b"lab",
    piece(b"\x02") + encode_frame(Frame(4, 0, b"", b'{"reply": "json"}')),
    piece(b"\xff") + b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
)
WORDS: Final = (b"username", b"password", b"reply", b"json", b'{"', b'": "', b'"}', b"\0\0\0\x03lab")


def check(data: bytes) -> None:
    bites = Bites(data)
    sizes, stream = bites.piece(), bites.rest()
    once, split_up = ServerTransaction(MAX_PAYLOAD_BYTES), ServerTransaction(MAX_PAYLOAD_BYTES)
    at_once, in_pieces = outcome(once, [stream]), outcome(split_up, list(split(stream, sizes)))
    # Only in the same piece as the request are more than two bytes a second one (TCP-09).
    if once.phase is Phase.REQUESTING or len(stream) <= end_of_request(stream) + PORT_BYTES:
        assert repr(at_once) == repr(in_pieces), "another split is another request"
        assert isinstance(at_once, ProtocolError) or once.client_port == split_up.client_port
    for transaction, result in ((once, at_once), (split_up, in_pieces)):
        check_answers(transaction, result)


def outcome(transaction: ServerTransaction, pieces: list[bytes]) -> Outcome:
    """Feed pieces; returns the request, the error that refuses it, or None."""
    result: Outcome = None
    for data in pieces:
        try:
            wanted = transaction.feed(data)
        except ProtocolError as error:
            return error
        assert wanted is None or result is None, "two requests in one transaction"
        result = wanted or result
    return result


def end_of_request(stream: bytes) -> int:
    decoder = FrameDecoder(MAX_PAYLOAD_BYTES)
    decoder.feed(stream)
    try:
        decoder.next_frame()
    except ProtocolError:
        return len(stream)
    return len(stream) - len(decoder.take_rest())


def check_answers(transaction: ServerTransaction, result: Outcome) -> None:
    if isinstance(result, ProtocolError):
        (frame,) = frames_of(transaction.refuse(result))
        status, _ = decode_status(frame.payload)
        assert (frame.state, status) == (State.REPLY, result.status)
        assert transaction.phase is Phase.ENDED
        assert transaction.feed(b"more") is None
    elif result is None:
        assert transaction.phase is Phase.REQUESTING
        (frame,) = frames_of(transaction.refuse(MalformedError()))  # as when the time is over
        assert frame.state == State.REPLY
    elif result[0] is Operation.LIST:
        accepted, listed = frames_of(transaction.list_rooms(b"{}"))
        assert (accepted.state, listed.state, listed.payload) == (State.REPLY, State.COMPLETION, b"{}")
    else:
        _, room, request = result
        assert check_room_name(room.encode()) == room
        assert check_user_name(request.username.encode()) == request.username
        accepted, completed = frames_of(transaction.accept() + transaction.complete(GRANT))
        assert (accepted.room, completed.room) == (room.encode(),) * 2
        granted = decode_completion(completed.payload)
        assert granted == (GRANT if request.json_reply else Completion(GRANT.token))
        assert transaction.wants_pause == (not request.json_reply)


def frames_of(data: bytes) -> list[Frame]:
    decoder = FrameDecoder(4096)
    decoder.feed(data)
    frames = list(iter(decoder.next_frame, None))
    assert decoder.take_rest() == b""
    assert sum(HEADER_BYTES + len(frame.room) + len(frame.payload) for frame in frames) == len(data)
    return frames
