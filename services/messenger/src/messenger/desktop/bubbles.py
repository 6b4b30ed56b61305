"""What is painted beneath the text of a transcript: bubbles, avatars, and lines beside a day or a mark."""

from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter, QPen, QPixmap, QTextBlock

from chatbrain import DeliveryState
from messenger.desktop.measures import AVATAR, PADDING_X, PADDING_Y, ROUNDING, Measures
from messenger.desktop.rows import Shape
from messenger.desktop.theme import Theme
from messenger.desktop.typesetter import CODE, MENTIONS, QUOTE, SENDER, TEXT_WIDTH, shape_of
from messenger.presentation.state import sign

_SAID: Final = {Shape.OTHER, Shape.OWN}


def paint_beneath(
    painter: QPainter,
    theme: Theme,
    measures: Measures,
    block: QTextBlock,
    scrolled: float,
    state: DeliveryState | None,
) -> None:
    """Paint what belongs to one block; ``state`` is how one's own message fares."""
    text = block.layout().boundingRect().translated(block.layout().position()).translated(0, -scrolled)
    shape = shape_of(block)
    if shape in _SAID:
        _paint_bubble(painter, theme, block, text)
        if shape is Shape.OWN and state:
            _paint_state(painter, theme, text, state)
    elif shape is Shape.PROBLEM:
        _paint_problem(painter, theme, block, text)
    elif shape is Shape.HEADER and measures.roomy:
        if sender := block.blockFormat().stringProperty(SENDER):
            paint_avatar(painter, theme, QRectF(measures.edge, text.top() + 2, AVATAR, AVATAR), sender)
    elif shape in {Shape.DAY, Shape.MARK}:
        colour = theme.colours.line if shape is Shape.DAY else theme.colours.accent
        _paint_lines(painter, QColor(colour), block, text, measures)


def paint_avatar(painter: QPainter, theme: Theme, area: QRectF, name: str, rounding: float | None = None) -> None:
    """Paint a round, or a rounded square, with the first letter of a name."""
    size = round(area.width())
    radius = size / 2 if rounding is None else rounding
    colour, ratio = theme.name_colour(name).name(), painter.device().devicePixelRatioF()
    drawn = _avatar(_initial(name), size, radius, ratio, colour, theme.colours.dark)
    painter.drawPixmap(area, drawn, QRectF(drawn.rect()))


@lru_cache(maxsize=512)
def _avatar(letter: str, size: int, radius: float, ratio: float, colour: str, dark: bool) -> QPixmap:
    drawn = QPixmap(round(size * ratio), round(size * ratio))
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    ground = QColor(colour)
    ground.setAlphaF(0.24 if dark else 0.15)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    area = QRectF(0, 0, size, size)
    painter.drawRoundedRect(area, radius, radius)
    font = QFont(QGuiApplication.font())
    font.setPixelSize(round(size * 0.45))
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    return drawn


def _initial(name: str) -> str:
    return next((letter for letter in name if letter.isalnum()), name[:1]).upper()


def _paint_bubble(painter: QPainter, theme: Theme, block: QTextBlock, text: QRectF) -> None:
    width = min(block.blockFormat().doubleProperty(TEXT_WIDTH), text.width())
    colours = theme.colours
    painter.setPen(Qt.PenStyle.NoPen)
    other = colours.warning_ground if block.blockFormat().boolProperty(MENTIONS) else colours.other
    painter.setBrush(QColor(colours.own if shape_of(block) is Shape.OWN else other))
    area = QRectF(text.left(), text.top(), width, text.height())
    painter.drawRoundedRect(area.adjusted(-PADDING_X, -PADDING_Y, PADDING_X, PADDING_Y), ROUNDING, ROUNDING)

    for first, end in spans_of(block, CODE):
        lines = _rows_between(block, first, end)
        painter.setBrush(QColor(colours.code))
        painter.drawRoundedRect(
            QRectF(area.left() - 6, text.top() + lines.top(), area.width() + 12, lines.height()), 5, 5
        )
    for first, end in spans_of(block, QUOTE):
        lines = _rows_between(block, first, end)
        painter.setBrush(QColor(colours.muted))
        painter.drawRoundedRect(QRectF(area.left() - 9, text.top() + lines.top() + 2, 3, lines.height() - 4), 1.5, 1.5)


def spans_of(block: QTextBlock, look: int) -> list[tuple[int, int]]:
    """Return from where to where (exclusive) a block's letters have a property."""
    formats = block.textFormats()
    return [(each.start, each.start + each.length) for each in formats if each.format.boolProperty(look)]


def _rows_between(block: QTextBlock, first: int, end: int) -> QRectF:
    """Return where the rows of some of a block's letters are, within the block."""
    layout, found = block.layout(), QRectF()
    for number in range(
        layout.lineForTextPosition(first).lineNumber(), layout.lineForTextPosition(end - 1).lineNumber() + 1
    ):
        found = found.united(layout.lineAt(number).rect())
    return found


def _paint_state(painter: QPainter, theme: Theme, text: QRectF, state: DeliveryState) -> None:
    """Paint the mark of one's own message left of its bubble, where it ends."""
    lost = state is DeliveryState.NOT_DELIVERED
    painter.setPen(QColor(theme.colours.danger if lost else theme.colours.muted))
    height = painter.fontMetrics().height()
    area = QRectF(text.left() - PADDING_X - height - 4, text.bottom() - height, height, height)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, sign(state))


def _natural(block: QTextBlock, text: QRectF) -> QRectF:
    """Return where the letters are."""
    found = QRectF()
    layout = block.layout()
    for number in range(layout.lineCount()):
        found = found.united(layout.lineAt(number).naturalTextRect())
    return found.translated(layout.position()).translated(0, text.top() - layout.position().y())


def _paint_problem(painter: QPainter, theme: Theme, block: QTextBlock, text: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colours.danger_ground))
    painter.drawRoundedRect(_natural(block, text).adjusted(-12, -6, 12, 6), 10, 10)


def _paint_lines(painter: QPainter, colour: QColor, block: QTextBlock, text: QRectF, measures: Measures) -> None:
    letters = _natural(block, text)
    y = letters.center().y()
    painter.setPen(QPen(colour, 1))
    for left, right in ((measures.edge, letters.left() - 12), (letters.right() + 12, measures.width - measures.edge)):
        if left < right:
            painter.drawLine(QPointF(left, y), QPointF(right, y))
