"""The program's icon in the form that a system wants in a program's file, drawn from the one picture that there is."""

import sys
from pathlib import Path
from typing import Final

from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

_SIZE: Final = {"darwin": 512}
_SUFFIX: Final = {"darwin": ".icns", "win32": ".ico"}


def draw_icon(source: Path, folder: Path, platform: str = sys.platform) -> str | None:
    """Draw the icon into a folder; returns its file, None where programs hold no icon."""
    if platform not in _SUFFIX:
        return None
    size = _SIZE.get(platform, 256)
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(source)).render(painter)
    painter.end()
    target = folder / f"{source.stem}{_SUFFIX[platform]}"
    if not image.save(str(target)):
        raise OSError(f"{target} can't be written: look whether its folder is there.")
    return str(target)
