"""A window of chat-desktop upon a relay in memory, and what one sees of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from messenger.core.conversation import Conversation
from messenger.desktop.actions import Do
from messenger.desktop.dialogs import LineDialog
from messenger.desktop.form import Mode
from messenger.desktop.key_ring import KeyRing
from messenger.desktop.theme import Theme
from messenger.desktop.window import Window
from messenger.store.recents import Recents
from services.messenger.core.fake_relay import Case, entry


class Sight:
    def __init__(self, theme: Theme, folder: Path, keys: KeyRing | None = None) -> None:
        self.case = Case()
        self.relay, self.links, self.messenger = self.case.relay, self.case.links, self.case.messenger
        self.recents = Recents(folder / "chat" / "recents.json")
        self._theme, self._keys = theme, keys
        self._windows: list[Window] = []
        self.window = self.open_window()

    def open_window(self) -> Window:
        """Open a window, as the program does at its start."""
        self.window = Window(self.messenger, self._theme, self.recents, self._keys)
        self._windows.append(self.window)
        self.window.show()
        self.window.activateWindow()
        self.look()
        return self.window

    def end(self) -> None:
        """Close every window, and be rid of it: each that is left makes the others slower."""
        for window in self._windows:
            window.close_surely()
            window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def look(self) -> None:
        """See what there is now, however seldom it is drawn."""
        for _ in range(2):
            QApplication.processEvents()
            self.window.render_all()
        QApplication.processEvents()

    def look_away(self) -> QWidget:
        """Look at another window; it is there as long as what is returned."""
        other = QWidget()
        other.show()
        other.activateWindow()
        QApplication.processEvents()
        assert not self.window.isActiveWindow()
        return other

    def look_back(self) -> None:
        self.window.activateWindow()
        self.look()
        assert self.window.isActiveWindow()

    def enter(self, room: str | None = "demo", **options: Any) -> Conversation:
        """Be in a place without filling in a form."""
        conversation = self.messenger.enter(entry(room, **options))
        self.look()
        self.window.show_conversation(conversation)
        self.look()
        return conversation

    def fill(self, mode: Mode, *, server: str = "relay.example", room: str = "demo", name: str = "ann") -> None:
        form = self.window.start.form
        form.mode = mode
        form.server.setCurrentText(server)
        form.room.setText(room)
        form.name.setText(name)

    def go(self) -> None:
        self.window.start.form.go.click()
        self.look()

    def type(self, text: str) -> None:
        """Type a line and send it."""
        words = self.window.chat.composer.words
        words.setFocus()
        words.insertPlainText(text)
        QTest.keyClick(words, Qt.Key.Key_Return)
        self.look()

    def hear(self, *messages: str, link: int = -1) -> None:
        for message in messages:
            self.relay.says(message, link)
        self.look()

    def happen(self, *notices: Any, link: int = -1) -> None:
        for notice in notices:
            self.relay.notices(notice, link)
        self.look()

    def pass_time(self, seconds: float) -> None:
        self.links.pass_time(seconds)
        self.look()

    def press(self, label: str) -> None:
        """Press a button of the banner by what it says."""
        button = next(each for each in self.window.chat.banner.buttons if each.text().replace("&", "") == label)
        button.click()
        self.look()

    def answer(self, text: str) -> bool:
        """Write a line into the dialog that asks for one; tells whether it was taken."""
        dialog = next(each for each in self.window.findChildren(LineDialog) if each.isVisible())
        dialog.field.setText(text)
        dialog.buttons.accepted.emit()
        self.look()
        return not any(each.isVisible() for each in self.window.findChildren(LineDialog))

    def agree(self) -> str:
        """Say yes to what is asked; returns the question."""
        box = next(each for each in self.window.findChildren(QMessageBox) if each.isVisible())
        question = box.text()
        box.button(QMessageBox.StandardButton.Yes).click()
        self.look()
        return question

    def action(self, done: Do) -> QAction:
        return self.window.actions_by_name[done]

    @property
    def current(self) -> Conversation:
        """The conversation that is shown."""
        assert self.window.current
        return self.window.current

    @property
    def text(self) -> str:
        """What stands among the messages."""
        return self.window.chat.area.transcript.toPlainText()

    @property
    def banner(self) -> str:
        """What the banner says; empty if there is none."""
        notice = self.window.chat.banner.notice
        return f"{notice.what} {notice.todo}".strip() if notice and self.window.chat.banner.isVisible() else ""

    @property
    def trusted(self) -> list[str]:
        return list(self.case.trust.known.values())

    @property
    def rooms(self) -> list[str]:
        listed = self.window.rooms.list
        return [listed.item(row).text() for row in range(listed.count())]

    @property
    def members(self) -> list[str]:
        listed = self.window.members.list
        return [str(listed.item(row).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(listed.count())]


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def sight(theme: Theme, tmp_path: Path) -> Iterator[Sight]:
    sight = Sight(theme, tmp_path)
    yield sight
    sight.end()
