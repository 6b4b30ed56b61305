"""A room that is hidden costs the relay the same work as one that isn't there (PWD-05)."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from chatproto import Operation
from services.relay_server.test_control import BOB, closed_room, knock

DEAR_NAME = "\ufdfa" * 85
"""Comparing it takes a hundred times as long as any honest name: a clock could tell whether it was compared."""


@contextmanager
def counted_calls(*files: str) -> Iterator[Counter[str]]:
    """Count which functions of these files are called in the block, in this thread."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.endswith(files):
            counted[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        yield counted
    finally:
        sys.setprofile(None)


@pytest.mark.requirement("PWD-05")
@pytest.mark.parametrize("password", [None, "wrong"])
def test_names_are_worked_on_as_much_for_a_room_that_isnt_there(password: str | None) -> None:
    case, calls = closed_room(hide_rooms=True), []
    for room in (b"demo", b"nowhere"):
        with counted_calls("names.py", "skeleton.py", "shown.py") as counted:
            case.refuses(Operation.JOIN, knock(DEAR_NAME, password), BOB, room)
        calls.append(counted)
    assert calls[0] == calls[1]
    assert calls[0]["name_keys"] > 0
