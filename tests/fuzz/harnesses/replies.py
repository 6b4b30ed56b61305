"""What a client reads in a relay's replies: a status or a completion, plain or JSON, or an error (TCP-06, TCP-07)."""

from typing import Final

from chatproto import MalformedError, Refusal, Status, sanitize
from chatproto.constants import MAX_TOKEN_BYTES
from chatproto.payloads import Form, decode_completion, encode_completion, encode_status, told_refusal

SEEDS: Final = (
    b"\0",
    b"\x0c",
    b'{"status": 2, "reason": "no_such_room", "message": "none"}',
    b'{"status": true}',
    b'{"status": 5, "message": "No.", "code": "user_name_unprintable", "character": "U+001B a control character"}',
    b'{"status": 5, "message": "\\u202eNo.", "code": "user_name_too_long", "size": -1, "limit": true}',
    b'{"status": 5, "banned": true}',
    b"Zq3vK8xW1sNd0aTgYb5LrQ",
    b'{"token": "abc", "host": true, "udp_port": 9001, "silence_timeout_seconds": 300.0, "max_message_bytes": 4000}',
    b'{"token": "a", "host": 1, "udp_port": 1, "silence_timeout_seconds": 1, "max_message_bytes": 1, "features": []}',
    b'{"token": "abc", "host": 0, "udp_port": "9001", "silence_timeout_seconds": Infinity, "max_message_bytes": 1e400}',
)
WORDS: Final = (
    *(b"status", b"reason", b"message", b"code", b"banned", b"limit", b"token", b"host"),
    *(b"udp_port", b"silence_timeout_seconds"),
    *(b"max_message_bytes", b"Infinity", b"NaN", b"1e400", b"true", b"null", b'": '),
)


def check(data: bytes) -> None:
    check_status(data)
    check_completion(data)


def check_status(data: bytes) -> None:
    try:
        refusal = told_refusal(data)
    except MalformedError:
        return
    assert str(refusal)
    assert sanitize(str(refusal)) == str(refusal)
    assert told_refusal(encode_status(refusal, Form())) == Refusal(refusal.status)
    assert str(told_refusal(encode_status(refusal, Form(json=True)))) == str(refusal)
    if refusal.code:
        assert told_refusal(encode_status(refusal, Form(json=True, codes=True))) == refusal
    assert data[:1] == b"{" or refusal == Refusal(Status(data[0]))


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
