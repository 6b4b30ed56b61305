"""When to try again, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final


@dataclass(frozen=True, slots=True)
class RejoinPolicy:
    """How a lost membership is won back: exponential back-off with jitter, within bounds."""

    enabled: bool = True
    max_attempts: int | None = None
    max_elapsed_seconds: float = 900.0
    """How long to ask a relay that says no; longer than its default silence time-out, which may have to free one's own
    name first. For a relay that isn't there one waits for ever."""
    first_delay_seconds: float = 0.5
    max_delay_seconds: float = 30.0


AWAY_SHARE: Final = 0.25
"""With other servers a pause is at most this part of the time that one is away."""


class Backoff:
    """Count the attempts to win one membership back."""

    def __init__(self, policy: RejoinPolicy, random: Callable[[], float]) -> None:
        self.policy = policy
        self.attempt = 0
        self.retry_at = inf
        """When the next attempt is due; infinity if none is."""
        self.has_others = False
        """Whether there are other servers, one of which may let one in at any moment: then pauses grow slowly."""
        self._random = random
        self._away_from = self._refused_from = 0.0
        self._sound_at = inf

    def succeed(self, now: float) -> None:
        """Take note of a membership; once it lasts as long as the longest delay, attempts count from 1 again."""
        self._sound_at = now + self.policy.max_delay_seconds

    def fail(self, now: float, *, refused: bool = True) -> float | None:
        """Plan the next attempt; returns the seconds until then, or None when it is time to give up.

        Only attempts that were ``refused`` come to an end by time.
        """
        if now >= self._sound_at:
            self.attempt = 0
        self._sound_at = inf
        if not self.attempt:
            self._away_from = now
        if not self.attempt or not refused:
            self._refused_from = now
        delay = self._next_delay(now)
        if delay is not None:
            self.retry_at = now + delay
        return delay

    def plan(self, at: float) -> None:
        """Let the next attempt be due at a time; it isn't counted."""
        self.retry_at = at

    def take_due(self, now: float) -> bool:
        """Tell, once, whether the next attempt is due."""
        due = now >= self.retry_at
        if due:
            self.cancel()
        return due

    def hurry(self, now: float) -> None:
        """Let the next attempt be due at once, if one is planned."""
        self.retry_at = min(self.retry_at, now) if self.retry_at < inf else inf

    def cancel(self) -> None:
        """Plan no attempt."""
        self.retry_at = inf

    def _next_delay(self, now: float) -> float | None:
        policy = self.policy
        spent = now - self._refused_from >= policy.max_elapsed_seconds
        if not policy.enabled or spent or self.attempt == policy.max_attempts:
            return None
        self.attempt += 1
        # The exponent stays small, however many attempts there were.
        delay = min(policy.first_delay_seconds * 2.0 ** min(self.attempt - 1, 63), policy.max_delay_seconds)
        if self.has_others:
            delay = min(delay, max(policy.first_delay_seconds, (now - self._away_from) * AWAY_SHARE))
        return delay * (0.5 + self._random() / 2)
