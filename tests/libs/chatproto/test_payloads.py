"""Payloads of requests, replies and completions, in their plain and their JSON form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    BadNameError,
    Completion,
    Feature,
    MalformedError,
    ProtocolError,
    Refusal,
    RefusalCode,
    Request,
    Status,
)
from chatproto.payloads import (
    Form,
    decode_completion,
    decode_request,
    decode_status,
    encode_completion,
    encode_request,
    encode_status,
    form_of,
    told_refusal,
)
from libs.chatproto.strategies import COMPLETIONS, JSON_VALUES, PLAIN_TOKENS, REQUESTS, USER_NAMES

DEEP = b'{"username":' + b"[" * 100_000


@given(REQUESTS)
def test_a_request_survives_encoding(request_: Request) -> None:
    assert decode_request(encode_request(request_)) == request_


def test_a_request_in_json_has_only_the_fields_that_say_something() -> None:
    assert json.loads(encode_request(Request("ann", plain=False))) == {"username": "ann"}
    everything = {"username": "ann", "password": "pw", "reply": "json", "features": ["notices"]}
    features = frozenset({Feature.NOTICES})
    assert json.loads(encode_request(Request("ann", "pw", True, False, features))) == everything


@pytest.mark.requirement("SEAL-03")
def test_only_with_the_feature_may_a_request_want_a_sealed_room() -> None:
    wish = {"username": "ann", "reply": "json", "features": ["sealed"], "sealed": True}
    wanted = Request("ann", None, True, False, frozenset({Feature.SEALED}), sealed=True)
    assert json.loads(encode_request(wanted)) == wish
    assert decode_request(json.dumps(wish).encode()) == wanted
    for ignored in ({"features": ["notices"]}, {"reply": "text"}, {"sealed": False}):
        assert not decode_request(json.dumps(wish | ignored).encode()).sealed
    assert not decode_request(b'{"username": "ann", "sealed": 1}').sealed


@pytest.mark.requirement("SEAL-03")
@pytest.mark.parametrize("value", [1, 0, "true", None, [], {}])
def test_whether_a_room_is_to_be_sealed_is_true_or_false(value: object) -> None:
    wish = {"username": "ann", "reply": "json", "features": ["sealed"], "sealed": value}
    with pytest.raises(MalformedError, match="sealed"):
        decode_request(json.dumps(wish).encode())


@pytest.mark.requirement("SEAL-03")
@pytest.mark.parametrize("value", [1, "true", None, []])
def test_a_completion_says_in_one_way_that_the_room_is_sealed(value: object) -> None:
    fields = json.loads(encode_completion(Completion(b"t", True, 1, 1.0, 1, sealed=True), json_reply=True))
    assert fields.pop("sealed") is True
    assert not decode_completion(json.dumps(fields).encode()).sealed
    assert not decode_completion(json.dumps(fields | {"sealed": value}).encode()).sealed


@given(USER_NAMES, st.sampled_from(["", " ", "\n\t", "\r\n  "]))
def test_a_json_string_is_a_plain_name_even_after_white_space(name: str, before: str) -> None:
    assert decode_request((before + json.dumps(name)).encode()) == Request(name)


@pytest.mark.parametrize("name", ['"ann"', "{ann}", "{", '"'])
def test_a_plain_name_that_looks_like_json_is_sent_in_quotes(name: str) -> None:
    assert encode_request(Request(name)) == json.dumps(name).encode()
    assert decode_request(encode_request(Request(name))) == Request(name)


@pytest.mark.parametrize("key", ["username", "user_name", "userName"])
def test_the_name_may_stand_under_three_keys(key: str) -> None:
    assert decode_request(json.dumps({key: "ann"}).encode()) == Request("ann", plain=False)


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        (b"ann", Request("ann")),
        ("漢字 さん".encode(), Request("漢字 さん")),
        (b"[ann]", Request("[ann]")),
        (b' {"username": "ann", "colour": "red", "n": [1, {}]}', Request("ann", plain=False)),
        (b'{"username":"ann","password":null}', Request("ann", plain=False)),
        (b'{"username":"ann","password":""}', Request("ann", plain=False)),
        (b'{"username":"ann","password":"pw"}', Request("ann", "pw", plain=False)),
        (b'{"username":"ann","password":"e\\u0301"}', Request("ann", "\u00e9", plain=False)),
        (b'{"username":"ann","reply":"json"}', Request("ann", json_reply=True, plain=False)),
        (b'{"username":"ann","reply":"JSON"}', Request("ann", plain=False)),
        (b'{"username":"ann","reply":["json"]}', Request("ann", plain=False)),
        (b'{"username":"ann","username":"bob"}', Request("bob", plain=False)),
        (b'{"userName":"bob","username":"ann"}', Request("ann", plain=False)),
        (b'{"username":"\\u0061nn"}', Request("ann", plain=False)),
        (b'"\\ud83d\\ude00"', Request("😀")),
    ],
)
def test_a_request_is_read_in_any_of_its_forms(payload: bytes, request_: Request) -> None:
    assert decode_request(payload) == request_


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"{}",
        b'{"name":"ann"}',
        b'{"username":5}',
        b'{"username":null,"user_name":"ann"}',
        b'{"username":["ann"]}',
        b'{"username":"ann","password":5}',
        b'{"username":"ann","password":"a\\ud800"}',
        b'{"username":"ann","password":"\xed\xa0\x80"}',
        b'{"username":"ann","password":"' + b"x" * 1025 + b'"}',
        b'{"username":"ann"} x',
        b'{"username":"\xff"}',
        b'"ann',
        b'"ann" x',
        DEEP,
        b'{"x":' + b'{"x":' * 100_000,
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
def test_what_begins_like_json_but_is_no_request_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_request(payload)


def test_a_request_shows_no_password_where_it_is_printed() -> None:
    assert "secret" not in repr(decode_request(b'{"username":"ann","password":"secret"}'))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b" ann",
        b"ann ",
        b"ann:",
        b"\xff\xfe",
        b"ann\n",
        b"ann\0",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b'""',
        b'"\\ud800"',
        b'{"username":""}',
        b'{"username":"\\udfff"}',
        b'{"username":"a\\u0000"}',
        b'{"username":"\xed\xa0\x80"}',
        b"a" * 256,
        b'{"username":"' + "é".encode() * 128 + b'"}',
        b"\xef\xbb\xbfann",
    ],
)
def test_a_name_that_cannot_be_used_is_a_bad_name(payload: bytes) -> None:
    with pytest.raises(BadNameError):
        decode_request(payload)


@given(st.binary(max_size=300) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_every_payload_is_a_request_or_a_protocol_error(payload: bytes) -> None:
    form = form_of(payload)
    try:
        request = decode_request(payload)
    except ProtocolError:
        return
    assert request.username
    assert form == (request.json_reply, Feature.NOTICES in request.features)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"username": "", "reply": "json"}', Form(json=True)),
        (b' {"reply": "json"}', Form(json=True)),
        (b'{"username": "", "reply": "json", "features": ["notices"]}', Form(json=True, codes=True)),
        (b'{"username": "", "reply": "json", "features": ["notices", 1]}', Form(json=True)),
        (b'{"username": "", "reply": "json", "features": "notices"}', Form(json=True)),
        (b'{"username": "", "features": ["notices"]}', Form()),
        (b'{"reply": "plain"}', Form()),
        (b'{"reply": "json"', Form()),
        (b'"json"', Form()),
        (b"json", Form()),
        (b"", Form()),
    ],
)
def test_a_bad_request_tells_too_in_which_form_it_wants_its_answer(payload: bytes, expected: Form) -> None:
    assert form_of(payload) == expected


@given(st.sampled_from(Status), st.booleans(), st.text(max_size=20))
def test_a_status_survives_encoding(status: Status, json_reply: bool, message: str) -> None:
    payload = encode_status(Refusal(status, said=message), Form(json_reply))
    assert decode_status(payload) == (status, (message if json_reply else "") or status.message)


def test_a_status_is_one_byte_or_an_object_with_three_fields() -> None:
    assert encode_status(Refusal(Status.NO_SUCH_ROOM), Form()) == b"\x02"
    assert json.loads(encode_status(Refusal(Status.NO_SUCH_ROOM), Form(json=True))) == {
        "status": 2,
        "reason": "no_such_room",
        "message": Status.NO_SUCH_ROOM.message,
    }


@pytest.mark.parametrize("banned", [True, False])
def test_a_refusal_in_json_tells_a_ban(banned: bool) -> None:
    refusal = Refusal(Status.BAD_NAME, RefusalCode.BANNED if banned else RefusalCode.USER_NAME_RESERVED)
    payload = encode_status(refusal, Form(json=True))
    assert json.loads(payload).get("banned", False) is told_refusal(payload).banned is banned
    assert not told_refusal(encode_status(refusal, Form())).banned


@pytest.mark.parametrize("message", [None, "", 5, [], {}])
def test_a_status_without_a_usable_message_explains_itself(message: Any) -> None:
    payload = json.dumps({"status": 6, "message": message}).encode()
    assert decode_status(payload) == (Status.ROOM_FULL, Status.ROOM_FULL.message)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x10",
        b"\xff",
        b"\x00\x00",
        b"{}",
        b"{",
        b'{"status":99}',
        b'{"status":"1"}',
        b'{"status":[]}',
        b'{"status":null}',
        b'{"status":NaN}',
        DEEP,
    ],
)
def test_an_unknown_status_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_status(payload)


@given(COMPLETIONS)
def test_a_json_completion_survives_encoding(completion: Completion) -> None:
    assert decode_completion(encode_completion(completion, json_reply=True)) == completion


@given(COMPLETIONS)
def test_a_plain_completion_is_the_token_and_nothing_else(completion: Completion) -> None:
    payload = encode_completion(completion, json_reply=False)
    assert payload == completion.token
    assert decode_completion(payload) == Completion(completion.token)


@given(PLAIN_TOKENS)
def test_every_plain_token_is_read_as_it_stands(token: bytes) -> None:
    assert decode_completion(token).token == token


def granted(**changes: Any) -> bytes:
    fields = {
        "token": "t",
        "host": True,
        "udp_port": 9001,
        "silence_timeout_seconds": 300,
        "max_message_bytes": 4000,
    }
    return json.dumps(fields | changes).encode()


def test_a_json_completion_has_six_fields() -> None:
    assert decode_completion(granted(moderation=True)) == Completion(b"t", True, 9001, 300.0, 4000, moderation=True)


def test_a_relay_that_says_nothing_of_commands_obeys_none() -> None:
    assert decode_completion(granted()) == Completion(b"t", True, 9001, 300.0, 4000)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"t" * 256,
        b"{",
        b"{}",
        DEEP,
        granted(token=""),
        granted(token="t" * 256),
        granted(token="é"),
        granted(token="\ud800"),
        granted(token=None),
        granted(token=5),
        granted(udp_port=0),
        granted(udp_port=65536),
        granted(udp_port=-1),
        granted(udp_port=None),
        granted(udp_port="x"),
        granted(udp_port=float("inf")),
        granted(udp_port=float("nan")),
        granted(silence_timeout_seconds=10**400),
        granted(silence_timeout_seconds=[]),
        granted(max_message_bytes={}),
    ],
)
def test_a_completion_that_cannot_be_used_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_completion(payload)


@pytest.mark.slow
@given(
    st.binary(max_size=300)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(["status", "message", *json.loads(granted())]), JSON_VALUES, max_size=7).map(
        lambda fields: json.dumps(fields).encode()
    )
)
def test_every_reply_is_understood_or_a_protocol_error(payload: bytes) -> None:
    for decode in (told_refusal, decode_completion):
        try:
            decode(payload)
        except ProtocolError:
            continue
