"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

DEADLINE_SECONDS: Final = 60.0
_T = TypeVar("_T")


def eventually(what: Callable[[], _T | None], story: Callable[[], str], seconds: float = DEADLINE_SECONDS) -> _T:
    """Ask until the answer is true, and return it; ``story`` is told if it never is."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"It didn't come true within {seconds:g} seconds. {story()}")
        time.sleep(0.1)
    return answer
