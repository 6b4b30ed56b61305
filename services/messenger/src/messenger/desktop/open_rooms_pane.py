"""The rooms of a form's relay, to choose one from."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from messenger.core.open_rooms import ASK_SECONDS, SETTLE_SECONDS, OpenRooms
from messenger.desktop.delegates import Role, RoomDelegate
from messenger.desktop.form import heading
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import _
from messenger.presentation.state import about_room

_MAX_SHOWN: Final = 6
"""So many rooms are in sight at once."""


class OpenRoomsPane(QWidget):
    """Asks the relay from `begin` to `end`; without rooms it is hidden."""

    chosen = Signal(object)
    """A `ListedRoom`."""
    changed = Signal()
    """There are rooms now, or none any more."""

    def __init__(self, open_rooms: OpenRooms, relay: Callable[[], tuple[str, bool] | None], theme: Theme) -> None:
        """``relay`` returns whom to ask, and whether by TLS; None to ask nobody."""
        super().__init__()
        self._open_rooms, self._relay = open_rooms, relay
        self.list = QListWidget()
        self.list.setObjectName("openRooms")
        self.list.setAccessibleName(_("Open rooms"))
        self.list.setAccessibleDescription(_("Rooms of this relay; Enter fills in the form"))
        self.list.setItemDelegate(RoomDelegate(theme))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(heading(_("Open rooms"), "heading"))
        column.addWidget(self.list)
        self.asking = QTimer(self, interval=round(ASK_SECONDS * 1000))
        self.asking.timeout.connect(self._ask)
        self.settling = QTimer(self, singleShot=True, interval=round(SETTLE_SECONDS * 1000))
        self.settling.timeout.connect(self._ask)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        theme.changed.connect(self._fit)
        self.hide()

    def begin(self) -> None:
        """Ask, and go on asking."""
        self._open_rooms.on_change = self._draw
        self.asking.start()
        self._ask()
        self._draw()

    def end(self) -> None:
        """Ask no more."""
        self.asking.stop()
        self.settling.stop()
        self._open_rooms.stop()

    def settle(self) -> None:
        """Ask soon, when nobody types any more."""
        if self.asking.isActive():
            self.settling.start()

    def _ask(self) -> None:
        if relay := self._relay():
            self._open_rooms.ask(relay[0], tls=relay[1])
        else:
            self._open_rooms.stop()

    def _draw(self) -> None:
        """Show the rooms; the same one stays selected, wherever it is now."""
        rooms, selected = self._open_rooms.rooms, self.list.currentItem()
        name = selected.text() if selected else None
        self.list.clear()
        for room in rooms:
            item = QListWidgetItem(room.name)
            item.setData(Role.SUBTITLE, about_room(room))
            item.setData(Role.PERSON, room)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{room.name}, {about_room(room)}")
            self.list.addItem(item)
            if room.name == name:
                self.list.setCurrentItem(item)
        self._fit()
        if self.isHidden() is bool(rooms):
            self.setVisible(bool(rooms))
            self.changed.emit()

    def _fit(self) -> None:
        rows = min(self.list.count(), _MAX_SHOWN)
        self.list.setFixedHeight(rows * max(40, self.list.sizeHintForRow(0)) + 6)

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Role.PERSON))
