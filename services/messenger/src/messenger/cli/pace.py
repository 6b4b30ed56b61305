"""How fast a file may be said: below what a relay takes from one member."""

from typing import Final

MESSAGES_PER_SECOND: Final = 15.0
BURST: Final = 30
BYTES_PER_SECOND: Final = 48_000.0
"""All three are three quarters of a relay's defaults (LIM-01): what goes over them is lost."""


class Pace:
    """Tell when the next message may go out; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._free_at = now
        """When everything said so far is paid for."""
        self._saved_up = BURST / MESSAGES_PER_SECOND

    def wait_seconds(self, size_bytes: int, now: float) -> float:
        """Return how long to wait before a message of this size, and count it as said."""
        cost = max(1 / MESSAGES_PER_SECOND, size_bytes / BYTES_PER_SECOND)
        self._free_at = max(self._free_at, now) + cost
        return max(0.0, self._free_at - self._saved_up - now)
