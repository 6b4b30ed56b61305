"""The bar to search with, above what was said."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton

from messenger.core.conversation import Conversation
from messenger.core.searching import Search
from messenger.desktop.icons import icon
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _
from messenger.presentation.state import found_in


class SearchBar(QFrame):
    """Takes words and says how often they were said; hidden until it is wanted."""

    found = Signal(object, str)
    """The number of a line, or None, and the words."""
    closed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("search")
        self._theme = theme
        self._search: Search | None = None
        self.field = QLineEdit()
        self.field.setPlaceholderText(_("Search in this room"))
        self.field.setAccessibleName(_("Search"))
        self.field.setAccessibleDescription(_("Enter goes to the older message, Shift+Enter to the newer one"))
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        self.older = _button(_("Older (Enter)"), _("Goes to the older message that was found"))
        self.newer = _button(_("Newer (Shift+Enter)"), _("Goes to the newer message that was found"))
        self.close_button = _button(_("Close (Esc)"), _("Closes the search"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 10, 6)
        row.setSpacing(6)
        row.addWidget(self.field, 1)
        for widget in (self.count, self.older, self.newer, self.close_button):
            row.addWidget(widget)
        self.hide()
        self.field.textChanged.connect(self._look)
        self.older.clicked.connect(lambda: self._go(1))
        self.newer.clicked.connect(lambda: self._go(-1))
        self.close_button.clicked.connect(self.end)
        theme.changed.connect(self._draw)
        self._draw()

    def begin(self, conversation: Conversation) -> None:
        """Let words be typed, and look for those that are there already."""
        self._search = Search(conversation.history)
        self.show()
        self.field.setFocus()
        self.field.selectAll()
        self._look()

    def end(self) -> None:
        """Close the search."""
        if self._search:
            self._search = None
            self.hide()
            self.found.emit(None, "")
            self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go to what was found, or end."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._go(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        elif event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self._go(1 if event.key() == Qt.Key.Key_Up else -1)
        elif event.key() == Qt.Key.Key_Escape:
            self.end()
        else:
            super().keyPressEvent(event)

    def _look(self) -> None:
        if self._search:
            self._search.look_for(self.field.text())
            self._tell(self._search)

    def _go(self, step: int) -> None:
        if self._search:
            self._search.go(step)
            self._tell(self._search)

    def _tell(self, search: Search) -> None:
        self.count.setText(found_in(search))
        for button in (self.older, self.newer):
            button.setEnabled(search.count > 1)
        self.found.emit(search.found, search.words)

    def _draw(self) -> None:
        for button, name in ((self.older, "up"), (self.newer, "down"), (self.close_button, "close")):
            button.setIcon(icon(name, self._theme.colours.text, self._theme.colours.muted))


def _button(name: str, description: str) -> QToolButton:
    button = QToolButton()
    button.setIconSize(QSize(18, 18))
    button.setToolTip(name)
    button.setAccessibleName(name.partition(" (")[0])
    button.setAccessibleDescription(description)
    return button
