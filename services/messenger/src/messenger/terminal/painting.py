"""How a row looks: pieces of text and their styles; none of the text is ever read as markup."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatbrain import DeliveryState
from messenger.core.history import Kind
from messenger.core.hyperlinks import Look
from messenger.core.markup import split_message
from messenger.core.matching import find
from messenger.presentation.i18n import _
from messenger.presentation.state import sign
from messenger.terminal.layout import GUTTER, TIME, Layout, Part, Row, day, text_of
from messenger.terminal.themes import name_colour

COMPONENTS: Final = {
    "transcript--text",
    "transcript--own",
    "transcript--own-bar",
    "transcript--time",
    "transcript--notice",
    "transcript--problem",
    "transcript--link",
    "transcript--rule",
    "transcript--mark",
    "transcript--mention",
    "transcript--mention-bar",
    "transcript--code",
    "transcript--quote",
    "transcript--found",
}
URL: Final = "url"
"""Under this name a link's address stands in the style of its text."""
NUMBER: Final = "number"
"""Under this one, a message's number stands in the style of its time and of who said it."""


class Piece(NamedTuple):
    """A piece of a row."""

    text: str
    style: Style


def prefix(row: Row, indent: int) -> str:
    """Return what stands before the text of a row: room for the bar, and the time."""
    if row.part is Part.FIRST:
        return " " * GUTTER + f"{row.line.at:%H:%M} "
    return " " * (GUTTER + TIME + indent) if row.part is Part.LATER else ""


def body(row: Row) -> str:
    """Return the text of a row."""
    if row.part is Part.DAY:
        return day(row.line)
    if row.part is Part.MARK:
        return _("new")
    return text_of(row.line)[row.span[0] : row.span[1]]


class Painter:
    """Draws rows in the styles of a theme."""

    def __init__(self, style_of: Callable[[str], Style], *, dark: bool) -> None:
        """``style_of`` gives the style of each of `COMPONENTS`."""
        self._dark = dark
        self._styles = {name: style_of(name) for name in COMPONENTS}

    def paint(self, layout: Layout, row: Row, words: str = "") -> Strip:
        """Draw a row as wide as the layout is, and in it mark what was searched for."""
        if row.part in {Part.DAY, Part.MARK}:
            return _strip(self._rule(row, layout.width))
        kind = "own" if row.line.kind is Kind.OWN else "mention" if row.line.mentions else ""
        ground = self._styles[f"transcript--{kind or 'text'}"]
        before = prefix(row, layout.indent)
        pieces = [self._gutter(kind, layout.state_of(row) if row.part is Part.FIRST else None)]
        pieces.append(Piece(before[GUTTER:], ground + self._faint("transcript--time") + _chosen(row)))
        pieces.extend(Piece(text, ground + style) for text, style in _cut(self._pieces(row), *row.span))
        room = layout.width - sum(cell_len(piece.text) for piece in pieces)
        pieces.append(Piece(" " * max(0, room), ground))
        strip, (first, last) = _strip(pieces), row.span
        for start, end in find(words, text_of(row.line)):
            low, high = max(start, first) - first + len(before), min(end, last) - first + len(before)
            strip = select(strip, low, max(low, high), self._styles["transcript--found"])
        return strip

    def _gutter(self, kind: str, state: DeliveryState | None) -> Piece:
        if not kind:
            return Piece(" " * GUTTER, self._styles["transcript--text"])
        bar = self._styles[f"transcript--{kind}-bar"]
        lost = state is DeliveryState.NOT_DELIVERED
        return Piece(sign(state) or "▎", bar + self._faint("transcript--problem") if lost else bar)

    def _faint(self, name: str) -> Style:
        """Return a style without its background, to be laid on another one."""
        style = self._styles[name]
        return Style(color=style.color, bold=style.bold, italic=style.italic, underline=style.underline)

    def _pieces(self, row: Row) -> Iterator[Piece]:
        line = row.line
        if line.kind in {Kind.NOTICE, Kind.PROBLEM}:
            yield Piece(
                text_of(line),
                self._faint("transcript--problem" if line.kind is Kind.PROBLEM else "transcript--notice"),
            )
            return
        if line.sender is not None:
            yield Piece(line.sender, Style(color=name_colour(line.sender, dark=self._dark), bold=True) + _chosen(row))
            yield Piece(": ", Style.null())
        for text, url, look in split_message(line):
            yield Piece(text.replace("\t", " "), self._style_of_part(url, look))

    def _style_of_part(self, url: str | None, look: Look) -> Style:
        if url:
            return self._faint("transcript--link") + Style(meta={URL: url})
        if Look.MENTION in look:
            return self._faint("transcript--mention-bar") + Style(bold=True)
        if look & (Look.CODE | Look.BLOCK):
            return self._styles["transcript--code"]
        if Look.SIGN in look:
            return self._faint("transcript--time")
        return self._faint("transcript--quote") if Look.QUOTE in look else Style.null()

    def _rule(self, row: Row, width: int) -> list[Piece]:
        style = self._styles["transcript--mark" if row.part is Part.MARK else "transcript--rule"]
        words = f" {body(row)} "
        left = max(0, (width - cell_len(words)) // 2)
        return [Piece(set_cell_size("─" * left + words + "─" * width, width), style)]


def _chosen(row: Row) -> Style:
    """Let a message be chosen by a click."""
    return Style.null() if row.line.kind in {Kind.NOTICE, Kind.PROBLEM} else Style(meta={NUMBER: row.number})


def _cut(pieces: Iterator[Piece], start: int, end: int) -> Iterator[Piece]:
    """Yield what of the pieces stands from one character (of all together) to another."""
    at = 0
    for text, style in pieces:
        cut = text[max(0, start - at) : max(0, end - at)]
        if cut:
            yield Piece(cut, style)
        at += len(text)


def _strip(pieces: list[Piece]) -> Strip:
    return Strip([Segment(text, style) for text, style in pieces if text])


def select(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """Draw a part of a strip, from one character to another, as selected; an end of -1 is the last one."""
    segments, at = [], 0
    for segment in strip:
        size = len(segment.text)
        low, high = max(0, start - at), size if end < 0 else max(0, min(size, end - at))
        for text, selected in (
            (segment.text[:low], False),
            (segment.text[low:high], True),
            (segment.text[max(low, high) :], False),
        ):
            if text:
                segments.append(Segment(text, (segment.style or Style.null()) + style if selected else segment.style))
        at += size
    return Strip(segments, strip.cell_length)
