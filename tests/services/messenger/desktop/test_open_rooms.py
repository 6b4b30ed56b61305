"""The rooms of the form's relay, on the start page (LIST-01)."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from chatbrain import Tls
from chatproto import ListedRoom, Operation
from messenger.core.invite import parse_invite
from messenger.desktop.delegates import Role
from messenger.desktop.form import Mode
from messenger.desktop.open_rooms_pane import OpenRoomsPane
from services.messenger.core.fake_relay import entry
from services.messenger.desktop.sight import Sight

pytestmark = pytest.mark.requirement("LIST-01")

TEA = ListedRoom("tea", 3, password=True, topic="at four")
MILK = ListedRoom("milk", 1, sealed=True)
PLAIN = [("relay.example:9000", None)]


@pytest.fixture
def pane(sight: Sight) -> OpenRoomsPane:
    sight.fill(Mode.JOIN, room="")
    settle(sight.window.start.open)
    return sight.window.start.open


def settle(pane: OpenRoomsPane) -> None:
    """Let the time pass after which a changed form is taken for what is meant."""
    assert pane.settling.isActive()
    assert pane.settling.isSingleShot()
    pane.settling.stop()
    pane.settling.timeout.emit()


def shown(pane: OpenRoomsPane) -> list[str]:
    if not pane.isVisible():
        return []
    return [str(pane.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(pane.list.count())]


def in_focus() -> object:
    return QApplication.focusWidget()


def test_rooms_are_shown_with_what_one_chooses_by(sight: Sight, pane: OpenRoomsPane) -> None:
    assert shown(pane) == []
    assert sight.links.tell_rooms(TEA, MILK) == PLAIN
    sight.look()
    assert shown(pane) == ["tea, 3 members · with password · at four", "milk, 1 member · sealed"]
    assert pane.list.item(1).data(Role.SUBTITLE) == "1 member · sealed"
    assert pane.list.accessibleName() == "Open rooms"


def test_by_keys_alone_a_room_is_chosen_and_joined(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(TEA, MILK)
    sight.look()
    form = sight.window.start.form
    form.mode = Mode.CREATE
    while in_focus() is not pane.list:
        focused = QApplication.focusWidget()
        assert focused
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    QTest.keyClick(pane.list, Qt.Key.Key_Home)
    QTest.keyClick(pane.list, Qt.Key.Key_Return)
    assert (form.mode, form.room.text()) == (Mode.JOIN, "tea")
    assert in_focus() is form.password
    QTest.keyClicks(form.password, "secret")
    QTest.keyClick(form.password, Qt.Key.Key_Return)
    sight.look()
    assert sight.relay.asked == [(Operation.JOIN, "tea", "ann", "secret")]


def test_one_is_led_to_what_is_missing(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(MILK)
    sight.look()
    form = sight.window.start.form
    pane.list.itemClicked.emit(pane.list.item(0))
    assert in_focus() is form.go
    form.name.clear()
    pane.list.itemClicked.emit(pane.list.item(0))
    assert in_focus() is form.name


def test_a_relay_that_lists_none_shows_nothing_and_says_nothing(sight: Sight, pane: OpenRoomsPane) -> None:
    assert sight.links.tell_rooms() == PLAIN
    sight.look()
    assert shown(pane) == []
    assert not sight.window.start.banner.isVisible()
    pane.asking.timeout.emit()
    assert sight.links.tell_rooms() == []


def test_the_list_is_asked_for_again_and_the_same_one_stays_selected(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(TEA, MILK)
    sight.look()
    pane.list.setFocus()
    pane.list.setCurrentRow(1)
    assert (pane.asking.interval(), pane.asking.isActive()) == (10_000, True)
    pane.asking.timeout.emit()
    assert sight.links.tell_rooms(MILK, TEA) == PLAIN
    sight.look()
    assert pane.list.currentRow() == 0
    assert in_focus() is pane.list
    assert shown(pane)[0] == "milk, 1 member · sealed"


def test_a_long_list_is_no_longer_than_the_page(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(*(ListedRoom(f"r{number}", 1) for number in range(200)))
    sight.look()
    assert len(shown(pane)) == 200
    assert pane.list.height() < sight.window.height()


def test_another_relay_or_the_lobby_has_not_the_same_rooms(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(TEA)
    form = sight.window.start.form
    QTest.keyClicks(form.address, ".org")
    settle(pane)
    assert shown(pane) == []
    assert sight.links.tell_rooms(MILK) == [("relay.example.org:9000", None)]
    form.tls.setChecked(True)
    settle(pane)
    assert shown(pane) == []
    sight.links.show()
    assert sight.links.tell_rooms(MILK) == [("relay.example.org:9000", Tls())]
    form.mode = Mode.LOBBY
    settle(pane)
    assert shown(pane) == []
    assert sight.links.tell_rooms(MILK) == []


def test_a_link_alone_has_nobody_asked(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(TEA)
    sight.window.open_invite(parse_invite("chat://192.0.2.7:25/tea"))
    sight.look()
    settle(pane)
    assert shown(pane) == []
    assert sight.links.tell_rooms(TEA) == []
    sight.window.start.form.address.setText("192.0.2.7:26")
    settle(pane)
    assert sight.links.tell_rooms(TEA) == [("192.0.2.7:26", None)]


def test_who_looks_at_a_room_asks_no_more(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(TEA)
    pane.asking.timeout.emit()
    sight.enter()
    assert (pane.asking.isActive(), sight.links.tell_rooms(TEA)) == (False, [])
    sight.window.start.form.address.setText("other.example")
    assert not pane.settling.isActive()
    sight.window.show_start()
    sight.look()
    assert sight.links.tell_rooms(TEA) == [("other.example:9000", None)]


def test_while_one_comes_in_nothing_else_is_chosen(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.links.tell_rooms(MILK)
    start = sight.window.start
    start._enter(entry("demo", tls=Tls()))  # its certificate isn't shown yet
    assert start.pending
    pane.list.itemActivated.emit(pane.list.item(0))
    assert start.form.room.text() == ""


def test_recent_rooms_stay_where_they_are(sight: Sight, pane: OpenRoomsPane) -> None:
    sight.recents.remember(entry())
    sight.window.start.reload()
    sight.look()
    lists = sight.window.start.list
    before = lists.mapTo(sight.window, lists.pos())
    sight.links.tell_rooms(TEA)
    sight.look()
    assert lists.mapTo(sight.window, lists.pos()) == before
    assert lists.isVisible()
    assert pane.isVisible()


def test_hostile_words_are_plain_text_in_their_row(sight: Sight, pane: OpenRoomsPane) -> None:
    width = sight.window.width()
    hostile = ListedRoom("<b>x</b>" + "x" * 200, 2**31 - 1, topic="<img src=http://192.0.2.1/>" + "y" * 400)
    sight.links.tell_rooms(hostile, TEA)
    sight.look()
    assert pane.list.item(0).text() == hostile.name
    assert pane.list.item(0).toolTip() == ""
    assert pane.list.visualItemRect(pane.list.item(0)).height() == pane.list.visualItemRect(pane.list.item(1)).height()
    assert sight.window.width() == width
    assert not pane.list.horizontalScrollBar().isVisible()
