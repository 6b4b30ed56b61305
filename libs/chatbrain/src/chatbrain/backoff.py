"""When to try again, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RejoinPolicy:
    """How a lost membership is won back: exponential back-off with jitter, within bounds."""

    enabled: bool = True
    max_attempts: int | None = None
    max_elapsed_seconds: float = 900.0
    """Longer than the relay's default silence time-out, which may have to free one's own name first."""
    first_delay_seconds: float = 0.5
    max_delay_seconds: float = 30.0


class Backoff:
    """Count the attempts to win one membership back."""

    def __init__(self, policy: RejoinPolicy, random: Callable[[], float]) -> None:
        self.policy = policy
        self.attempt = 0
        self._random = random
        self._started_at = 0.0

    def next_delay(self, now: float) -> float | None:
        """Return the seconds until the next attempt, or None when it is time to give up."""
        policy = self.policy
        if not self.attempt:
            self._started_at = now
        spent = now - self._started_at >= policy.max_elapsed_seconds
        if not policy.enabled or spent or self.attempt == policy.max_attempts:
            return None
        self.attempt += 1
        # The exponent stays small, however many attempts there were.
        delay = min(policy.first_delay_seconds * 2.0 ** min(self.attempt - 1, 63), policy.max_delay_seconds)
        return delay * (0.5 + self._random() / 2)

    def reset(self) -> None:
        """Forget the attempts: the membership proved sound."""
        self.attempt = 0
