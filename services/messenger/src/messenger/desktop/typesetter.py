"""Rows of text as blocks of a document; whatever others wrote goes in as plain text with formats, never as markup."""

from collections.abc import Iterable, Iterator
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from messenger.core.hyperlinks import Look, Part
from messenger.core.markup import LINE_SEPARATOR
from messenger.core.matching import Span, find
from messenger.desktop.measures import GAP, PADDING_Y, Measures
from messenger.desktop.rows import Row, Shape
from messenger.desktop.theme import Theme

NUMBER: Final = QTextFormat.Property.UserProperty.value + 1
"""The number of the line in the history."""
SHAPE: Final = NUMBER + 1
TEXT_WIDTH: Final = NUMBER + 2
"""How wide the text would be in one line."""
SENDER: Final = NUMBER + 3
MENTIONS: Final = NUMBER + 4
"""Whether the message has one's own name."""
CODE: Final = NUMBER + 5
"""Of letters: whether they are lines of code."""
QUOTE: Final = NUMBER + 6
"""Of letters: whether somebody else said them before."""

_LONG: Final = 400
"""Text of so many characters is wider than any view: measuring it would only take time."""
_WIDE: Final = 100_000.0
_APART: Final = 3.0
"""Between the lines of a message with a quotation or lines of code."""
_SAID: Final = {Shape.OTHER, Shape.OWN}
_MIDDLE: Final = {Shape.DAY, Shape.MARK, Shape.NOTICE, Shape.PROBLEM}


def shape_of(block: QTextBlock) -> Shape:
    """Tell what a block is."""
    return Shape(block.blockFormat().intProperty(SHAPE) or Shape.NOTICE)


def number_of(block: QTextBlock) -> int:
    """Tell which line of the history a block belongs to."""
    return block.blockFormat().intProperty(NUMBER)


class Typesetter:
    """Sets rows into one document and takes them out again."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        self._document = document
        self._theme = theme
        self.measures = Measures(600)
        self.empty = True
        self.found = QTextCharFormat()
        """How letters look that were searched for."""
        self._formats: dict[str, QTextCharFormat] = {}
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and the document's font for what is set from now on."""
        colours = self._theme.colours
        font = self._document.defaultFont()
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * 0.86)
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        code = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        code.setPointSizeF(font.pointSizeF() * 0.94)
        self._said_metrics, self._code_metrics = QFontMetricsF(font), QFontMetricsF(code)
        self._formats = {
            "text": _format(font, colours.text),
            "link": _format(font, colours.link),
            "muted": _format(small, colours.muted),
            "danger": _format(small, colours.danger),
            "accent": _format(small, colours.accent),
            "name": _format(bold, colours.text),
            "mention": _format(bold, colours.warning),
            "code": _format(code, colours.text),
            "block": _format(code, colours.text),
            "quote": _format(font, colours.muted),
        }
        self._formats["code"].setBackground(QColor(colours.code))
        self._formats["block"].setProperty(CODE, True)
        self._formats["link"].setFontUnderline(True)
        self.found.setBackground(QColor(colours.accent))
        self.found.setForeground(QColor(colours.on_accent))

    def append(self, numbered: Iterable[tuple[int, Row]]) -> None:
        """Set rows at the end."""
        cursor = QTextCursor(self._document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for number, row in numbered:
            self._set(cursor, number, row, new_block=not self.empty)
            self.empty = False

    def prepend(self, numbered: Iterable[tuple[int, Row]]) -> None:
        """Set rows before all others."""
        cursor = QTextCursor(self._document)
        follows = cursor.blockFormat()
        first = True
        for number, row in numbered:
            self._set(cursor, number, row, new_block=not first)
            first = False
        if not first:
            cursor.insertBlock(follows)

    def clear(self) -> None:
        """Take out everything."""
        self._document.clear()
        self.empty = True

    def cut_before(self, number: int) -> None:
        """Take out the rows of lines before this one, which is there."""
        for block in blocks(self._document.begin()):
            if number_of(block) >= number:
                self._cut(0, block)
                return

    def cut_from(self, number: int) -> None:
        """Take out the rows of this line, which isn't the first, and of those after it."""
        block = self._document.lastBlock()
        while block.previous().isValid() and number_of(block.previous()) >= number:
            block = block.previous()
        if not block.previous().isValid() or number_of(block) < number:
            return
        cursor = QTextCursor(block.previous())
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    def cut_mark(self) -> None:
        """Take out the row that says that everything is new from there on."""
        for block in blocks(self._document.begin()):
            if shape_of(block) is Shape.MARK and block.next().isValid():
                self._cut(block.position(), block.next())
                return

    def places_of(self, number: int, words: str) -> list[Span]:
        """Return where words stand in a line, by the document's positions."""
        lines = [block for block in blocks(self._document.begin()) if number_of(block) == number]
        return [
            (block.position() + start, block.position() + end)
            for block in lines
            for start, end in find(words, block.text())
        ]

    def fit(self) -> None:
        """Give every row the margins that the measures ask for now."""
        cursor = QTextCursor(self._document)
        for block in blocks(self._document.begin()):
            given = block.blockFormat()
            self._set_margins(given, shape_of(block), given.doubleProperty(TEXT_WIDTH))
            cursor.setPosition(block.position())
            cursor.setBlockFormat(given)

    def _cut(self, start: int, before: QTextBlock) -> None:
        kept = before.blockFormat()
        cursor = QTextCursor(self._document)
        cursor.setPosition(start)
        cursor.setPosition(before.position(), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        cursor.setBlockFormat(kept)

    def _set(self, cursor: QTextCursor, number: int, row: Row, *, new_block: bool) -> None:
        given = self._block_format(number, row)
        if new_block:
            cursor.insertBlock(given)
        else:
            cursor.setBlockFormat(given)
        for index, part in enumerate(row.parts):
            cursor.insertText(part.text, self._char_format(row, index, part))

    def _block_format(self, number: int, row: Row) -> QTextBlockFormat:
        given = QTextBlockFormat()
        given.setProperty(NUMBER, number)
        given.setProperty(SHAPE, int(row.shape))
        if row.sender:
            given.setProperty(SENDER, row.sender)
        given.setProperty(MENTIONS, row.mentions)
        width = self._text_width(row) if row.shape in _SAID else 0.0
        given.setProperty(TEXT_WIDTH, width)
        # Whichever direction the text has, its bubble stays on its side.
        given.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        top, bottom = _SPACES[row.shape]
        given.setTopMargin(top)
        given.setBottomMargin(bottom)
        self._set_margins(given, row.shape, width)
        if any(part.look & (Look.BLOCK | Look.QUOTE) for part in row.parts):  # what is set apart wants room
            given.setLineHeight(_APART, QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value)
        return given

    def _set_margins(self, given: QTextBlockFormat, shape: Shape, width: float) -> None:
        measures = self.measures
        if shape in _MIDDLE:
            given.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            given.setLeftMargin(measures.edge + 24)
            given.setRightMargin(measures.edge + 24)
        elif shape is Shape.OWN_HEADER:
            given.setAlignment(Qt.AlignmentFlag.AlignRight)
            given.setLeftMargin(measures.left)
            given.setRightMargin(measures.right - 4)
        elif shape is Shape.HEADER:
            given.setLeftMargin(measures.left - 4)
            given.setRightMargin(measures.right)
        elif shape is Shape.OWN:
            given.setLeftMargin(measures.left_of(width))
            given.setRightMargin(measures.right)
        else:
            given.setLeftMargin(measures.left)
            given.setRightMargin(measures.right_of(width))

    def _char_format(self, row: Row, index: int, part: Part) -> QTextCharFormat:
        if part.url is not None or Look.QUOTE in part.look:
            return self._special_format(part)
        if row.sender and index == 0:
            named = QTextCharFormat(self._formats["name"])
            named.setForeground(self._theme.name_colour(row.sender))
            return named
        return self._formats[next((ink for look, ink in _LOOKS.items() if look in part.look), _INKS[row.shape])]

    def _special_format(self, part: Part) -> QTextCharFormat:
        ink = next((ink for look, ink in _LOOKS.items() if look in part.look), "quote")
        given = QTextCharFormat(self._formats["link" if part.url else ink])
        given.setProperty(QUOTE, Look.QUOTE in part.look)
        if part.url:
            given.setAnchor(True)
            given.setAnchorHref(part.url)
        return given

    def _text_width(self, row: Row) -> float:
        if sum(len(part.text) for part in row.parts) > _LONG:
            return _WIDE
        widths = [0.0]
        for part in row.parts:
            metrics = self._code_metrics if part.look & (Look.CODE | Look.BLOCK) else self._said_metrics
            first, *others = map(metrics.horizontalAdvance, part.text.split(LINE_SEPARATOR))
            widths[-1] += first
            widths.extend(others)
        return max(widths) + 2


def blocks(block: QTextBlock) -> Iterator[QTextBlock]:
    """Go through a block and all after it."""
    while block.isValid():
        yield block
        block = block.next()


def _format(font: QFont, colour: str) -> QTextCharFormat:
    given = QTextCharFormat()
    given.setFont(font)
    given.setForeground(QColor(colour))
    return given


_LOOKS: Final = {Look.MENTION: "mention", Look.CODE: "code", Look.BLOCK: "block"}
_INKS: Final = {
    Shape.DAY: "muted",
    Shape.MARK: "accent",
    Shape.HEADER: "muted",
    Shape.OWN_HEADER: "muted",
    Shape.OTHER: "text",
    Shape.OWN: "text",
    Shape.NOTICE: "muted",
    Shape.PROBLEM: "danger",
}
# Above and below; between two rows the larger one counts.
_SPACES: Final = {
    Shape.DAY: (22, 14),
    Shape.MARK: (18, 12),
    Shape.HEADER: (24, 0),
    Shape.OWN_HEADER: (24, 0),
    Shape.OTHER: (PADDING_Y + 5, 2 * PADDING_Y + GAP),
    Shape.OWN: (PADDING_Y + 5, 2 * PADDING_Y + GAP),
    Shape.NOTICE: (10, 10),
    Shape.PROBLEM: (16, 16),
}
