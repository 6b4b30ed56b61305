"""Wait for what another process does: it is looked at again and again."""

import time
from collections.abc import Callable
from typing import Final

DEADLINE_SECONDS: Final = 20.0


def _nothing() -> str:
    return "it didn't come true in time"


def wait_until(
    holds: Callable[[], object], seconds: float = DEADLINE_SECONDS, *, said: Callable[[], str] = _nothing
) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it doesn't in so many seconds; ``said`` tells why, or what there is instead.

    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(said())
        time.sleep(0.01)
