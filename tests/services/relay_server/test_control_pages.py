"""Requests of pages, and for the list of rooms (WEB-01, WEB-03, LIST-01)."""

import json
from dataclasses import replace

import pytest

from chatproto import Frame, Operation, Status
from relay_server.answers import Granted
from relay_server.core.policy import StreamsAllowed
from relay_server.core.room_list import RoomList
from services.relay_server.test_control import ANN, ControlCase


@pytest.mark.requirement("LIST-01")
def test_rooms_are_listed_only_if_the_operator_wants_it() -> None:
    case = ControlCase()
    case.ask(1, b"ann")
    refusal = case.ask(Operation.LIST, {"reply": "json"}, room=b"")
    assert isinstance(refusal, Frame)
    assert json.loads(refusal.payload)["reason"] == "not_supported"
    case.control._room_list = RoomList(case.registry.rooms, hides=False)
    answer = case.begin(Operation.LIST, {"reply": "json"}, room=b"")
    assert isinstance(answer, bytes)
    assert answer.endswith(b'{"rooms":[{"name":"demo","members":1,"password":false,"sealed":false,"topic":""}]}')
    assert case.counted[-2:] == [(Operation.LIST, Status.NOT_SUPPORTED), (Operation.LIST, Status.OK)]


@pytest.mark.requirement("WEB-01")
def test_a_page_always_chats_over_its_connection() -> None:
    case = ControlCase()
    case.control._streams = StreamsAllowed.OFF
    stream = {"username": "ann", "reply": "json", "chat": "stream"}
    over_tcp = case.ask(1, stream, room=b"one")
    by_page = case.ask(1, stream, replace(ANN, by_page=True), room=b"two")
    assert isinstance(over_tcp, Granted)
    assert isinstance(by_page, Granted)
    assert (over_tcp.completion.stream, by_page.completion.stream) == (False, True)


@pytest.mark.requirement("WEB-03")
def test_a_page_in_the_clear_is_told_to_open_it_by_https() -> None:
    refusal = ControlCase(tls_required=True).ask(1, {"username": "ann", "reply": "json"}, replace(ANN, by_page=True))
    assert isinstance(refusal, Frame)
    assert b"open the page by https" in refusal.payload
