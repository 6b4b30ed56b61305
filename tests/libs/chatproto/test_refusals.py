"""Why exactly a request is refused, as facts: what a relay writes and what any relay's reply is read as (FEAT-04)."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatproto import (
    ListTransaction,
    NotSupportedError,
    Refusal,
    RefusalCode,
    RefusedError,
    ServerTransaction,
    Status,
    sanitize,
)
from chatproto.payloads import Form, encode_status, told_refusal
from libs.chatproto.strategies import JSON_VALUES

pytestmark = pytest.mark.requirement("FEAT-04")
CODED = Form(json=True, codes=True)
FIELDS: dict[str, Any] = {"character": "U+200B ZERO WIDTH SPACE", "count": 900, "size": 300, "limit": 255}
LONG = {"status": 5, "reason": "bad_name", "message": "Long.", "code": "user_name_too_long", "size": 300, "limit": 255}


@given(st.sampled_from(Status), st.none() | st.sampled_from(RefusalCode))
def test_a_refusal_survives_encoding(status: Status, code: RefusalCode | None) -> None:
    fields = {name: FIELDS[name] for name in code.fields} if code else {}
    refusal = Refusal(status, code, **fields)
    assert told_refusal(encode_status(refusal, CODED)) == refusal
    assert "{" not in str(refusal)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "of_tomorrow"}, {"code": 5}, {"code": None}, {"code": []}, {"code": "busy"},
        {"size": None}, {"size": True}, {"limit": "255"}, {"limit": 1.5},
        {"code": "user_name_unprintable"}, {"code": "user_name_unprintable", "character": 5},
    ],
    ids=str,
)  # fmt: skip
def test_a_code_that_is_not_understood_leaves_the_message(wrong: dict[str, Any]) -> None:
    assert told_refusal(json.dumps(LONG | wrong).encode()) == Refusal(Status.BAD_NAME, said="Long.")


def test_a_character_that_a_relay_names_is_harmless_to_show() -> None:
    named = {"status": 5, "code": "user_name_unprintable", "character": "U+202E a\ud800\u202e"}
    told = told_refusal(json.dumps(named).encode())
    assert told == Refusal(Status.BAD_NAME, RefusalCode.USER_NAME_UNPRINTABLE, character="U+202E a?\ufffd")


def test_a_relay_that_gives_no_code_is_read_as_it_speaks() -> None:
    plain, own = ({"status": 6, "message": message} for message in (Status.ROOM_FULL.message, "Twelve\x1b are enough."))
    assert told_refusal(json.dumps(plain).encode()) == told_refusal(b"\6") == Refusal(Status.ROOM_FULL)
    assert told_refusal(json.dumps(own).encode()) == Refusal(Status.ROOM_FULL, said="Twelve\ufffd are enough.")


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from([*LONG, "character"]), JSON_VALUES | st.sampled_from([*RefusalCode]), max_size=7)
)
@example({"code": "user_name_unprintable", "character": "a\ud800\u202e\n"})
@example({"code": "of_tomorrow", "message": "a\u202e\n"})
def test_whatever_a_relay_says_is_harmless_to_show(fields: dict[str, Any]) -> None:
    refusal = told_refusal(json.dumps({**fields, "status": 5}).encode())
    assert sanitize(str(refusal)) == str(refusal)
    str(refusal).encode()


def test_who_asks_for_the_rooms_is_told_why_exactly_there_are_none() -> None:
    client, server = ListTransaction(), ServerTransaction()
    server.feed(client.request)
    with pytest.raises(RefusedError) as caught:
        client.feed(server.refuse(NotSupportedError(RefusalCode.TLS_NEEDED)))
    assert caught.value.refusal == Refusal(Status.NOT_SUPPORTED, RefusalCode.TLS_NEEDED)
