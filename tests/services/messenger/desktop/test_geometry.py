"""Where the window was, from one start to the next."""

from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from messenger.desktop.app import restore_geometry, save_geometry


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    return a_window(qtbot)


def a_window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    window.resize(3000, 3000)
    qtbot.addWidget(window)
    return window


def test_the_first_time_it_fits_the_screen(window: QWidget, tmp_path: Path) -> None:
    restore_geometry(window, tmp_path / "window.ini")
    room = QApplication.primaryScreen().availableGeometry()
    assert 0 < window.width() < room.width()
    assert 0 < window.height() < room.height()


def test_the_next_time_it_is_where_it_was(window: QWidget, tmp_path: Path, qtbot: QtBot) -> None:
    window.setGeometry(QRect(40, 60, 500, 420))
    window.show()
    save_geometry(window, tmp_path / "window.ini")
    again = a_window(qtbot)
    restore_geometry(again, tmp_path / "window.ini")
    assert again.geometry() == window.geometry()


@pytest.mark.parametrize("text", ["", "[General]\ngeometry=7\n", "[General]\ngeometry=@ByteArray(junk)\n", "\0\1\2"])
def test_a_file_that_cannot_be_used_is_none(window: QWidget, tmp_path: Path, text: str) -> None:
    path = tmp_path / "window.ini"
    path.write_text(text)
    restore_geometry(window, path)
    assert window.width() < QApplication.primaryScreen().availableGeometry().width()


def test_a_place_that_cannot_be_written_stops_nobody(window: QWidget, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save_geometry(window, tmp_path / "file" / "window.ini")
