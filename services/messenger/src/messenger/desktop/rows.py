"""What a line of the history looks like: rows of text that are set one below the other; no toolkit in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, auto
from typing import Final

from chatproto.text import NEWLINE_SIGN
from messenger.core.history import Kind, Line
from messenger.core.hyperlinks import Look, Part
from messenger.core.markup import LINE_SEPARATOR, split_message

MAX_BREAKS: Final = 60
"""A message breaks at so many of its newlines; the others stay signs, so that nobody fills the window with nothing."""


class Shape(IntEnum):
    """What a row is."""

    DAY = auto()
    MARK = auto()
    """From here on, everything is new."""
    HEADER = auto()
    """Who says what follows, and when."""
    OWN_HEADER = auto()
    OTHER = auto()
    OWN = auto()
    NOTICE = auto()
    PROBLEM = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of text."""

    shape: Shape
    parts: tuple[Part, ...]
    sender: str | None = None
    """Whose name a header has; it is the first part."""
    mentions: bool = False
    """Whether a message has one's own name."""

    @property
    def text(self) -> str:
        """All parts together."""
        return "".join(part.text for part in self.parts)


class Rows:
    """Makes rows; what stands beside what is said comes in the chosen language."""

    def __init__(self, *, day: Callable[[datetime], str], new: str) -> None:
        """Take how a day is written, and what stands before the first new message."""
        self._day = day
        self._new = new

    def of(self, line: Line, before: Line | None, *, marked: bool) -> list[Row]:
        """Set a line below the one before, None if there is none; ``marked`` if everything is new from here on."""
        rows = []
        day_begins = line.starts_day(before)
        if day_begins:
            rows.append(Row(Shape.DAY, (Part(self._day(line.at)),)))
        if marked:
            rows.append(Row(Shape.MARK, (Part(self._new),)))
        if line.kind in _SHAPES:
            return [*rows, Row(_SHAPES[line.kind], tuple(split_message(line)))]
        own = line.kind is Kind.OWN
        if day_begins or marked or not _goes_on(line, before):
            time = f"{line.at:%H:%M}"
            head = (Part(line.sender), Part(f"  {time}")) if line.sender else (Part(time),)
            rows.append(Row(Shape.OWN_HEADER if own else Shape.HEADER, head, line.sender))
        said = line.text.replace(NEWLINE_SIGN, LINE_SEPARATOR, MAX_BREAKS)
        parts = tuple(part for part in split_message(line, said) if Look.SIGN not in part.look)
        return [*rows, Row(Shape.OWN if own else Shape.OTHER, parts, mentions=bool(line.mentions))]


_SHAPES: Final = {Kind.NOTICE: Shape.NOTICE, Kind.PROBLEM: Shape.PROBLEM}


def _goes_on(line: Line, before: Line | None) -> bool:
    """Tell whether the header of the line before holds for this one too."""
    return (
        before is not None
        and (before.kind, before.sender) == (line.kind, line.sender)
        and (before.at.hour, before.at.minute) == (line.at.hour, line.at.minute)
    )
