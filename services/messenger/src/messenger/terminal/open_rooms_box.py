"""The rooms of a form's relay, to choose one from."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from chatproto import ListedRoom
from messenger.core.open_rooms import ASK_SECONDS, SETTLE_SECONDS, OpenRooms
from messenger.presentation.i18n import _
from messenger.presentation.state import about_room

if TYPE_CHECKING:
    from textual.timer import Timer


class OpenRoomsBox(Vertical):
    """Asks the relay as long as it is in a screen; without rooms there is nothing to see."""

    class Chosen(Message):
        """A room was chosen."""

        def __init__(self, room: ListedRoom) -> None:
            super().__init__()
            self.room = room

    def __init__(self, open_rooms: OpenRooms, relay: Callable[[], tuple[str, bool] | None]) -> None:
        """``relay`` returns whom to ask, and whether by TLS; None to ask nobody."""
        super().__init__(id="open-box")
        self._open_rooms = open_rooms
        self._relay = relay
        self._settling: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(Content(_("Open rooms")), id="open-title")
        yield OptionList(id="open-rooms", markup=False, compact=True)

    def on_mount(self) -> None:
        """Ask, and go on asking."""
        self._open_rooms.on_change = self._draw
        self._draw()
        self.set_interval(ASK_SECONDS, self._ask)
        self._ask()

    def on_unmount(self) -> None:
        """Ask no more."""
        self._open_rooms.on_change = lambda: None
        self._open_rooms.stop()

    def settle(self) -> None:
        """Ask soon, when nobody types any more."""
        if self._settling:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_SECONDS, self._ask)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which room was chosen."""
        self.post_message(self.Chosen(self._open_rooms.rooms[event.option_index]))

    def _ask(self) -> None:
        relay = self._relay()
        if relay:
            self._open_rooms.ask(relay[0], tls=relay[1])
        else:
            self._open_rooms.stop()

    def _draw(self) -> None:
        """Show the rooms; the mark stays on the same one, wherever it is now."""
        listed, rooms = self.query_one("#open-rooms", OptionList), self._open_rooms.rooms
        marked = listed.highlighted_option.id if listed.highlighted_option else None
        listed.set_options(_option(room) for room in rooms)
        listed.highlighted = next((row for row, room in enumerate(rooms) if room.name == marked), None)
        self.display = bool(rooms)


def _option(room: ListedRoom) -> Option:
    return Option(Content.assemble((room.name, "bold"), ("  " + about_room(room), "$foreground 60%")), id=room.name)
