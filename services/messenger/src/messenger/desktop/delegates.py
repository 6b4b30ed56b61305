"""How a room and a person look in the lists at the sides."""

from enum import IntEnum
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from messenger.desktop.bubbles import paint_avatar
from messenger.desktop.icons import picture
from messenger.desktop.theme import Theme
from messenger.presentation.state import Tone

_Index = QModelIndex | QPersistentModelIndex
_MANY: Final = 99


class Role(IntEnum):
    """What the items of the lists know besides their names."""

    SUBTITLE = Qt.ItemDataRole.UserRole
    UNREAD = Qt.ItemDataRole.UserRole + 1
    QUIET = Qt.ItemDataRole.UserRole + 2
    TONE = Qt.ItemDataRole.UserRole + 3
    LOBBY = Qt.ItemDataRole.UserRole + 4
    HOST = Qt.ItemDataRole.UserRole + 5
    MUTED = Qt.ItemDataRole.UserRole + 6
    PERSON = Qt.ItemDataRole.UserRole + 7
    MENTIONS = Qt.ItemDataRole.UserRole + 8
    IGNORED = Qt.ItemDataRole.UserRole + 9


class _Delegate(QStyledItemDelegate):
    """Paints what is under the pointer, chosen or in focus."""

    rows_high = 1.0

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 - Qt's name
        """Give each item the height that its font asks for."""
        return QSize(80, round(_metrics(option).lineSpacing() * self.rows_high) + 16)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> QRectF:
        area = QRectF(option.rect).adjusted(2, 1, -2, -1)
        state, colours = option.state, self._theme.colours
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(colours.accent) if state & QStyle.StateFlag.State_HasFocus else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.chosen if chosen else colours.hover if over else "transparent"))
        painter.drawRoundedRect(area, 9, 9)
        return area.adjusted(8, 0, -8, 0)

    def _paint_picture(self, painter: QPainter, name: str, colour: str, area: QRectF, size: int) -> QRectF:
        """Paint a picture at the right; returns what is left of the area."""
        ratio = painter.device().devicePixelRatioF()
        top = area.center().y() - size / 2
        drawn = picture(name, size, colour, ratio)
        painter.drawPixmap(QRectF(area.right() - size, top, size, size), drawn, QRectF(drawn.rect()))
        return area.adjusted(0, 0, -size - 6, 0)

    def _paint_text(self, painter: QPainter, font: QFont, colour: str, area: QRectF, text: str) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        fitting = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), fitting)


class RoomDelegate(_Delegate):
    """Paints a room: its name, how one is in or what was said last, and how much is unread."""

    rows_high = 2.1

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one."""
        painter.save()
        colours = self._theme.colours
        font = QFont(option.font)
        area = self._paint_ground(painter, option)
        size = min(36.0, area.height() - 12)
        square = QRectF(area.left(), area.center().y() - size / 2, size, size)
        if index.data(Role.LOBBY):
            self._paint_picture(painter, "lobby", colours.muted, square.adjusted(0, 0, -6, 0), round(size) - 12)
        else:
            paint_avatar(painter, self._theme, square, str(index.data()), rounding=10)
        area.setLeft(square.right() + 10)
        area = self._paint_badge(painter, font, self._unread_ground(index), _many(index.data(Role.UNREAD)), area)
        area = self._paint_badge(painter, font, colours.warning, _many(index.data(Role.MENTIONS), "@"), area)
        if index.data(Role.QUIET):
            area = self._paint_picture(painter, "quiet", colours.muted, area, 16)
        half = area.height() / 2
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold if index.data(Role.UNREAD) else QFont.Weight.Normal)
        self._paint_text(painter, bold, colours.text, area.adjusted(0, 5, 0, -half + 1), str(index.data()))
        tone = index.data(Role.TONE)
        below = {Tone.WARNING.value: colours.warning, Tone.DANGER.value: colours.danger}.get(tone, colours.muted)
        text = str(index.data(Role.SUBTITLE))
        self._paint_text(painter, _small(font), below, area.adjusted(0, half - 1, 0, -5), text)
        painter.restore()

    def _unread_ground(self, index: _Index) -> str:
        return self._theme.colours.muted if index.data(Role.QUIET) else self._theme.colours.accent

    def _paint_badge(self, painter: QPainter, font: QFont, ground: str, text: str, area: QRectF) -> QRectF:
        """Paint how much there is of something at the right, unless it is nothing; returns what is left of the area."""
        if not text:
            return area
        small = _small(font)
        small.setWeight(QFont.Weight.DemiBold)
        height = QFontMetricsF(small).height() + 4
        width = max(height, QFontMetricsF(small).horizontalAdvance(text) + 12)
        pill = QRectF(area.right() - width, area.center().y() - height / 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setFont(small)
        painter.setPen(QColor(self._theme.colours.on_accent))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
        return area.adjusted(0, 0, -width - 8, 0)


class PersonDelegate(_Delegate):
    """Paints somebody: the name, and whether it is the host or muted."""

    rows_high = 1.25

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one."""
        painter.save()
        colours = self._theme.colours
        area = self._paint_ground(painter, option)
        size = min(26.0, area.height() - 6)
        name = str(index.data())
        paint_avatar(painter, self._theme, QRectF(area.left(), area.center().y() - size / 2, size, size), name)
        area.setLeft(area.left() + size + 9)
        if index.data(Role.HOST):
            area = self._paint_picture(painter, "host", colours.accent, area, 15)
        if index.data(Role.MUTED):
            area = self._paint_picture(painter, "muted", colours.muted, area, 16)
        if index.data(Role.IGNORED):
            area = self._paint_picture(painter, "ignored", colours.muted, area, 16)
        ink = colours.muted if index.data(Role.IGNORED) else colours.text
        self._paint_text(painter, QFont(option.font), ink, area, name)
        painter.restore()


def _many(count: int | None, sign: str = "") -> str:
    return f"{sign}{count if count <= _MANY else f'{_MANY}+'}" if count else ""


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.88)
    return small


def _metrics(option: QStyleOptionViewItem) -> QFontMetricsF:
    return QFontMetricsF(option.font)
