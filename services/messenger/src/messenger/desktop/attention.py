"""What calls a person who looks elsewhere: notifications, the badge, the window's title."""

import sys
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from messenger.core.conversation import Conversation
from messenger.core.history import Line
from messenger.desktop.notifications import Notifications
from messenger.presentation.i18n import _
from messenger.presentation.state import title_of

_ALERT_MILLISECONDS: Final = 0
"""Until the window is looked at."""
_NOTICE_MILLISECONDS: Final = 8000
# Linux's notifications may be read as markup; these look the same and mean nothing.
_HARMLESS: Final = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "&": "\N{FULLWIDTH AMPERSAND}",
    }
)


class Attention(QObject):
    """Calls a person; a click on a notification leads to the conversation."""

    wanted = Signal(object)
    """The `Conversation` that a notification was about, or None."""

    def __init__(self, window: QWidget, icon: QIcon) -> None:
        super().__init__(window)
        self._window = window
        self._about: Conversation | None = None
        self._unread = 0
        self.sound = True
        """Whether notifications may be heard, where that is the program's business."""
        self.tray: QSystemTrayIcon | None = None
        self.notifications: Notifications | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self.tray = QSystemTrayIcon(icon, window)
            self.tray.setToolTip(_("Chat"))
            self.tray.messageClicked.connect(lambda: self.wanted.emit(self._about))
            self.tray.activated.connect(lambda _reason: self.wanted.emit(None))
            self.tray.show()
        elif found := Notifications.find():
            self.notifications = found
            found.clicked.connect(lambda: self.wanted.emit(self._about))

    def alert(self, conversation: Conversation, line: Line) -> None:
        """Tell of a message that nobody has seen, unless the window is being looked at."""
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window, _ALERT_MILLISECONDS)
        self._about = conversation
        called = _("{room}: {name} mentioned you").format(room=title_of(conversation), name=line.sender or "?")
        title = plain(called if line.mentions else title_of(conversation))
        text = plain(line.said)
        if self.tray:
            self.tray.showMessage(title, text, self.tray.icon(), _NOTICE_MILLISECONDS)
        elif self.notifications:
            self.notifications.show(title, text, sound=self.sound, milliseconds=_NOTICE_MILLISECONDS)

    def count(self, unread: int) -> None:
        """Show how much is unread on the program's icon."""
        if unread != self._unread:
            self._unread = unread
            QGuiApplication.instance().setBadgeNumber(unread)  # type: ignore[union-attr]

    def end(self) -> None:
        """Take away what was put up."""
        self.count(0)
        if self.tray:
            self.tray.hide()
        if self.notifications:
            self.notifications.end()
            self.notifications = None


def plain(text: str, platform: str = sys.platform) -> str:
    """Make a text such that no desktop reads markup in it."""
    return text.translate(_HARMLESS) if platform == "linux" else text
