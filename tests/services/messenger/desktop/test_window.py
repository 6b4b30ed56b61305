from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox, QSystemTrayIcon, QWidget

from chatproto import Disconnected, EvictionReason, MemberJoined, MemberLeft, Status, Topic
from messenger.core.facts import Presence
from messenger.core.history import Kind, Line
from messenger.core.invite import parse_invite
from messenger.desktop.actions import Do
from messenger.desktop.attention import plain
from messenger.desktop.delegates import Role
from messenger.desktop.dialogs import HelpDialog, LineDialog
from messenger.desktop.typesetter import MENTIONS
from services.messenger.core.fake_relay import NOON, entry
from services.messenger.desktop.sight import Sight


def test_people_talk_both_ways(sight: Sight) -> None:
    sight.enter()
    sight.happen(MemberJoined("さくら"))
    sight.hear("さくら: こんにちは")
    sight.type("やあ")
    assert sight.relay.words[-1] == "やあ"
    text = sight.text
    assert text.index("さくら  12:00") < text.index("こんにちは") < text.index("ann  12:00") < text.index("やあ")
    assert sight.members == ["ann", "さくら"]
    sight.happen(MemberLeft("さくら"), Topic("tea"))
    assert sight.members == ["ann"]
    assert sight.window.chat.bar.state.text() == "Connected  ·  tea"


def test_a_name_is_wanted_again_where_it_is_taken_later(sight: Sight) -> None:
    sight.enter()
    sight.happen(Disconnected(EvictionReason.KICKED))
    assert sight.banner
    sight.relay.verdict = Status.NAME_TAKEN
    sight.press("Try again")
    sight.press("Choose another name...")
    assert not sight.answer("a:b")
    assert sight.messenger.conversations[0].presence is Presence.OVER
    sight.relay.verdict = Status.OK
    assert sight.answer("bea")
    assert sight.relay.asked[-1][2] == "bea"
    assert sight.banner == ""


def test_a_wrong_password_is_asked_for_again(sight: Sight) -> None:
    sight.enter()
    sight.happen(Disconnected(EvictionReason.KICKED))
    sight.relay.verdict = Status.WRONG_PASSWORD
    sight.press("Try again")
    sight.press("Enter the password...")
    sight.relay.verdict = Status.OK
    (dialog,) = sight.window.findChildren(LineDialog)
    assert dialog.field.echoMode() is QLineEdit.EchoMode.Password, "nobody else reads it"
    sight.answer("sesame")
    assert sight.relay.asked[-1][3] == "sesame"
    assert "You are in demo" in sight.text


def test_being_kicked_is_said_with_what_helps(sight: Sight) -> None:
    sight.enter()
    sight.happen(Disconnected(EvictionReason.KICKED))
    assert "removed" in sight.banner
    assert sight.window.chat.bar.state.text().startswith("Not connected")
    assert sight.window.chat.banner.property("tone") == "danger"
    sight.press("Try again")
    assert sight.banner == ""
    assert sight.window.chat.bar.state.text() == "Connected"


def test_when_the_host_leaves_one_can_create_the_room_anew(sight: Sight) -> None:
    sight.enter()
    sight.happen(Disconnected(EvictionReason.HOST_LEFT))
    assert "host" in sight.banner
    sight.press("Create the room")
    assert "You created demo" in sight.text
    assert sight.members == ["ann, host"]


def test_a_lost_connection_comes_back_by_itself_and_the_time_is_counted_down(sight: Sight) -> None:
    sight.enter()
    sight.relay.verdict = None
    sight.happen(Disconnected(EvictionReason.SILENCE))
    sight.pass_time(2)
    sight.pass_time(0.1)
    assert sight.messenger.conversations[0].presence is Presence.WAITING
    assert sight.banner.startswith("No relay answers at ")
    assert "What you write is sent once the relay is heard again. Reconnecting in" in sight.banner
    assert "Reconnecting in" in sight.window.chat.bar.state.text()
    before = sight.banner
    sight.pass_time(1)
    assert sight.banner != before
    sight.relay.verdict = Status.OK
    sight.pass_time(60)
    assert sight.banner == ""
    assert "You are back" in sight.text


def test_coming_back_can_be_given_up(sight: Sight) -> None:
    sight.enter()
    sight.relay.verdict = None
    sight.happen(Disconnected(EvictionReason.SILENCE))
    sight.pass_time(2)
    sight.press("Leave")
    assert sight.messenger.conversations[0].presence is Presence.OVER
    assert sight.banner == "You left."


def test_one_leaves_and_closes_a_room(sight: Sight) -> None:
    sight.enter()
    sight.enter("other")
    sight.type("/leave")
    assert sight.messenger.conversations[1].presence is Presence.OVER
    assert sight.rooms == ["demo", "other"]
    sight.press("Remove from list")
    assert sight.rooms == ["demo"]
    assert sight.window.current is sight.messenger.conversations[0]
    sight.action(Do.REMOVE).trigger()
    sight.look()
    assert sight.rooms == []
    assert sight.window.centre.currentWidget() is sight.window.start
    assert all(link.closed for link in sight.relay.links)


def test_a_host_who_is_not_alone_is_asked_before_the_room_closes(sight: Sight) -> None:
    conversation = sight.enter(create=True)
    sight.happen(MemberJoined("bob"))
    for done in (Do.LEAVE, Do.REMOVE):
        sight.action(done).trigger()
        box = next(each for each in sight.window.findChildren(QMessageBox) if each.isVisible())
        box.button(QMessageBox.StandardButton.No).click()
        sight.look()
        assert conversation.presence is Presence.HERE
    sight.action(Do.REMOVE).trigger()
    assert "closes for everybody" in sight.agree()
    assert sight.rooms == []


def test_unread_messages_are_counted_everywhere(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    badges: list[int] = []
    monkeypatch.setattr(QApplication, "setBadgeNumber", badges.append)
    sight.enter()
    sight.enter("other")
    sight.hear("bob: one", "bob: two", link=0)
    assert sight.window.windowTitle() == "(2) other - Chat"
    item = sight.window.rooms.list.item(0)
    assert item.data(Qt.ItemDataRole.AccessibleTextRole) == "demo, Connected, 2 unread messages"
    assert badges == [2]
    sight.window.rooms.list.setCurrentRow(0)
    sight.look()
    assert sight.window.windowTitle() == "demo - Chat"
    assert badges == [2, 0]


def test_what_comes_while_one_looks_elsewhere_is_unread(sight: Sight) -> None:
    conversation = sight.enter()
    other = sight.look_away()
    sight.hear("bob: hello?")
    assert conversation.unread == 1
    sight.look_back()
    assert conversation.unread == 0
    other.close()


def test_a_person_who_looks_elsewhere_is_called(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(QApplication, "alert", lambda window, _time: called.append(window))
    conversation = sight.enter()
    sight.hear("bob: seen")
    other = sight.look_away()
    sight.hear("bob: unseen")
    assert called == [sight.window]
    sight.action(Do.QUIET).trigger()
    assert conversation.muted
    sight.pass_time(10)
    sight.hear("bob: quiet")
    assert called == [sight.window]
    assert "(1)" not in sight.window.windowTitle(), "what is quiet isn't counted"
    other.close()


def test_notifications_show_text_as_text(sight: Sight) -> None:
    conversation = sight.enter()

    class Tray:
        def __init__(self) -> None:
            self.shown: list[tuple[str, str]] = []

        def showMessage(self, title: str, text: str, *_rest: object) -> None:  # noqa: N802 - Qt's name
            self.shown.append((title, text))

        def icon(self) -> None: ...

        def hide(self) -> None: ...

    tray = Tray()
    sight.window.attention.tray = tray  # type: ignore[assignment]  # a stand-in
    line = Line(Kind.MESSAGE, NOON, "<b>hi</b> & bye", "bob")
    sight.window.attention.alert(conversation, line)
    assert tray.shown == [], "the window is being looked at"
    other = sight.look_away()
    sight.window.attention.alert(conversation, line)
    assert [text for _, text in tray.shown] == [plain("bob: <b>hi</b> & bye")]
    assert not set("<>&") & set(plain("<b>&", "linux"))
    assert plain("<b>&", "win32") == "<b>&"
    sight.window.attention.wanted.emit(conversation)
    sight.look()
    assert sight.window.isActiveWindow()
    other.close()


def test_keys_go_through_the_rooms(sight: Sight) -> None:
    for room in ("one", "two", "three"):
        sight.enter(room)
    words = sight.window.chat.composer.words
    QTest.keyClick(words, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    assert sight.window.current is sight.messenger.conversations[0]
    QTest.keyClick(words, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
    assert sight.window.current is sight.messenger.conversations[2]
    QTest.keyClick(words, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert sight.window.current is sight.messenger.conversations[1]


def test_an_invitation_is_copied(sight: Sight) -> None:
    sight.enter("garden party")
    area = sight.window.chat.area
    assert area.hint.isVisible()
    assert area.childAt(area.hint.geometry().center()) in area.hint.findChildren(QWidget)  # nothing covers it
    sight.window.chat.area.hint.invite.click()
    assert QApplication.clipboard().text() == "chat://relay.example:9000/garden%20party"
    sight.hear("bob: hi")
    assert not sight.window.chat.area.hint.isVisible()


def test_the_hint_of_a_room_without_messages_covers_no_lines(sight: Sight) -> None:
    sight.enter()
    area = sight.window.chat.area
    assert area.hint.isVisible()
    sight.happen(*(MemberJoined(f"bob{number}") for number in range(40)))
    assert not area.hint.isVisible()


def test_help_lists_keys_and_commands(sight: Sight) -> None:
    sight.enter()
    sight.type("/help")
    dialogs = sight.window.findChildren(HelpDialog)
    assert len(dialogs) == 1
    dialogs[0].accept()


def test_a_command_that_is_none_stays_typed_and_is_not_said(sight: Sight) -> None:
    sight.enter()
    sight.type("/levae")
    assert sight.window.chat.composer.text == "/levae"
    assert "Unknown command /levae" in sight.text
    assert "/levae" not in sight.relay.words


def test_closing_leaves_every_room(sight: Sight) -> None:
    for room in ("one", "two"):
        sight.enter(room)
    sight.window.close()
    assert all(each.presence is Presence.OVER for each in sight.messenger.conversations)
    assert all(link.closed for link in sight.relay.links)
    assert len(sight.relay.heard) > 2


def test_much_at_once_is_drawn_seldom(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    sight.enter()
    drawn: list[None] = []
    monkeypatch.setattr(sight.window.chat.area, "render_area", lambda _conversation: drawn.append(None))
    for number in range(500):
        sight.relay.says(f"bob: {number}")
    assert drawn == []
    sight.look()
    assert 1 <= len(drawn) <= 4


def test_a_link_that_was_opened_elsewhere_brings_the_window_up(sight: Sight) -> None:
    sight.enter("demo")
    sight.window.showMinimized()
    sight.window.welcome(parse_invite("chat://relay.example:7000/tea"))
    assert not sight.window.isMinimized()
    assert sight.window.centre.currentWidget() is sight.window.start
    assert sight.window.start.form.room.text() == "tea"


def test_at_the_start_one_can_type_ones_name_at_once(sight: Sight) -> None:
    assert sight.window.focusWidget() is sight.window.start.form.name


def test_the_room_one_comes_into_is_shown_though_the_focus_goes_by_the_list(sight: Sight) -> None:
    for room in ("one", "two", "three"):
        sight.window.messenger.enter(entry(room))
    sight.window.show_start()
    sight.window.activateWindow()
    QApplication.processEvents()
    assert sight.window.start.form.name.hasFocus()
    last = sight.window.messenger.conversations[-1]
    sight.window.show_conversation(last)
    assert sight.window.current is last
    assert sight.window.chat.bar.title.text() == "three"
    assert sight.window.chat.composer.words.hasFocus()


def test_the_list_shows_what_was_said_last_not_who_came_and_went(sight: Sight) -> None:
    sight.enter("one")
    sight.enter("two")
    item = sight.window.rooms.list.item(0)
    assert item.data(Role.SUBTITLE) == "relay.example:9000"
    sight.hear("bob: hi", link=0)
    sight.happen(MemberLeft("Zed3"), link=0)
    assert item.data(Role.SUBTITLE) == "bob: hi"


def test_who_is_called_by_name_sees_it(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    sight.enter(create=True)
    sight.hear("bob: hello Ann, tea?")
    document = sight.window.chat.area.transcript.document()
    assert document.lastBlock().blockFormat().boolProperty(MENTIONS)
    assert document.find("Ann", 0, QTextDocument.FindFlag.FindCaseSensitively).charFormat().font().bold()
    assert not document.find("hello").charFormat().font().bold()
    other = sight.look_away()
    tray = QSystemTrayIcon(sight.window.windowIcon(), sight.window)
    monkeypatch.setattr(sight.window.attention, "tray", tray)
    monkeypatch.setattr(tray, "showMessage", lambda title, *_rest: told.append(title))
    sight.pass_time(10.0)
    sight.hear("bob: ann!", "bob: anything else")
    assert told == ["demo: bob mentioned you"]
    listed = sight.window.rooms.list.item(0)
    assert (listed.data(Role.UNREAD), listed.data(Role.MENTIONS)) == (2, 1)
    assert "1 with your name" in listed.data(Qt.ItemDataRole.AccessibleTextRole)
    other.close()


def test_what_was_said_is_saved_in_a_file_of_ones_choice(sight: Sight, tmp_path: Path) -> None:
    sight.enter("tea")
    sight.hear("bob: hello")
    sight.action(Do.EXPORT).trigger()
    (dialog,) = sight.window.findChildren(QFileDialog)
    assert "tea 2026-01-02.txt" in dialog.selectedFiles()[0]
    file = tmp_path / "said"
    dialog.selectFile(str(file))
    dialog.accept()
    sight.look()
    assert "bob: hello" in file.with_suffix(".txt").read_text()
    assert f"lines saved to {file}.txt" in sight.text


def test_what_cannot_be_saved_is_said(sight: Sight, tmp_path: Path) -> None:
    sight.enter("tea")
    sight.type(f"/export {tmp_path / 'none' / 'said.txt'}")
    (dialog,) = sight.window.findChildren(QFileDialog)
    (tmp_path / "none").write_text("")
    dialog.fileSelected.emit(str(tmp_path / "none" / "said.txt"))
    sight.look()
    assert "can't be written" in sight.text
    dialog.close()
