"""Who can't be reached: count failed sends, and believe only errors that quote what was sent (EVI-03)."""

from collections import deque
from typing import Final

FAILURES_TO_EVICT: Final = 3
FAILING_SECONDS: Final = 10.0
"""Errors must come for this long: a moment's outage, or a burst of forged ones, evicts nobody."""
FORGET_SECONDS: Final = 60.0
"""Failures further apart than this have nothing to do with one another."""

SAMPLE_SECONDS: Final = 0.05
"""Of a lively conversation one message in this time is remembered; a few are enough to find out who is gone."""
_REMEMBERED_DATAGRAMS = 32
_REMEMBERED_BYTES = 64


class SentLog:
    """The beginnings of datagrams lately sent to a group, to check an ICMP error's quotation against."""

    __slots__ = ("_recent", "due_at", "sequence")

    def __init__(self) -> None:
        self.sequence = 0
        """The number of the newest datagram."""
        self.due_at = 0.0
        """When the next message is to be remembered, see `sample`."""
        self._recent: deque[bytes] | None = None

    def sample(self, payload: bytes, now: float) -> None:
        """Note one of many messages, and let the next ones pass for a while; callers look at ``due_at`` first."""
        self.due_at = now + SAMPLE_SECONDS
        self.remember(payload)

    def remember(self, payload: bytes) -> None:
        """Note a datagram that is about to be sent."""
        self.sequence += 1
        if self._recent is None:  # most rooms of a large relay are quiet; they cost nothing here
            self._recent = deque(maxlen=_REMEMBERED_DATAGRAMS)
        self._recent.append(payload[:_REMEMBERED_BYTES])

    def find(self, quoted: bytes) -> int | None:
        """Return the sequence number of the newest datagram that begins as quoted, or None.

        A quotation shorter than what is remembered proves nothing: a guess may be as good.
        """
        beginning = quoted[:_REMEMBERED_BYTES]
        for age, sent in enumerate(reversed(self._recent or ())):
            if sent == beginning:
                return self.sequence - age
        return None


class Failures:
    """Counts one peer's failed sends since something was last heard from it."""

    __slots__ = ("_count", "_first_at", "_last_at", "_last_sequence")

    def __init__(self) -> None:
        self._count = 0
        self._first_at = 0.0
        self._last_at = 0.0
        self._last_sequence = 0

    def note(self, sequence: int, now: float) -> bool:
        """Count a failed datagram once; True if the peer is to be taken as unreachable."""
        if self._count and now - self._last_at > FORGET_SECONDS:
            self._count = 0
        if not self._count:
            self._first_at = now
        elif sequence <= self._last_sequence:
            return False
        self._count += 1
        self._last_at = now
        self._last_sequence = sequence
        return self._count >= FAILURES_TO_EVICT and now - self._first_at >= FAILING_SECONDS
