"""Letters that are made larger and smaller, and stay so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from messenger.desktop.actions import Do
from messenger.desktop.app import restore_zoom, save_geometry, save_zoom
from messenger.desktop.theme import LEAST_ZOOM, MOST_ZOOM, Theme
from services.messenger.desktop.sight import Sight


@pytest.fixture(autouse=True)
def usual(theme: Theme) -> Iterator[None]:
    yield
    theme.zoom_to(0)


def sizes(sight: Sight) -> list[float]:
    """Measure what should grow: letters of a message, of a list, of a title, and the field that one types in."""
    window = sight.window
    said = window.chat.area.transcript.document().find("hello").charFormat().font().pointSizeF()
    title = window.chat.bar.title
    title.ensurePolished()
    return [
        said,
        window.members.list.font().pointSizeF(),
        title.font().pointSizeF(),
        float(window.chat.composer.words.height()),
        float(window.rooms.list.sizeHintForRow(0)),
    ]


def test_all_letters_grow_and_shrink_by_keys(sight: Sight) -> None:
    sight.enter()
    sight.hear("bob: hello")
    before = sizes(sight)
    for _ in range(4):
        sight.action(Do.LARGER).trigger()
    sight.look()
    assert all(now > then for now, then in zip(sizes(sight), before, strict=True))
    sight.action(Do.SMALLER).trigger()
    assert sight.window.theme.zoom == 3
    sight.action(Do.USUAL).trigger()
    sight.look()
    assert sizes(sight) == before


def test_there_is_an_end_to_it(sight: Sight) -> None:
    for _ in range(40):
        sight.action(Do.LARGER).trigger()
    assert sight.window.theme.zoom == MOST_ZOOM
    for _ in range(40):
        sight.action(Do.SMALLER).trigger()
    assert sight.window.theme.zoom == LEAST_ZOOM


@pytest.mark.parametrize(("turned", "zoom"), [(120, 1), (-120, -1)])
def test_the_wheel_does_it_too(sight: Sight, turned: int, zoom: int) -> None:
    sight.enter()
    viewport = sight.window.chat.area.transcript.viewport()
    at = QPointF(20, 20)
    event = QWheelEvent(
        at,
        viewport.mapToGlobal(at),
        QPoint(),
        QPoint(0, turned),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)
    assert sight.window.theme.zoom == zoom


def test_it_is_remembered_beside_the_place_of_the_window(theme: Theme, tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    restore_zoom(theme, path)
    assert theme.zoom == 0
    theme.zoom_to(5)
    save_zoom(theme, path)
    save_geometry(QWidget(), path)
    theme.zoom_to(0)
    restore_zoom(theme, path)
    assert theme.zoom == 5


@pytest.mark.parametrize(("kept", "zoom"), [("--3", 0), ("x", 0), ("@ByteArray(junk)", 0), ("999", MOST_ZOOM)])
def test_what_somebody_else_wrote_breaks_nothing(theme: Theme, tmp_path: Path, kept: str, zoom: int) -> None:
    (tmp_path / "window.ini").write_text(f"[General]\nzoom={kept}\n")
    restore_zoom(theme, tmp_path / "window.ini")
    assert theme.zoom == zoom
