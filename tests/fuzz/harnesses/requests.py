"""What a client asks with: only protocol errors escape, and what was read can be written again (TCP-05, PWD-01)."""

import json
from typing import Final

from chatproto import Feature, ProtocolError, check_password, check_user_name
from chatproto.payloads import decode_request, encode_request, form_of

SEEDS: Final = (
    b"ann",
    b'  "ann"',
    b'{"username": "ann", "password": "pw", "reply": "json"}',
    b'{"username": "ann", "reply": "json", "features": ["notices", "telepathy"]}',
    b'{"user_name": "ann", "userName": 1, "password": null}',
    '{"username": "漢字", "password": "e\u0301"}'.encode(),
    b'{"username": "\\ud800", "password": "\\udc00"}',
    b"[" * 50,
)
WORDS: Final = (
    b"username",
    b"user_name",
    b"userName",
    b"password",
    b"reply",
    b"json",
    b'"',
    b'": "',
    b"null",
    b"\\ud83d",
)


def check(data: bytes) -> None:
    form = form_of(data)
    try:
        request = decode_request(data)
    except ProtocolError:
        assert not form.json or is_json(data)
        return
    assert form == (request.json_reply, Feature.NOTICES in request.features)
    assert check_user_name(request.username.encode()) == request.username
    assert request.password is None or request.password == check_password(request.password)
    again = decode_request(encode_request(request))
    assert again == request, f"{again} was {request}"


def is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False
