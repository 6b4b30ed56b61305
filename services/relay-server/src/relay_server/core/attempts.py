"""What became of requests that may be sent again, because their answer may have been lost (RES-01, RES-02)."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

REMEMBERED_SECONDS: Final = 30.0
"""A client that wasn't answered asks again within seconds."""
MAX_REMEMBERED: Final = 8192
"""Some hundred requests a second are remembered for their whole time; of more the oldest are forgotten."""

Result = TypeVar("Result")


class Attempts(Generic[Result]):
    """Results by what names their request, the oldest first."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, tuple[float, Result]] = OrderedDict()

    def count(self, now: float) -> int:
        """Return how many are remembered."""
        self._expire(now)
        return len(self._results)

    def get(self, key: Hashable, now: float) -> Result | None:
        """Return what became of a request, if it is known still."""
        self._expire(now)
        _, result = self._results.get(key, (now, None))
        return result

    def remember(self, key: Hashable, result: Result, now: float) -> None:
        """Remember a result from now on, in place of what was known before."""
        self.forget(key)
        self._results[key] = now + REMEMBERED_SECONDS, result
        if len(self._results) > MAX_REMEMBERED:
            self._results.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Let a request be as good as new."""
        self._results.pop(key, None)

    def _expire(self, now: float) -> None:
        while self._results and now >= next(iter(self._results.values()))[0]:
            self._results.popitem(last=False)
