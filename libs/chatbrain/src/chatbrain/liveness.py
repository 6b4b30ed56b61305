"""When to tell the relay that one is there, and when to doubt that one still hears it."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatproto.constants import KEEP_ALIVE_SECONDS

DEAF_SECONDS: Final = 45.0
"""Silence after which the path is in doubt: two keep-alives and a bit, NAT mappings live 30 s or more."""

MAX_DEAF_SECONDS: Final = 720.0
"""The doubt comes back this often at least, however quiet the room."""


class Liveness:
    """The times of one membership's keep-alives and doubts; ``random`` returns floats from 0 to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self.silent = False
        """Whether one says nothing on purpose; neither keep-alives nor doubts are due then."""
        self.interval_seconds = KEEP_ALIVE_SECONDS
        self._random = random
        self._deaf_seconds = DEAF_SECONDS
        self._keep_alive_at = self._doubt_at = inf

    def next_deadline(self) -> float:
        """Return when something is due; infinity if nothing will be."""
        return min(self._keep_alive_at, self._doubt_at)

    def keep_alive_is_due(self, now: float) -> bool:
        """Tell whether the relay is to be told that one is there."""
        return now >= self._keep_alive_at

    def doubt_is_due(self, now: float) -> bool:
        """Tell whether nothing was heard for too long."""
        return now >= self._doubt_at

    def begin(self) -> None:
        """Begin anew with a new membership: not silent, and as doubtful as at first."""
        self.silent = False
        self._deaf_seconds = DEAF_SECONDS

    def speak(self, now: float) -> None:
        """Take note that a keep-alive went out; it ends a silence."""
        if self.silent:
            self.silent = False
            self.listen(now)
        self._keep_alive_at = now + self.interval_seconds * (0.9 + 0.2 * self._random())

    def hear(self) -> None:
        """Take note that something was heard: the next long silence is doubted as soon as the first."""
        self._deaf_seconds = DEAF_SECONDS

    def listen(self, now: float) -> None:
        """Doubt once nothing was heard for as long as is usual here from now on."""
        self.doubt_in(self._deaf_seconds, now)

    def doubt_in(self, seconds: float, now: float) -> None:
        """Doubt after so many seconds, unless one says nothing on purpose."""
        if not self.silent:
            self._doubt_at = now + seconds

    def calm_down(self) -> float:
        """Take the place for a quiet one: doubt half as often; returns after how many seconds of silence."""
        self._deaf_seconds = min(2 * self._deaf_seconds, MAX_DEAF_SECONDS)
        return self._deaf_seconds

    def trust(self) -> None:
        """Doubt nothing for now."""
        self._doubt_at = inf

    def fall_silent(self) -> None:
        """Stop keep-alives and doubts until the next word."""
        self.silent = True
        self.stop()

    def stop(self) -> None:
        """Let nothing be due: there is no membership."""
        self._keep_alive_at = self._doubt_at = inf
