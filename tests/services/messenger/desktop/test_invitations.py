"""Invitations for this program and for browsers, there and back (WEB-05)."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from chatproto.sealing import RoomKey
from messenger.desktop.actions import Do
from messenger.desktop.menus import room_menu
from services.messenger.desktop.sight import Sight

PAGE = "https://relay.example/#port=9001"
KEY = RoomKey(bytes(16))


def offers(sight: Sight) -> bool:
    menu = room_menu(sight.current, sight.window.actions_by_name, sight.window)
    return sight.action(Do.INVITE_TO_PAGE) in menu.actions()


@pytest.mark.requirement("WEB-05")
def test_a_link_for_browsers_is_copied_where_the_relay_names_its_page(sight: Sight) -> None:
    sight.relay.web = PAGE
    sight.enter("tea")
    assert offers(sight)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(sight.window, Qt.Key.Key_I, modifiers)
    sight.look()
    assert QApplication.clipboard().text() == "https://relay.example/#room=tea&port=9001"
    assert "Link for browsers copied: https://relay.example/#room=tea&port=9001" in sight.text
    sight.action(Do.INVITE).trigger()
    assert QApplication.clipboard().text() == "chat://relay.example:9000/tea"


@pytest.mark.requirement("WEB-05", "SEAL-01")
def test_a_key_is_copied_and_not_shown(sight: Sight) -> None:
    sight.relay.web = PAGE
    sight.enter("tea", key=KEY)
    sight.action(Do.INVITE_TO_PAGE).trigger()
    sight.look()
    assert QApplication.clipboard().text() == f"https://relay.example/#room=tea&k={KEY.text}&port=9001"
    assert "The copied link has the room's key" in sight.text
    assert KEY.text not in sight.text


@pytest.mark.requirement("WEB-05")
def test_where_no_page_is_named_nothing_is_offered_and_nothing_copied(sight: Sight) -> None:
    sight.enter("tea")
    QApplication.clipboard().setText("before")
    assert not offers(sight)
    sight.action(Do.INVITE_TO_PAGE).trigger()
    sight.look()
    assert QApplication.clipboard().text() == "before"
    assert "This relay names no page for browsers." in sight.text
    sight.relay.web = PAGE
    sight.enter(None)
    assert not offers(sight)


@pytest.mark.parametrize(("scheme", "tls"), [("https", True), ("http", False)])
def test_the_pages_link_fills_the_form(sight: Sight, scheme: str, *, tls: bool) -> None:
    form = sight.window.start.form
    text = f"{scheme}://relay.example:9080/#room=caf%C3%A9&port=9001"
    form.address.setText(text)
    form.address.textEdited.emit(text)
    assert (form.server.currentText(), form.room.text()) == ("relay.example:9001", "café")
    assert form.tls.isChecked() is tls
