"""The list of rooms at the left."""

from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QToolButton, QVBoxLayout, QWidget

from messenger.core.conversation import Conversation
from messenger.core.history import Kind
from messenger.core.messenger import Messenger
from messenger.desktop.delegates import Role, RoomDelegate
from messenger.desktop.icons import icon
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _, ngettext
from messenger.presentation.state import state_of, title_of, tone_of

_LOOKED_THROUGH: Final = 100
"""In so many lines what was said last is looked for: the list is drawn often."""


class _RoomList(QListWidget):
    """A list in which the focus alone chooses nothing."""

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Have no row begun with: Qt would choose the first one, also where the focus only comes by."""
        blocked = self.blockSignals(True)
        super().focusInEvent(event)
        self.blockSignals(blocked)


class Rooms(QWidget):
    """Lists the conversations; what is chosen is shown."""

    chosen = Signal(object)
    """A `Conversation`."""
    menu_wanted = Signal(object, QPoint)

    def __init__(self, messenger: Messenger, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("side")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hidden: Conversation | None = None
        """One that isn't listed, as one isn't in for the first time yet."""
        self._messenger = messenger
        self._theme = theme
        self._listed: list[Conversation] = []
        self._shown: dict[int, object] = {}
        self.title = QLabel(_("Rooms"))
        self.title.setProperty("role", "title")
        self.new = _button(_("New room (Ctrl+N)"), _("New room"), _("Opens the page to create or join a room"))
        self.menu = _button(_("Menu (F10)"), _("Menu"), _("Opens the program menu"))
        self.list = _RoomList(self)
        self.list.setAccessibleName(_("Rooms"))
        self.list.setAccessibleDescription(_("Your rooms; the menu key opens a menu"))
        self.list.setItemDelegate(RoomDelegate(theme))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._ask_for_menu)
        self.list.currentRowChanged.connect(self._choose)
        self.list.itemClicked.connect(lambda item: self._choose(self.list.row(item)))
        self.list.itemActivated.connect(lambda item: self._choose(self.list.row(item)))
        bar = QHBoxLayout()
        bar.setContentsMargins(16, 10, 10, 6)
        bar.addWidget(self.title, 1)
        bar.addWidget(self.new)
        bar.addWidget(self.menu)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.list, 1)
        theme.changed.connect(self._draw)
        self._draw()

    @property
    def conversations(self) -> list[Conversation]:
        """Those that are listed."""
        return [each for each in self._messenger.conversations if each is not self.hidden]

    def render_rooms(self, current: Conversation | None) -> None:
        """Show what has changed."""
        wanted = self.conversations
        self.list.blockSignals(True)
        if wanted != self._listed:
            self.list.clear()
            self._shown.clear()
            for conversation in wanted:
                self.list.addItem(QListWidgetItem(title_of(conversation)))
            self._listed = wanted
        for row, conversation in enumerate(wanted):
            self._render(row, conversation)
        row = wanted.index(current) if current in wanted else -1
        if self.list.currentRow() != row:
            self.list.setCurrentRow(row)
        self.list.blockSignals(False)

    def _render(self, row: int, conversation: Conversation) -> None:
        tone = tone_of(conversation)
        state = state_of(conversation, self._messenger.retry_seconds(conversation))
        subtitle = state if tone else _last_said(conversation) or str(conversation.entry.server)
        shown = (subtitle, conversation.unread, conversation.mentions, conversation.muted, tone)
        if self._shown.get(row) == shown:
            return
        self._shown[row] = shown
        item = self.list.item(row)
        item.setData(Role.SUBTITLE, subtitle)
        item.setData(Role.UNREAD, conversation.unread)
        item.setData(Role.MENTIONS, conversation.mentions)
        item.setData(Role.QUIET, conversation.muted)
        item.setData(Role.TONE, tone.value if tone else "")
        item.setData(Role.LOBBY, conversation.entry.room is None)
        unread = ngettext("{count} unread message", "{count} unread messages", conversation.unread)
        spoken = [item.text(), state, unread.format(count=conversation.unread)]
        if count := conversation.mentions:
            spoken.append(ngettext("{count} with your name", "{count} with your name", count).format(count=count))
        if conversation.muted:
            spoken.append(_("notifications off"))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(spoken))

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._listed):
            self.chosen.emit(self._listed[row])

    def _ask_for_menu(self, position: QPoint) -> None:
        item = self.list.itemAt(position) or self.list.currentItem()
        if item:
            at = self.list.visualItemRect(item).center() if self.list.itemAt(position) is None else position
            self.menu_wanted.emit(self._listed[self.list.row(item)], self.list.viewport().mapToGlobal(at))

    def _draw(self) -> None:
        self.new.setIcon(icon("plus", self._theme.colours.text, self._theme.colours.muted))
        self.menu.setIcon(icon("menu", self._theme.colours.text, self._theme.colours.muted))
        self.list.viewport().update()


def _button(tip: str, name: str, description: str) -> QToolButton:
    button = QToolButton()
    button.setIconSize(QSize(20, 20))
    button.setToolTip(tip)
    button.setAccessibleName(name)
    button.setAccessibleDescription(description)
    return button


def _last_said(conversation: Conversation) -> str:
    """Return what somebody said last; who came and went since isn't worth the place."""
    history = conversation.history
    for number in range(history.end - 1, max(history.start, history.end - _LOOKED_THROUGH) - 1, -1):
        line = history[number]
        if line.kind in {Kind.MESSAGE, Kind.OWN}:
            return line.said
    return ""
