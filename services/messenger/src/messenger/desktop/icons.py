"""The pictures on buttons: drawn in the colour of the text around them, sharp on any screen."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_IMAGES: Final = Path(__file__).with_name("images")
_SIZES: Final = (16, 20, 24, 32, 40, 48, 64)
_APP_SIZES: Final = (16, 24, 32, 48, 64, 128, 256)


@lru_cache(maxsize=128)
def icon(name: str, colour: str, disabled: str) -> QIcon:
    """Draw a picture in one colour, ``#rrggbb``, and in another where it can't be pressed: Qt's grey may be lost."""
    drawn = QIcon()
    for size in _SIZES:
        drawn.addPixmap(picture(name, size, colour))
        drawn.addPixmap(picture(name, size, disabled), QIcon.Mode.Disabled)
    return drawn


def app_icon() -> QIcon:
    """Draw the program's own icon."""
    drawn = QIcon()
    for size in _APP_SIZES:
        drawn.addPixmap(picture("chat-desktop", size))
    return drawn


@lru_cache(maxsize=512)
def picture(name: str, size: int, colour: str = "#000000", ratio: float = 1.0) -> QPixmap:
    """Draw a picture, ``size`` pixels wide and high before the screen's ratio."""
    source = (_IMAGES / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", QColor(colour).name())
    drawn = QPixmap(round(size * ratio), round(size * ratio))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(drawn.rect()))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn
