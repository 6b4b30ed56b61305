"""What connections did, and what became of them; and what they did just before a relay crashed."""

import json
import time
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Final

from faults.schedules import Plan, Step

_TOLD: Final = 12
_KEPT: Final = 2000
"""A relay takes a moment from its crash to its end, and many a step is taken meanwhile."""


class Tally:
    """What was done."""

    def __init__(self) -> None:
        self.steps: Counter[Step] = Counter()
        self.after_end: Counter[Step] = Counter()
        """How many of them came after the relay had ended its side."""
        self.ends: Counter[str] = Counter()
        self._last: deque[tuple[datetime, Plan, Step, bool]] = deque(maxlen=_KEPT)
        self._start = time.monotonic()

    def count(self, step: Step, *, after_end: bool) -> None:
        """Count a step."""
        self.steps[step] += 1
        self.after_end[step] += after_end

    def note(self, plan: Plan, step: Step, *, after_end: bool) -> None:
        """Count a step that the relay sees, and remember it for a while."""
        self.count(step, after_end=after_end)
        self._last.append((datetime.now(UTC), plan, step, after_end))

    def told(self, until: datetime) -> str:
        """Return the last steps before this moment, a line each."""
        return "\n".join(
            f"{at:%H:%M:%S.%f} {step.name}{' after the end' * after_end}, of {plan.source} by {plan.version.name}: "
            + " ".join(step.name for step in plan.steps)
            for at, plan, step, after_end in [deed for deed in self._last if deed[0] <= until][-_TOLD:]
        )

    def __str__(self) -> str:
        lines = [f"\n{'step':40}{'done':>8}{'after the relay ended':>24}"]
        lines += [f"{step:40}{self.steps[step]:8}{self.after_end[step]:24}" for step in Step if self.steps[step]]
        ends = ", ".join(f"{end} {count}" for end, count in self.ends.most_common())
        seconds = time.monotonic() - self._start
        return "\n".join([*lines, f"{self.ends.total()} connections in {seconds:.0f} s: {ends}"])


def crashed_at(log: str) -> datetime:
    """Return when a relay says that it crashed, or now if it says nothing of it."""
    for line in log.splitlines():
        if '"event": "crashed"' in line:
            return datetime.fromisoformat(json.loads(line)["timestamp"])
    return datetime.now(UTC)
