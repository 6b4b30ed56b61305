"""Where the window was, and how large: kept from one start to the next."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtWidgets import QWidget

_KEY: Final = "geometry"
_FRAME: Final = QSize(20, 60)
"""What a frame and a title may take, which aren't known before a window is there."""


def restore_geometry(window: QWidget, path: Path) -> None:
    """Put a window where it was, as far as the screens are still there; the first time make it fit the screen."""
    kept = _settings(path).value(_KEY)
    if not (isinstance(kept, QByteArray) and window.restoreGeometry(kept)):
        window.resize(window.size().boundedTo(window.screen().availableGeometry().size() - _FRAME))


def save_geometry(window: QWidget, path: Path) -> None:
    """Write down where a window is; what only spares a movement isn't worth an error if it can't be written."""
    _settings(path).setValue(_KEY, window.saveGeometry())


def _settings(path: Path) -> QSettings:
    return QSettings(str(path), QSettings.Format.IniFormat)
