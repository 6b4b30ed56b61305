"""A page's join: the same request as over TCP, in a message of its own form (WEB-02)."""

import contextlib
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
    Operation,
    Phase,
    ProtocolError,
    RefusalCode,
    Request,
    Status,
)
from chatproto.errors import PayloadTooLargeError
from chatproto.page import PageTransaction, answer_of
from libs.chatproto.strategies import ROOM_NAMES, USER_NAMES

pytestmark = pytest.mark.requirement("WEB-02")
WHOLE: dict[str, Any] = {
    "room": "tea", "name": "ann", "password": None, "create": False, "sealed": False, "resume": None, "epoch": None,
    "heard": None, "attempt": "0123456789abcdef", "features": ["resume", "sealed", "follow", "telepathy"],
}  # fmt: skip


def message(**join: Any) -> bytes:
    return json.dumps({"join": {"room": "tea", "name": "ann"} | join}).encode()


def test_a_join_is_a_request_for_a_stream() -> None:
    transaction = PageTransaction(4096)
    assert transaction.phase is Phase.REQUESTING
    operation, room, request = transaction.feed(json.dumps({"join": WHOLE}).encode())
    assert (operation, room) == (Operation.JOIN, "tea")
    assert request == Request(
        "ann", json_reply=True, plain=False, features=frozenset({Feature.RESUME, Feature.SEALED}), stream=True,
        attempt="0123456789abcdef",
    )  # fmt: skip
    assert transaction.asked == (operation, room, request)
    assert (transaction.operation, transaction.phase) == (operation, Phase.DECIDING)


def test_it_may_create_and_resume() -> None:
    asked = {"password": "milk", "features": ["resume", "sealed"]}
    operation, _, request = PageTransaction(4096).feed(message(create=True, sealed=True, **asked))
    assert (operation, request.sealed, request.password) == (Operation.CREATE, True, "milk")
    _, _, request = PageTransaction(4096).feed(message(resume="TICKET", epoch="e", heard=811, **asked))
    assert (request.ticket, request.epoch, request.heard) == ("TICKET", "e", 811)


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"{", b"[]", b"1", b"null", b'"join"', b"{}", b'{"join":[]}', b'{"join":null}', b"\xff", b"[" * 3000,
        message(room=None), message(room=1), message(create=1), message(name=1), message(name=None),
        message(password=1), message(features={}), message(epoch=1), message(heard="1", epoch="e"),
        message(sealed="yes", features=["sealed"]), message(attempt="x", features=["resume"]),
    ],
)  # fmt: skip
def test_what_is_no_join_is_malformed(sent: bytes) -> None:
    transaction = PageTransaction(4096)
    with pytest.raises(MalformedError) as caught:
        transaction.feed(sent)
    refusal = json.loads(transaction.refuse(caught.value))
    assert (refusal["status"], refusal["reason"]) == (Status.MALFORMED, "malformed")
    assert refusal["message"] == str(caught.value)
    assert transaction.phase is Phase.ENDED


@pytest.mark.parametrize("name", ["", "\ud800", "\u0000"])
@pytest.mark.parametrize("key", ["room", "name"])
def test_a_name_that_cant_be_used_is_refused_as_over_tcp(key: str, name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        PageTransaction(4096).feed(message(**{key: name}))
    assert caught.value.status is Status.BAD_NAME


def test_a_long_join_is_too_large() -> None:
    with pytest.raises(PayloadTooLargeError, match="256"):
        PageTransaction(256).feed(message(password="x" * 300))


def test_the_answer_has_status_and_completion_in_one_line() -> None:
    transaction = PageTransaction(4096)
    completion = Completion(b"token", True, 9001, 300.0, 4000, stream=True, epoch="e", seq=7)
    line = transaction.complete(completion)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "status": 0, "reason": "ok", "token": "token", "host": True, "udp_port": 9001,
        "silence_timeout_seconds": 300.0, "max_message_bytes": 4000, "moderation": False, "chat": "stream",
        "epoch": "e", "seq": 7,
    }  # fmt: skip
    assert transaction.phase is Phase.ENDED


def test_who_is_banned_is_told_so() -> None:
    refused = json.loads(PageTransaction(4096).refuse(BadNameError(RefusalCode.BANNED)))
    assert refused == {"status": 5, "reason": "bad_name", "message": RefusalCode.BANNED.message, "banned": True}


@pytest.mark.requirement("FEAT-04")
@pytest.mark.parametrize(("features", "code"), [(["notices"], {"code": "user_name_colon"}), ([], {}), (None, {})])
def test_who_asks_for_facts_is_told_why_exactly_as_a_fact(features: list[str] | None, code: dict[str, str]) -> None:
    transaction = PageTransaction(4096)
    with pytest.raises(BadNameError) as caught:
        transaction.feed(message(name="a:b", features=features))
    status = {"status": 5, "reason": "bad_name", "message": "The user name has a colon: choose one without."}
    assert json.loads(transaction.refuse(caught.value)) == status | code


def test_another_nodes_answer_reads_the_same() -> None:
    assert answer_of({"status": 2}) == b'{"status":2}\n'
    assert json.loads(answer_of({}, {"token": "t"})) == {"status": 0, "reason": "ok", "token": "t"}


@given(ROOM_NAMES, USER_NAMES)
def test_any_legal_names_come_through(room: str, user: str) -> None:
    _, found, request = PageTransaction(4096).feed(message(room=room, name=user))
    assert (found, request.username) == (room, user)


@given(st.binary(max_size=200) | st.from_regex(rb'\{"join":\{"room":"[^"]*","name":.*\}\}', fullmatch=True))
def test_arbitrary_bytes_are_a_join_or_a_protocol_error(sent: bytes) -> None:
    transaction = PageTransaction(4096)
    with contextlib.suppress(ProtocolError):
        transaction.feed(sent)
