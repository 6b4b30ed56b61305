from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from messenger.desktop.actions import Do
from messenger.desktop.panes import Pane
from services.messenger.desktop.sight import Sight


def visible(sight: Sight) -> set[Pane]:
    window = sight.window
    panes = {Pane.ROOMS: window.rooms, Pane.CENTRE: window.centre, Pane.MEMBERS: window.members}
    return {pane for pane, widget in panes.items() if widget.isVisible()}


def test_a_small_window_shows_one_thing_at_a_time(sight: Sight) -> None:
    sight.enter()
    sight.window.resize(360, 480)
    sight.look()
    assert (sight.window.width(), sight.window.height()) == (360, 480)
    assert visible(sight) == {Pane.CENTRE}
    sight.window.chat.bar.back.click()
    assert visible(sight) == {Pane.ROOMS}
    sight.window.rooms.list.itemClicked.emit(sight.window.rooms.list.item(0))
    assert visible(sight) == {Pane.CENTRE}
    sight.window.chat.bar.members.click()
    assert visible(sight) == {Pane.MEMBERS}
    QTest.keyClick(sight.window.members.list, Qt.Key.Key_Escape)
    assert visible(sight) == {Pane.CENTRE}
    assert sight.window.chat.composer.words.hasFocus()
    for widget in (sight.window.chat.composer, sight.window.chat.bar, sight.window.chat.area):
        assert widget.width() == 360


def test_a_wide_window_shows_everything(sight: Sight) -> None:
    sight.enter()
    assert visible(sight) == {Pane.ROOMS, Pane.CENTRE, Pane.MEMBERS}
    composer = sight.window.chat.composer.words
    sight.action(Do.MEMBERS).trigger()
    assert visible(sight) == {Pane.ROOMS, Pane.CENTRE}
    assert composer.hasFocus()
    sight.action(Do.MEMBERS).trigger()
    assert visible(sight) == {Pane.ROOMS, Pane.CENTRE, Pane.MEMBERS}
    assert sight.window.members.list.hasFocus()


def test_the_first_page_fits_into_a_small_window(sight: Sight) -> None:
    sight.window.resize(360, 480)
    sight.look()
    start = sight.window.start
    inside = start.widget()
    assert inside
    assert inside.width() == start.viewport().width()
