"""The menus and what their entries do, and actions where there is nothing to do them with."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QListWidget, QMenu, QSystemTrayIcon

from chatproto import Command
from messenger.desktop.actions import Do
from messenger.desktop.dialogs import LineDialog
from messenger.presentation.i18n import _
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.sight import Sight


def open_menu(sight: Sight) -> QMenu:
    sight.look()
    (menu,) = (each for each in sight.window.findChildren(QMenu) if each.isVisible())
    return menu


def entries(sight: Sight) -> list[QAction | None]:
    """Return what the menu that is open lists, and None for each line between; it is closed then."""
    menu = open_menu(sight)
    listed = [None if each.isSeparator() else each for each in menu.actions()]
    menu.close()
    return listed


def named(sight: Sight, *names: Do | None) -> list[QAction | None]:
    return [each and sight.action(each) for each in names]


PROGRAM = (Do.NEW, Do.SOUND, Do.HELP, None, Do.LARGER, Do.SMALLER, Do.USUAL, None, Do.QUIT)
ANYWHERE = (Do.INVITE, Do.BOOKMARK, Do.SEARCH, Do.EXPORT, Do.QUIET, Do.MEMBERS)


@pytest.mark.parametrize("inside", [True, False])
def test_the_menu_of_the_program_is_there_with_rooms_and_without(sight: Sight, inside: bool) -> None:
    if inside:
        sight.enter()
        sight.window.rooms.menu.click()
    else:
        sight.action(Do.MENU).trigger()
    assert entries(sight) == named(sight, *PROGRAM)


def test_the_menu_of_a_room_opens_from_the_list_and_shows_the_room(sight: Sight) -> None:
    conversation = sight.enter("one")
    sight.enter("two")
    listed = sight.window.rooms.list
    listed.customContextMenuRequested.emit(listed.visualItemRect(listed.item(0)).center())
    assert sight.window.current is conversation
    listed_entries = entries(sight)
    assert [*listed_entries[: len(ANYWHERE)]] == named(sight, *ANYWHERE)
    assert listed_entries[-2:] == named(sight, Do.LEAVE, Do.REMOVE)
    sight.type("/leave")
    sight.action(Do.ROOM_MENU).trigger()
    assert sight.action(Do.LEAVE) not in entries(sight)


@pytest.mark.parametrize("pane", ["rooms", "members"])
def test_the_menu_key_opens_the_menu_of_what_is_chosen(sight: Sight, pane: str) -> None:
    sight.enter(create=True)
    sight.happen(listing("ann (host)", "bob"))
    listed: QListWidget = getattr(sight.window, pane).list
    listed.setCurrentRow(listed.count() - 1)
    listed.customContextMenuRequested.emit(QPoint(5, listed.viewport().height() - 2))  # where nothing is
    assert entries(sight)


def test_the_menu_of_somebody_mentions_and_copies(sight: Sight) -> None:
    sight.enter(create=True)
    sight.happen(listing("ann (host)", "bob"))
    listed = sight.window.members.list
    listed.customContextMenuRequested.emit(listed.visualItemRect(listed.item(1)).center())
    menu = open_menu(sight)
    texts = [each.text() for each in menu.actions() if not each.isSeparator()]
    assert texts[:2] == [_("&Mention"), _("Copy the &name")]
    menu.actions()[0].trigger()
    menu.close()
    assert sight.window.chat.composer.text == "bob: "
    listed.itemActivated.emit(listed.item(1))
    assert sight.window.chat.composer.text == "bob: bob "


@pytest.mark.parametrize("done", [done for done in Do if done not in {Do.QUIT, Do.HELP, Do.MENU}])
def test_without_a_room_there_is_nothing_to_do_and_nothing_breaks(sight: Sight, done: Do) -> None:
    sight.action(done).trigger()
    sight.look()
    assert sight.messenger.conversations == []
    assert not any(each.isVisible() for each in sight.window.findChildren(QDialog))
    assert sight.window.centre.currentWidget() is sight.window.start
    sight.window.theme.zoom_to(0)


@pytest.mark.parametrize(
    ("done", "typed", "said"),
    [
        (Do.TOPIC, "tea", "/topic tea"),
        (Do.TOPIC, " ", "/topic -"),
        (Do.UNBAN, " eve ", "/unban eve"),
        (Do.UNBAN, " ", None),
        (Do.PASSWORD, "sesame", "/password sesame"),
    ],
)
def test_what_is_asked_first_becomes_a_command(sight: Sight, done: Do, typed: str, said: str | None) -> None:
    sight.enter(create=True)
    before = len(sight.relay.words)
    sight.action(done).trigger()
    assert sight.answer(typed)
    assert sight.relay.words[before:] == ([said] if said else [])


@pytest.mark.parametrize(
    ("done", "command"), [(Do.WHO, Command.WHO), (Do.BANNED, Command.UNBAN), (Do.REMOVE_PASSWORD, Command.PASSWORD)]
)
def test_what_needs_no_question_is_a_command_at_once(sight: Sight, done: Do, command: Command) -> None:
    sight.enter(create=True)
    sight.action(done).trigger()
    sight.look()
    assert sight.relay.words[-1].startswith(f"/{command}")
    assert not any(each.isVisible() for each in sight.window.findChildren(LineDialog))


@pytest.fixture
def tray(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> Iterator[QSystemTrayIcon]:
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    tray = sight.open_window().attention.tray
    assert tray
    yield tray
    sight.window.close_surely()
    assert not tray.isVisible()


def test_a_click_on_a_notification_leads_to_its_room_and_one_on_the_tray_to_the_window(
    sight: Sight, tray: QSystemTrayIcon
) -> None:
    assert tray.isVisible()
    conversation = sight.enter("one")
    sight.enter("two")
    other = sight.look_away()
    sight.pass_time(10.0)
    sight.hear("bob: hi", link=0)
    tray.messageClicked.emit()
    sight.look()
    assert (sight.window.current, sight.window.isActiveWindow()) == (conversation, True)
    other.activateWindow()
    sight.look()
    assert not sight.window.isActiveWindow()
    tray.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    sight.look()
    assert sight.window.isActiveWindow()
    other.close()


def test_leaving_a_room_that_is_not_shown_changes_nothing_else(sight: Sight) -> None:
    hidden = sight.enter("one")
    shown = sight.enter("two")
    sight.window.remove_conversation(hidden)
    assert (sight.rooms, sight.window.current) == (["two"], shown)
    sight.window.remove_conversation(hidden)
    assert sight.rooms == ["two"]


def test_escape_leads_from_the_first_page_back_to_the_room(sight: Sight) -> None:
    shown = sight.enter("one")
    sight.enter("two")
    sight.window.show_conversation(shown)
    for leave in (sight.window.start.back.click, sight.window._go_back):
        sight.window.show_start()
        leave()
        assert sight.window.current is shown
        assert sight.window.centre.currentWidget() is sight.window.chat
