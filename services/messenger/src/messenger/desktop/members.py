"""The list of those who are in the room, at the right."""

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QToolButton, QVBoxLayout, QWidget

from chatproto import sanitize
from messenger.core.conversation import Conversation
from messenger.core.roster import Person
from messenger.desktop.delegates import PersonDelegate, Role
from messenger.desktop.icons import icon
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _
from messenger.presentation.state import marks_of, members_of


class Members(QWidget):
    """Lists who is there; a menu says what can be done with somebody."""

    menu_wanted = Signal(Person, QPoint)
    mentioned = Signal(Person)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("members")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._people: list[Person] = []
        self._count = 0
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.back = QToolButton()
        self.back.setToolTip(_("Back to the messages (Esc)"))
        self.back.setAccessibleName(_("Back to the messages"))
        self.back.setAccessibleDescription(_("Hides the list of members"))
        self.back.clicked.connect(self.closed)
        self.list = QListWidget(self)
        self.list.setAccessibleName(_("Members"))
        self.list.setAccessibleDescription(_("The members of this room; the menu key opens a menu"))
        self.list.setItemDelegate(PersonDelegate(theme))
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._ask_for_menu)
        self.list.itemActivated.connect(lambda item: self.mentioned.emit(item.data(Role.PERSON)))
        self.hint = QLabel(_("This relay has no list of members: only those who spoke are shown."))
        self.hint.setProperty("role", "muted")
        self.hint.setWordWrap(True)
        self.hint.setContentsMargins(16, 4, 12, 12)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 14, 8, 8)
        bar.addWidget(self.back)
        bar.addSpacing(6)
        bar.addWidget(self.title, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.list, 1)
        column.addWidget(self.hint)
        theme.changed.connect(self._draw)
        self._draw()

    def render_members(self, conversation: Conversation | None) -> None:
        """Show who is there now."""
        people = list(conversation.people) if conversation else []
        unlisted = conversation is not None and not (conversation.obeys or conversation.roster.known)
        self.hint.setVisible(unlisted and bool(people))
        count = len(conversation.roster) if conversation else 0
        if (people, count) == (self._people, self._count) and self.title.text():
            return
        self._people, self._count = people, count
        self.title.setText(members_of(conversation) if conversation and people else _("Members"))
        chosen = self.list.currentRow()
        scrolled = self.list.verticalScrollBar().value()
        self.list.setUpdatesEnabled(False)
        while self.list.count() > len(people):
            self.list.takeItem(self.list.count() - 1)
        for row, person in enumerate(people):
            if row == self.list.count():
                self.list.addItem(QListWidgetItem())
            self._fill(self.list.item(row), person)
        self.list.setCurrentRow(min(chosen, len(people) - 1))
        self.list.verticalScrollBar().setValue(scrolled)
        self.list.setUpdatesEnabled(True)

    def _fill(self, item: QListWidgetItem, person: Person) -> None:
        if item.data(Role.PERSON) == person:
            return
        name = sanitize(person.name)
        item.setText(name)
        item.setData(Role.PERSON, person)
        item.setData(Role.HOST, person.host)
        item.setData(Role.MUTED, person.muted)
        item.setData(Role.IGNORED, person.ignored)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join([name, *marks_of(person)]))

    def _ask_for_menu(self, position: QPoint) -> None:
        item = self.list.itemAt(position) or self.list.currentItem()
        if item:
            at = self.list.visualItemRect(item).center() if self.list.itemAt(position) is None else position
            self.menu_wanted.emit(item.data(Role.PERSON), self.list.viewport().mapToGlobal(at))

    def _draw(self) -> None:
        self.back.setIcon(icon("back", self._theme.colours.text, self._theme.colours.muted))
        self.list.viewport().update()
