"""What was said in one place, as lines with numbers that never change."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Final

MAX_LINES: Final = 10_000


class Kind(Enum):
    """What a line is."""

    MESSAGE = auto()
    """Somebody else said it."""
    OWN = auto()
    """One said it oneself."""
    NOTICE = auto()
    """What happened: somebody came, the relay answers a question."""
    PROBLEM = auto()
    """Something that a person should know now: refused, evicted, not sent."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history; all of it is harmless to show."""

    kind: Kind
    at: datetime
    """With its time zone, the person's own."""
    text: str
    sender: str | None = None
    """Who said it; None if nobody did or the relay doesn't say."""

    def starts_day(self, before: "Line | None") -> bool:
        """Tell whether a day begins between the line before and this one."""
        return before is None or before.at.date() != self.at.date()


class History:
    """The newest lines of one place; the oldest go when there are too many."""

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._lines: deque[Line] = deque(maxlen=max_lines)
        self.end = 0
        """The number that the next line will have; lines are counted from 0."""

    @property
    def start(self) -> int:
        """The number of the oldest line that is still there."""
        return self.end - len(self._lines)

    def add(self, line: Line) -> int:
        """Take a line; returns its number."""
        self._lines.append(line)
        self.end += 1
        return self.end - 1

    def __getitem__(self, number: int) -> Line:
        """Return a line by its number.

        Raises:
            IndexError: there is none, or no longer.

        """
        if not self.start <= number < self.end:
            raise IndexError(number)
        return self._lines[number - self.start]

    def since(self, number: int) -> Sequence[Line]:
        """Return the lines from this number on, as far as they are still there."""
        return list(islice(self._lines, max(0, number - self.start), None))
