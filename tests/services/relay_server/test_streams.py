"""Who may chat over its connection, and what it is granted (STR-01, STR-07)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chatproto import Operation, Status
from chatproto.payloads import decode_status, encode_completion
from relay_server.answers import Granted
from relay_server.core.policy import StreamsAllowed
from services.relay_server.test_control import ANN, BOB, ControlCase, finish, frame_of


def request(name: str, **more: Any) -> dict[str, Any]:
    return {"username": name, "reply": "json", "chat": "stream", **more}


@pytest.mark.requirement("STR-07")
def test_a_stream_over_the_limit_is_refused_with_a_status() -> None:
    case = ControlCase(max_streams=1)
    case.grant(Operation.CREATE, request("ann"), ANN)
    refused = case.begin(Operation.JOIN, request("bob"), BOB)
    assert isinstance(refused, bytes)
    assert decode_status(frame_of(refused).payload)[0] is Status.TOO_MANY
    assert isinstance(case.begin(Operation.JOIN, {"username": "bob", "reply": "json"}, BOB), Granted)


@pytest.mark.requirement("STR-07", "PWD-02")
def test_streams_that_wait_for_a_password_dont_pass_the_limit() -> None:
    case = ControlCase(max_streams=2)
    case.grant(Operation.CREATE, request("ann", password="secret"), ANN)
    pending = [case.wait(Operation.JOIN, request(name, password="secret"), BOB) for name in ("bob", "eve")]
    first, second = map(finish, pending)
    assert isinstance(first, Granted)
    assert isinstance(second, bytes)
    assert decode_status(frame_of(second).payload)[0] is Status.TOO_MANY
    assert case.registry.streams.total == 2


@pytest.mark.requirement("STR-01", "TCP-12")
@pytest.mark.parametrize(
    ("allowed", "granted"),
    [(StreamsAllowed.ANY, [True, True]), (StreamsAllowed.TLS, [False, True]), (StreamsAllowed.OFF, [False, False])],
)
def test_who_is_granted_a_stream(allowed: StreamsAllowed, granted: list[bool]) -> None:
    case = ControlCase()
    case.control._streams = allowed
    found = []
    for room, encrypted in ((b"one", False), (b"two", True)):
        completion = case.grant(Operation.CREATE, request("ann"), replace(ANN, encrypted=encrypted), room).completion
        written = json.loads(encode_completion(completion, json_reply=True))
        found.append("chat" in written)
        assert ("epoch" in written, "seq" in written) == (found[-1], found[-1])
    assert found == granted


@pytest.mark.requirement("STR-01")
@pytest.mark.parametrize("fields", [{"reply": "text"}, {"reply": None}, {"chat": "udp"}])
def test_who_doesnt_ask_for_it_in_json_gets_none(fields: dict[str, Any]) -> None:
    case = ControlCase()
    asked = {key: value for key, value in {**request("ann"), **fields}.items() if value is not None}
    assert not case.grant(Operation.CREATE, asked, ANN).completion.stream
    assert case.registry.streams.total == 0
