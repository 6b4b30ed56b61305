"""Which rows the lines of a history take at one width; rows are numbered once and for all, as lines are."""

from bisect import bisect_right
from enum import Enum, auto
from typing import Final, NamedTuple

from chatbrain import DeliveryState
from messenger.core.history import History, Line
from messenger.terminal.wrapping import Span, wrap

SPARE: Final = 1000
"""So many lines more than the history has are kept, so that they go seldom and many at once."""
GUTTER: Final = 1
"""Columns for the bar beside what one said oneself."""
TIME: Final = 6
"""Columns for the time and a space."""
NARROW: Final = 40
"""Below this width the rows after the first begin further left."""


class Part(Enum):
    """What a row is."""

    DAY = auto()
    """The day that begins."""
    MARK = auto()
    """What is below is new."""
    FIRST = auto()
    """The first row of a line."""
    LATER = auto()


class Row(NamedTuple):
    """A row of the view."""

    part: Part
    line: Line
    number: int
    """The line's number."""
    span: Span = (0, 0)
    """Which part of the line's text stands there, see `text_of`."""


def text_of(line: Line) -> str:
    """Return all that is shown of a line, the time aside."""
    return line.said.replace("\t", " ")


class Layout:
    """The rows of one history."""

    def __init__(self, history: History, width: int) -> None:
        """Take the history, and how many columns there are."""
        self.width = width
        self._history = history
        self._first = self._next = history.start
        self._lines: list[Line] = []
        self._tops: list[int] = []
        self._mark: int | None = None
        self.end = 0
        """The number that the next row will have."""

    @property
    def start(self) -> int:
        """The number of the oldest row that is still there."""
        return self._tops[0] if self._tops else self.end

    @property
    def text_width(self) -> int:
        """How many columns there are for text."""
        return self.width - GUTTER - TIME

    @property
    def indent(self) -> int:
        """By how much the rows after the first are shorter; negative if they are longer."""
        return 2 - TIME if self.width < NARROW else 0

    def sync(self, mark: int | None) -> None:
        """Take in what the history has got meanwhile, and which of its lines is the first new one."""
        if self._next < self._history.start:  # more came at once than there is space for
            self._lines.clear()
            self._tops.clear()
            self._first = self._next = self._history.start
        if mark != self._mark:
            self._move_mark(mark)
        for line in self._history.since(self._next):
            self._append(line, marked=self._next == mark)
            self._next += 1
        gone = self._history.start - self._first
        if gone > SPARE:
            self._forget(gone)

    def row(self, number: int) -> Row:
        """Return a row by its number.

        Raises:
            IndexError: there is none, or no longer.

        """
        if not self.start <= number < self.end:
            raise IndexError(number)
        index = bisect_right(self._tops, number) - 1
        return self._rows(index)[number - self._tops[index]]

    def state_of(self, row: Row) -> DeliveryState | None:
        """Tell how one's own message fares now; its row may have been made before that was known."""
        kept = row.number >= self._history.start
        return self._history[row.number].state if kept else row.line.state

    def top_of(self, number: int) -> int:
        """Return the number of the first row of a line, or of the oldest line if it is gone."""
        index = min(max(0, number - self._first), len(self._tops) - 1)
        return self._tops[index] if self._tops else self.end

    def line_at(self, row: int) -> tuple[int, int]:
        """Return the number of the line that takes a row, and how far the row is from the line's first one."""
        index = max(0, bisect_right(self._tops, row) - 1)
        return self._first + index, row - self._tops[index] if self._tops else 0

    def _append(self, line: Line, *, marked: bool) -> None:
        before = self._lines[-1] if self._lines else None
        self._lines.append(line)
        self._tops.append(self.end)
        self.end += len(self._spans(line)) + line.starts_day(before) + marked

    def _move_mark(self, mark: int | None) -> None:
        old, self._mark = self._mark, mark
        for number, change in ((old, -1), (mark, 1)):
            if number is not None and self._first <= number < self._next:
                later = number - self._first + 1
                self._tops[later:] = [top + change for top in self._tops[later:]]
                self.end += change

    def _forget(self, count: int) -> None:
        del self._lines[:count], self._tops[:count]
        self._first += count

    def _rows(self, index: int) -> list[Row]:
        line, number = self._lines[index], self._first + index
        rows = []
        # The oldest line that is left may begin a day or not: it keeps the rows that it had.
        spans = self._spans(line)
        bottom = self._tops[index + 1] if index + 1 < len(self._tops) else self.end
        extra = bottom - self._tops[index] - len(spans) - (number == self._mark)
        if extra:
            rows.append(Row(Part.DAY, line, number))
        if number == self._mark:
            rows.append(Row(Part.MARK, line, number))
        rows.extend(Row(Part.LATER if later else Part.FIRST, line, number, span) for later, span in enumerate(spans))
        return rows

    def _spans(self, line: Line) -> list[Span]:
        return wrap(text_of(line), self.text_width, indent=self.indent)


def day(line: Line) -> str:
    """Write the day of a line."""
    return f"{line.at:%Y-%m-%d}"
