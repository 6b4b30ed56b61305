"""Where the rows of a text end: at line breaks and spaces, and between the letters of scripts that have none."""

from collections.abc import Sequence
from typing import Final

from rich.cells import CellSpan, cell_len, split_graphemes

from chatproto.text import NEWLINE_SIGN

MAX_BREAKS: Final = 60
"""At so many of its line breaks a message breaks, so that nobody fills the screen with nothing."""
_NEVER_FIRST: Final = frozenset(
    "、。，．・：；？！」』）】〕〉》｝］ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〜…‥"  # noqa: RUF001 - Japanese
)
_NEVER_LAST: Final = frozenset("「『（【〔〈《｛［")  # noqa: RUF001 - Japanese

Span = tuple[int, int]
"""From which character of the text to which (exclusive) a row goes."""


def wrap(text: str, width: int, *, indent: int = 0) -> list[Span]:
    """Cut a text into rows of at most ``width`` columns; those after the first are shorter by ``indent``.

    A space at which a row ends belongs to none; the sign of a line break ends its row.
    """
    width = max(width, 2)
    later = max(width - indent, 2)
    *pieces, last = text.split(NEWLINE_SIGN, MAX_BREAKS)
    rows: list[Span] = []
    for piece in (*(piece + NEWLINE_SIGN for piece in pieces), last):
        start = rows[-1][1] if rows else 0
        rows.extend((start + first, start + end) for first, end in _wrap(piece, width, later))
        width = later
    return rows


def _wrap(text: str, width: int, later: int) -> list[Span]:
    if text.isascii():
        return _wrap_narrow(text, width, later)
    if cell_len(text) <= width:
        return [(0, len(text))]
    return _wrap_wide(text, width, later)


def _wrap_narrow(text: str, width: int, later: int) -> list[Span]:
    rows: list[Span] = []
    start = 0
    while len(text) - start > width:
        end = text.rfind(" ", start + 1, start + width + 1)
        if end < 0:
            end = after = start + width
        else:
            after = end + 1
        rows.append((start, end))
        start, width = after, later
    rows.append((start, len(text)))
    return rows


def _wrap_wide(text: str, width: int, later: int) -> list[Span]:
    rows: list[Span] = []
    # Behind joiners that a text begins with, a letter is given no width, though it is shown.
    graphemes = [(first, last, cells or cell_len(text[first:last])) for first, last, cells in split_graphemes(text)[0]]
    at = 0
    while at < len(graphemes):
        end = _row_end(text, graphemes[at:], width)
        start = graphemes[at][0]
        at += end
        last, after, _ = graphemes[at - 1]
        parted = at < len(graphemes) and text[last:after] == " "
        rows.append((start, last if parted else after))
        width = later
    return rows


def _row_end(text: str, graphemes: Sequence[CellSpan], width: int) -> int:
    """Return how many graphemes a row takes: up to the last point where it may end, or as many as fit."""
    columns = 0
    for number, (first, last, cells) in enumerate(graphemes):
        columns += cells
        if columns > width and text[first:last] != " " and number:
            break
    else:
        return len(graphemes)
    for end in range(number, 0, -1):
        if _may_part(text, graphemes[end - 1], graphemes[end]) and text[graphemes[0][0] : graphemes[end][0]] != " ":
            return end
    return number


def _may_part(text: str, before: CellSpan, after: CellSpan) -> bool:
    """Tell whether a row may end between two graphemes: after a space, or beside a wide one that allows it."""
    if text[before[0] : before[1]] == " ":
        return True
    wide = before[2] > 1 or after[2] > 1
    return wide and text[before[0]] not in _NEVER_LAST and text[after[0]] not in _NEVER_FIRST
