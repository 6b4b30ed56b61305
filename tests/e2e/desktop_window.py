"""Somebody at a window of chat-desktop: Qt's own sockets, a relay as a process, nothing in between."""

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from application import the_application
from chatclient.links import SocketLinks
from messenger.desktop.app import build
from messenger.desktop.form import Mode
from messenger.desktop.sockets import QtLoop
from messenger.store.ignored import IgnoredPeople
from messenger.store.known_servers import KnownServers
from messenger.store.recents import Recents

WAIT_SECONDS = 100.0  # a flood of what Qt lays out slowly takes a quarter of that where nothing else runs
_LOOK_MILLISECONDS = 20


def wait_until(seen: Callable[[], bool], what: Callable[[], str]) -> None:
    """Let Qt work until something is to be seen; ``what`` says what is there instead."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not seen():
        assert time.monotonic() < deadline, f"Not seen in time. There is: {what()}"
        loop = QEventLoop()
        QTimer.singleShot(_LOOK_MILLISECONDS, loop.quit)
        loop.exec()


class Onlooker:
    """Looks at a window, and uses what a person would."""

    def __init__(self, folder: Path) -> None:
        links, trust = SocketLinks(QtLoop()), KnownServers(folder / "known_servers")
        self.window = build(
            the_application(), links, trust, IgnoredPeople(folder / "ignored.json"), Recents(folder / "recents.json")
        )
        self.window.show()

    def fill(self, mode: Mode, server: str, room: str, name: str, password: str = "") -> None:
        form = self.window.start.form
        form.mode = mode
        form.server.setCurrentText(server)
        form.room.setText(room)
        form.name.setText(name)
        form.password.setText(password)
        form.go.click()

    def enter(self, mode: Mode, server: str, room: str, name: str, password: str = "") -> None:
        """Come in, and wait until one is."""
        self.fill(mode, server, room, name, password)
        self.sees("You created" if mode is Mode.CREATE else "You are in")

    def says(self, text: str) -> None:
        self.window.chat.composer.put(text)
        self.window.chat.composer.words.entered.emit()

    @property
    def text(self) -> str:
        return self.window.chat.area.transcript.toPlainText()

    @property
    def banner(self) -> str:
        notice = self.window.chat.banner.notice
        return f"{notice.what} {notice.todo}" if notice else ""

    @property
    def problems(self) -> str:
        """What the form says is wrong."""
        form = self.window.start.form
        return "\n".join(field.problem.text() for field in form.fields.values() if field.problem.isVisible())

    @property
    def members(self) -> list[str]:
        listed = self.window.members.list
        return [listed.item(row).text() for row in range(listed.count())]

    def sees(self, text: str) -> None:
        wait_until(lambda: text in self.text, lambda: f"{self.text}\n{self.banner}\n{self.problems}")

    def is_told(self, text: str) -> None:
        """Wait until the banner says it."""
        wait_until(lambda: text in self.banner, lambda: f"{self.banner}\n{self.text}")

    def is_refused(self, text: str) -> None:
        """Wait until the form says it in place."""
        wait_until(lambda: text in self.problems, lambda: f"{self.problems}\n{self.text}")

    def sees_members(self, *names: str) -> None:
        wait_until(lambda: self.members == list(names), lambda: repr(self.members))

    def kicks(self, name: str) -> None:
        """Choose the entry of somebody's menu, and say yes."""
        conversation = self.window.current
        assert conversation
        person = next(each for each in conversation.roster.people if each.name == name)
        menu = self.window.chat.open_person_menu(person, self.window.pos())
        assert menu
        next(action for command, action in menu.commands.items() if command == "kick").trigger()
        menu.close()
        box = next(each for each in self.window.findChildren(QMessageBox) if each.isVisible())
        box.button(QMessageBox.StandardButton.Yes).click()

    def presses(self, label: str) -> None:
        button = next(each for each in self.window.chat.banner.buttons if each.text().replace("&", "") == label)
        button.click()

    def closes(self) -> None:
        """Close the window, and say yes where the host of others is asked."""
        self.window.close()
        for box in self.window.findChildren(QMessageBox):
            box.button(QMessageBox.StandardButton.Yes).click()

    def end(self) -> None:
        self.window.close_surely()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
