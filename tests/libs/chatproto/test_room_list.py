"""What a client reads of a list of rooms, whoever wrote it (LIST-01)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    Frame,
    ListedRoom,
    ListTransaction,
    MalformedError,
    Operation,
    PayloadTooLargeError,
    RefusedError,
    Request,
    ServerTransaction,
    State,
    Status,
    encode_frame,
    sanitize,
)
from chatproto.constants import MAX_LIST_BYTES, MAX_LISTED_ROOMS, MAX_NAME_BYTES, MAX_TOPIC_BYTES
from chatproto.errors import NotSupportedError
from chatproto.room_list import read_room_list
from libs.chatproto.strategies import split

pytestmark = pytest.mark.requirement("LIST-01")

TEA: dict[str, Any] = {"name": "tea", "members": 3, "password": True, "sealed": False, "topic": "at four"}


def payload(*rooms: object) -> bytes:
    return json.dumps({"rooms": rooms}).encode()


def answer(listed: bytes) -> bytes:
    server = ServerTransaction()
    assert server.feed(ListTransaction().request)
    return server.list_rooms(listed)


def test_a_room_is_read_with_all_that_is_told_of_it() -> None:
    assert read_room_list(payload(TEA)) == (ListedRoom("tea", 3, password=True, topic="at four"),)
    assert read_room_list(payload(TEA | {"password": False, "sealed": True, "more": 1})) == (
        ListedRoom("tea", 3, sealed=True, topic="at four"),
    )
    assert read_room_list(payload({"name": "tea", "members": 0})) == (ListedRoom("tea", 0),)


@given(st.data())
def test_both_ends_understand_each_other_however_the_bytes_are_split(data: st.DataObject) -> None:
    client = ListTransaction()
    found = [client.feed(piece) for piece in data.draw(split(answer(payload(TEA))))]
    assert [rooms for rooms in found if rooms is not None] == [(ListedRoom("tea", 3, password=True, topic="at four"),)]


def test_what_is_no_list_is_malformed() -> None:
    for junk in (b"", b"token", b"[]", b"{}", b'{"rooms":{}}', b'{"rooms":null}', b"\xff", b"[" * 100_000, b"7"):
        with pytest.raises(MalformedError):
            read_room_list(junk)


@pytest.mark.parametrize(
    "room",
    [
        None, "tea", [], {}, {"members": 1}, {"name": "tea"},
        TEA | {"name": ""}, TEA | {"name": 7}, TEA | {"name": "x" * (MAX_NAME_BYTES + 1)},
        TEA | {"name": "a\x1b[2Jb"}, TEA | {"name": "a\nb"}, TEA | {"name": "a\u202eb"}, TEA | {"name": "\ud800"},
        TEA | {"name": "a" + "\u0301" * 20},
        TEA | {"members": -1}, TEA | {"members": True}, TEA | {"members": "3"}, TEA | {"members": 2**31},
    ],
)  # fmt: skip
def test_a_room_that_cant_be_used_is_left_out(room: object) -> None:
    assert [each.name for each in read_room_list(payload(room, TEA | {"name": "milk"}))] == ["milk"]


def test_what_isnt_true_is_false() -> None:
    (found,) = read_room_list(payload(TEA | {"password": 1, "sealed": "yes", "topic": ["at four"]}))
    assert found == ListedRoom("tea", 3)


def test_a_topic_is_harmless_to_show_and_short() -> None:
    hostile = "red\x1b[31m\u202e\nline\ud800" + "x" * MAX_LIST_BYTES
    (found,) = read_room_list(payload(TEA | {"topic": hostile}))
    assert len(found.topic) <= MAX_TOPIC_BYTES
    assert sanitize(found.topic) == found.topic
    assert found.topic.isprintable()
    assert found.topic.encode()


def test_a_name_comes_once_and_there_is_an_end_to_rooms() -> None:
    assert [room.members for room in read_room_list(payload(TEA, TEA | {"members": 1}))] == [1]
    many = [{"name": f"r{number}", "members": 1} for number in range(MAX_LISTED_ROOMS + 50)]
    assert len(read_room_list(payload(*many))) == MAX_LISTED_ROOMS


def test_a_list_that_is_too_long_is_refused_from_its_header_alone() -> None:
    client = ListTransaction()
    client.feed(answer(b"{}")[: -len(b"{}") - 32])
    with pytest.raises(PayloadTooLargeError):
        client.feed(encode_frame(Frame(4, State.COMPLETION, b"", bytes(MAX_LIST_BYTES + 1)))[:32])


def test_a_relay_that_lists_none_or_knows_no_lists_says_so() -> None:
    for refusal in (b"\x0a", b'{"status":10,"message":"Operation 4 is unknown."}'):
        with pytest.raises(RefusedError) as caught:
            ListTransaction().feed(encode_frame(Frame(4, State.REPLY, b"", refusal)))
        assert caught.value.status is Status.NOT_SUPPORTED
    server = ServerTransaction()
    assert server.feed(ListTransaction().request) == (Operation.LIST, "", Request("", json_reply=True, plain=False))
    with pytest.raises(RefusedError):
        ListTransaction().feed(server.refuse(NotSupportedError()))


def test_a_list_out_of_turn_is_none() -> None:
    with pytest.raises(MalformedError):
        ListTransaction().feed(encode_frame(Frame(4, State.COMPLETION, b"", payload(TEA))))
