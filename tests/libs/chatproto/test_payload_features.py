"""What requests ask for beyond the plain protocol, and completions grant (FEAT-01, RES-01, STR-01)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chatproto import Completion, Feature, MalformedError, Request
from chatproto.payloads import decode_completion, decode_request, encode_completion, encode_request


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize(
    ("features", "known"),
    [
        ("[]", set()),
        ('["notices"]', {Feature.NOTICES}),
        ('["telepathy", "notices", "notices", ""]', {Feature.NOTICES}),
        ('["NOTICES"]', set()),
    ],
)
def test_features_are_asked_for_with_a_json_reply_and_unknown_ones_ignored(features: str, known: set[Feature]) -> None:
    asked = decode_request(b'{"username":"ann","reply":"json","features":%s}' % features.encode())
    assert asked == Request("ann", json_reply=True, plain=False, features=frozenset(known))
    assert decode_request(b'{"username":"ann","features":%s}' % features.encode()) == Request("ann", plain=False)


@pytest.mark.requirement("FEAT-01")
@pytest.mark.parametrize("features", ["5", "[1]", "null", '"notices"', "{}", '["notices", null]'])
@pytest.mark.parametrize("reply", ["json", "plain"])
def test_features_of_the_wrong_type_are_malformed(features: str, reply: str) -> None:
    with pytest.raises(MalformedError, match='"features" is no list of texts'):
        decode_request(b'{"username":"ann","reply":"%s","features":%s}' % (reply.encode(), features.encode()))


@pytest.mark.requirement("FEAT-01", "FEAT-02")
def test_a_completion_lists_what_is_granted_and_nothing_else() -> None:
    granted = Completion(b"t", True, 9001, 300.0, 4000, features=frozenset({Feature.NOTICES}))
    assert json.loads(encode_completion(granted, json_reply=True))["features"] == ["notices"]
    assert "features" not in json.loads(encode_completion(replace(granted, features=frozenset()), json_reply=True))
    assert encode_completion(granted, json_reply=False) == b"t"
    newer = json.loads(encode_completion(granted, json_reply=True)) | {"features": ["telepathy", "notices"]}
    assert decode_completion(json.dumps(newer).encode()) == granted
    with pytest.raises(MalformedError):
        decode_completion(json.dumps(newer | {"features": "notices"}).encode())


ATTEMPT = "0123456789abcdef"
RESUME = frozenset({Feature.RESUME})


@pytest.mark.requirement("RES-01", "RES-02")
def test_a_request_to_resume_is_read_as_it_is_written() -> None:
    asked = Request("ann", json_reply=True, plain=False, features=RESUME, ticket="T", attempt=ATTEMPT)
    written = encode_request(asked)
    assert json.loads(written) == {
        "username": "ann", "reply": "json", "features": ["resume"], "resume": "T", "attempt": ATTEMPT,
    }  # fmt: skip
    assert decode_request(written) == asked
    assert "T" not in repr(asked).replace("Request", "").replace("True", "")
    assert encode_request(replace(asked, ticket="", attempt="")) == encode_request(
        Request("ann", json_reply=True, plain=False, features=RESUME)
    )


@pytest.mark.requirement("RES-01", "RES-02")
@pytest.mark.parametrize(
    "fields",
    [
        {"resume": 5},
        {"resume": ["T"]},
        {"attempt": 5},
        {"attempt": "x" * 15},
        {"attempt": "x" * 65},
        {"attempt": "é" * 16},
        {"attempt": "\n" * 16},
    ],
)
def test_a_ticket_and_an_attempt_are_texts_of_whom_asks_for_the_feature(fields: dict[str, object]) -> None:
    asked = {"username": "ann", "reply": "json", "features": ["resume"], **fields}
    with pytest.raises(MalformedError):
        decode_request(json.dumps(asked).encode())
    plain = decode_request(json.dumps(asked | {"features": []}).encode())
    assert plain == Request("ann", json_reply=True, plain=False)


@pytest.mark.requirement("RES-01", "RES-02")
@pytest.mark.parametrize("nothing", [None, ""])
def test_no_ticket_and_no_attempt_may_be_written_so(nothing: str | None) -> None:
    asked = {"username": "ann", "reply": "json", "features": ["resume"], "resume": nothing, "attempt": nothing}
    request = decode_request(json.dumps(asked).encode())
    assert (request.ticket, request.attempt) == ("", "")


@pytest.mark.requirement("FEAT-02")
def test_without_the_feature_it_is_known_that_there_is_a_ticket_and_no_more() -> None:
    request = decode_request(json.dumps({"username": "ann", "resume": "T", "attempt": ATTEMPT}).encode())
    assert (request.ticket, request.attempt) == ("?", "")


@pytest.mark.requirement("RES-01")
def test_a_completion_has_a_ticket_if_one_is_granted() -> None:
    completion = Completion(b"t", True, 9001, 300.0, 4000, features=RESUME, ticket="T")
    written = json.loads(encode_completion(completion, json_reply=True))
    assert written["resume"] == "T"
    assert decode_completion(json.dumps(written).encode()) == completion
    with pytest.raises(MalformedError):
        decode_completion(json.dumps(written | {"resume": 5}).encode())


EPOCH = "Zm9v"
WISH = Request("ann", None, json_reply=True, plain=False, stream=True, epoch=EPOCH, heard=811)
GIVEN = Completion(b"token", False, 9001, 300.0, 4000, stream=True, epoch=EPOCH, seq=812)


def test_a_stream_is_asked_for_and_granted_with_a_place_in_the_numbering() -> None:
    assert json.loads(encode_request(WISH)) == {
        "username": "ann", "reply": "json", "chat": "stream", "epoch": EPOCH, "heard": 811
    }  # fmt: skip
    assert decode_request(encode_request(WISH)) == WISH
    first = replace(WISH, epoch="", heard=0)
    assert "epoch" not in json.loads(encode_request(first))
    assert decode_request(encode_request(first)) == first
    granted = json.loads(encode_completion(GIVEN, json_reply=True))
    assert (granted["chat"], granted["epoch"], granted["seq"]) == ("stream", EPOCH, 812)
    assert decode_completion(encode_completion(GIVEN, json_reply=True)) == GIVEN
    assert "chat" not in json.loads(encode_completion(replace(GIVEN, stream=False), json_reply=True))


def test_a_stream_is_for_json_alone_and_any_other_chat_is_none() -> None:
    plain = decode_request(b'{"username": "ann", "chat": "stream", "epoch": 5}')
    assert not plain.stream
    other = decode_request(b'{"username": "ann", "reply": "json", "chat": "pigeons", "epoch": 5, "heard": "x"}')
    assert (other.stream, other.epoch, other.heard) == (False, "", 0)


@pytest.mark.parametrize(
    "fields",
    [{"epoch": 5}, {"epoch": "x" * 65}, {"epoch": "é"}, {"heard": -1}, {"heard": "1"}, {"heard": True}, {"heard": 1.0}],
)
def test_a_place_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    asked = {"username": "ann", "reply": "json", "chat": "stream", **fields}
    with pytest.raises(MalformedError, match="epoch"):
        decode_request(json.dumps(asked).encode())
    granted = json.loads(encode_completion(GIVEN, json_reply=True)) | {
        {"heard": "seq"}.get(key, key): value for key, value in fields.items()
    }
    with pytest.raises(MalformedError):
        decode_completion(json.dumps(granted).encode())
