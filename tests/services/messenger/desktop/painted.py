"""What is found in a picture: where a colour is, and where two pictures differ."""

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage

INK = 60
"""Letters are drawn with soft edges: colours that differ by so little, all parts together, are one."""


def where(picture: QImage, colour: str, *, off: int = 0) -> QRect:
    """Return the smallest rectangle with all in this colour, or off by so little; an empty one if nothing is."""
    wanted = QColor(colour)
    return _bounds(
        [
            (x, y)
            for y in range(picture.height())
            for x in range(picture.width())
            if (picture.pixel(x, y) == wanted.rgb() if not off else _distance(picture.pixelColor(x, y), wanted) <= off)
        ]
    )


def has_ink(picture: QImage, colour: str, area: QRect | None = None) -> bool:
    """Tell whether something is drawn in about this colour."""
    return where(picture.copy(area or picture.rect()), colour, off=INK).isValid()


def half_as_far(one: str, other: str) -> int:
    """Return how far off a colour may be that is no nearer to the other one: what a thin line's soft edge has."""
    return _distance(QColor(one), QColor(other)) // 2 + 3


def changed(one: QImage, other: QImage) -> QRect:
    """Return the smallest rectangle with all in which two pictures of one size differ."""
    assert one.size() == other.size()
    return _bounds(
        [(x, y) for y in range(one.height()) for x in range(one.width()) if one.pixel(x, y) != other.pixel(x, y)]
    )


def over(ground: str, colour: QColor) -> str:
    """Return what is seen of a colour through which the ground shines."""
    part, below = colour.alphaF(), QColor(ground)
    mixed = [round(part * a + (1 - part) * b) for a, b in zip(_parts(colour), _parts(below), strict=True)]
    return QColor(*mixed).name()


def _distance(one: QColor, other: QColor) -> int:
    return sum(abs(a - b) for a, b in zip(_parts(one), _parts(other), strict=True))


def _parts(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


def _bounds(points: list[tuple[int, int]]) -> QRect:
    if not points:
        return QRect()
    columns, rows = zip(*points, strict=True)
    return QRect(min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1)
