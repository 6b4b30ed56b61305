"""What a client reads in a relay's replies: a status or a completion, plain or JSON, or an error (TCP-06, TCP-07)."""

from typing import Final

from chatproto import MalformedError, Status
from chatproto.constants import MAX_TOKEN_BYTES
from chatproto.payloads import decode_completion, decode_status, encode_completion, encode_status

SEEDS: Final = (
    b"\0",
    b"\x0c",
    b'{"status": 2, "reason": "no_such_room", "message": "none"}',
    b'{"status": true}',
    b"Zq3vK8xW1sNd0aTgYb5LrQ",
    b'{"token": "abc", "host": true, "udp_port": 9001, "silence_timeout_seconds": 300.0, "max_message_bytes": 4000}',
    b'{"token": "a", "host": 1, "udp_port": 1, "silence_timeout_seconds": 1, "max_message_bytes": 1, "features": []}',
    b'{"token": "abc", "host": 0, "udp_port": "9001", "silence_timeout_seconds": Infinity, "max_message_bytes": 1e400}',
)
WORDS: Final = (
    *(b"status", b"reason", b"message", b"token", b"host", b"udp_port", b"silence_timeout_seconds"),
    *(b"max_message_bytes", b"Infinity", b"NaN", b"1e400", b"true", b"null", b'": '),
)


def check(data: bytes) -> None:
    check_status(data)
    check_completion(data)


def check_status(data: bytes) -> None:
    try:
        status, message = decode_status(data)
    except MalformedError:
        return
    assert message
    assert decode_status(encode_status(status, json_reply=False)) == (status, status.message)
    assert decode_status(encode_status(status, json_reply=True, message=message)) == (status, message)
    assert data[:1] == b"{" or (status, message) == (Status(data[0]), status.message)


def check_completion(data: bytes) -> None:
    try:
        completion = decode_completion(data)
    except MalformedError:
        return
    assert 0 < len(completion.token) <= MAX_TOKEN_BYTES
    if completion.udp_port is None:
        assert encode_completion(completion, json_reply=False) == data
    else:
        assert 0 < completion.udp_port < 2**16
        again = decode_completion(encode_completion(completion, json_reply=True))
        assert repr(again) == repr(completion)  # not-a-number is unlike itself
