"""What was said in a room or the lobby, as lines with numbers that never change."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Final

from chatbrain import DeliveryState

MAX_LINES: Final = 10_000
MAX_CHARACTERS: Final = 2_000_000
"""200 for each of so many lines: a history of the longest messages would take 160 MB, and half a minute to wrap."""


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
    mentions: str = ""
    """One's own name, if somebody else's message has it."""
    state: DeliveryState | None = None
    """How one's own message fares; None where nobody can know, as in the lobby."""

    def starts_day(self, before: "Line | None") -> bool:
        """Tell whether a day begins between the line before and this one."""
        return before is None or before.at.date() != self.at.date()

    @property
    def said(self) -> str:
        """The text, and before it who said it, if somebody did."""
        return f"{self.sender}: {self.text}" if self.sender is not None else self.text

    @property
    def characters(self) -> int:
        """How many characters somebody has put into it."""
        return len(self.text) + len(self.sender or "")


class History:
    """The newest lines of one chat; the oldest go when there are too many, or too long ones."""

    def __init__(self, max_lines: int = MAX_LINES, max_characters: int = MAX_CHARACTERS) -> None:
        self._lines: deque[Line] = deque()
        self._max_lines, self._max_characters = max_lines, max_characters
        self._characters = 0
        self.end = 0
        """The number that the next line will have; lines are counted from 0."""
        self.changes = 0
        """How often a line that was there already has changed."""

    @property
    def start(self) -> int:
        """The number of the oldest line that is still there."""
        return self.end - len(self._lines)

    def add(self, line: Line) -> int:
        """Take a line; returns its number."""
        self._lines.append(line)
        self._characters += line.characters
        self.end += 1
        while len(self._lines) > self._max_lines or (self._characters > self._max_characters and len(self._lines) > 1):
            self._characters -= self._lines.popleft().characters
        return self.end - 1

    def set_state(self, number: int, state: DeliveryState) -> None:
        """Take note of how one's own message fares, whose line is still there."""
        self._lines[number - self.start] = replace(self[number], state=state)
        self.changes += 1

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
