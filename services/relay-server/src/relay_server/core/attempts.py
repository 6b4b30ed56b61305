"""What became of requests that may be sent again, because their answer may have been lost (RES-01, RES-02)."""

from collections import OrderedDict
from collections.abc import Hashable
from enum import StrEnum, unique
from typing import Final, Generic, TypeVar

REMEMBERED_SECONDS: Final = 30.0
"""A client that wasn't answered asks again within seconds."""
MAX_REMEMBERED: Final = 8192
"""Some hundred requests a second are remembered for their whole time; of more the oldest are forgotten."""

Result = TypeVar("Result")


@unique
class Resumption(StrEnum):
    """What became of who wanted a seat again; the word is the metrics' label."""

    RESUMED = "resumed"
    MOVED = "moved"
    """From another IP address."""
    REPEATED = "repeated"
    """The same attempt once more, be it of a resume or of a join: the same answer."""
    NO_SEAT = "no_seat"
    """The ticket is good for nothing."""
    CONTESTED = "contested"
    """Somebody still is at the seat's old address."""
    REFUSED = "refused"
    """A ban or a cap keeps the new address out."""


class Attempts(Generic[Result]):
    """Results by what names their request, the oldest first."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, tuple[float, Result]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._results)

    def get(self, key: Hashable, now: float) -> Result | None:
        """Return what became of a request, if it is known still."""
        while self._results and now >= next(iter(self._results.values()))[0]:
            self._results.popitem(last=False)
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
