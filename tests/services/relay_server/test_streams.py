"""Who may chat over its connection, and what it is granted (STR-01, STR-07)."""

from typing import Any

import pytest

from chatproto import Operation, Status
from chatproto.payloads import decode_status
from relay_server.answers import Granted
from services.relay_server.test_control import ANN, BOB, ControlCase, frame_of


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
