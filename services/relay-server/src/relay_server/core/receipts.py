"""Which numbered messages of a member were said, so that none is relayed twice (RCP-02)."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum, unique
from typing import TypeAlias

from chatproto.receipts import WINDOW
from relay_server.core.endpoint import Address

Receipt: TypeAlias = tuple[Address, bytes]
"""Where an answer goes, and its bytes."""


@unique
class Answer(StrEnum):
    """What a numbered message is answered; the word is the metrics' label."""

    SAID = "said"
    REPEATED = "repeated"
    """It was said before: the answer is the same."""
    NOT_SAID = "not_said"


class SaidNumbers:
    """The greatest numbers that were said, as many as a window holds, in 4 bytes each."""

    __slots__ = ("_numbers", "greatest", "window")

    def __init__(self, window: int = WINDOW) -> None:
        self.window = window
        """How many are remembered; it may grow."""
        self.greatest = 0
        """What is greater was never said, as nearly all are."""
        self._numbers = array("I")

    def __contains__(self, number: int) -> bool:
        """Tell whether this number was said."""
        return number <= self.greatest and self._numbers[bisect_left(self._numbers, number)] == number

    def __iter__(self) -> Iterator[int]:
        """Go through all, the least first."""
        return iter(self._numbers)

    def all(self) -> Sequence[int]:
        """Return all, the least first."""
        return self._numbers

    def recall(self, numbers: Iterable[int]) -> None:
        """Remember numbers that were said before any here, the least first."""
        self._numbers = array("I", numbers)
        self.greatest = self._numbers[-1] if self._numbers else 0

    def is_stale(self, number: int) -> bool:
        """Tell whether a number is so low that nobody knows any more whether it was said."""
        return len(self._numbers) >= self.window and number < self._numbers[0]

    def add(self, number: int) -> None:
        """Remember that a number was said, in place of the lowest if there are enough."""
        numbers = self._numbers
        if number > self.greatest:
            self.greatest = number
            numbers.append(number)
        else:
            insort(numbers, number)
        if len(numbers) > self.window:
            del numbers[0]
