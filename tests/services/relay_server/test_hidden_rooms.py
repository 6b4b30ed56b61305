"""A room that is hidden costs the relay the same work as one that isn't there (PWD-05)."""

import pytest

from chatproto import Operation
from relay_server.core.names import name_keys
from services.relay_server.test_control import BOB, closed_room, knock
from steps import counted_calls

DEAR_NAME = "\ufdfa" * 85
"""Comparing it takes a hundred times as long as any honest name: a clock could tell whether it was compared."""


@pytest.mark.requirement("PWD-05")
@pytest.mark.parametrize("password", [None, "wrong"])
def test_names_are_worked_on_as_much_for_a_room_that_isnt_there(password: str | None) -> None:
    case, calls = closed_room(hide_rooms=True), []
    for room in (b"demo", b"nowhere"):
        name_keys.cache_clear()
        with counted_calls("names.py", "skeleton.py", "shown.py") as counted:
            case.refuses(Operation.JOIN, knock(DEAR_NAME, password), BOB, room)
        calls.append(counted)
    assert calls[0] == calls[1]
    assert calls[0]["name_keys"] > 0
