"""The lists at the sides: rooms with what was not read, and members with their host."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.roster import Person
from messenger.presentation.state import marks_of, title_of
from messenger.terminal.themes import name_colour

ROOM_COLUMNS = 16
MEMBER_COLUMNS = 18
_SIGNS = {Presence.HERE: "●", Presence.OVER: "×", Presence.ASKING: "?"}  # noqa: RUF001 - a sign


class Pane(OptionList):
    """A list that is drawn anew only when something in it changed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.focus_composer")]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, markup=False, compact=True)
        self._shown: Hashable = None

    def put(self, key: Hashable, prompts: Sequence[Content], highlighted: int | None) -> None:
        """Show these lines unless they are those that are shown; ``key`` says whether they are."""
        if key == self._shown:
            return
        self._shown = key
        kept = self.highlighted if highlighted is None else highlighted
        top = self.scroll_offset.y
        self.clear_options()
        self.add_options([Option(prompt) for prompt in prompts])
        if prompts:
            self.highlighted = min(kept or 0, len(prompts) - 1) if kept is not None else None
        self.scroll_to(y=top, animate=False)


class RoomsPane(Pane):
    """The conversations, and how much is unread in each."""

    def show(self, conversations: Sequence[Conversation], current: Conversation | None) -> None:
        """Show these."""
        rows = tuple(
            (
                title_of(room),
                room.presence,
                *((room.unread, room.mentions) if room is not current else (0, 0)),
                room.muted,
            )
            for room in conversations
        )
        index = conversations.index(current) if current in conversations else None
        self.put((rows, index), [_room_line(*row) for row in rows], index)


class MembersPane(Pane):
    """Who is in the room."""

    def show(self, people: Sequence[Person]) -> None:
        """Show these."""
        dark = self.app.current_theme.dark
        self.put((*people, dark), [_member_line(person, dark=dark) for person in people], None)


def _room_line(title: str, presence: Presence, unread: int, mentions: int, muted: bool) -> Content:
    count = f" {unread if unread < 1000 else '999+'}" if unread else ""
    called = f" @{mentions if mentions < 100 else '99+'} " if mentions else ""
    name = _fit(title, ROOM_COLUMNS - 2 - cell_len(count) - cell_len(called))
    return Content.assemble(
        (_SIGNS.get(presence, "○"), "$success" if presence is Presence.HERE else "$warning"),
        " ",
        (name, "bold" if unread and not muted else ""),
        (called, "bold $background on $accent"),
        (count, "$foreground 60%" if muted else "bold $accent"),
    )


def _member_line(person: Person, *, dark: bool) -> Content:
    mark = next(iter(marks_of(person)), "")
    name = _fit(person.name, MEMBER_COLUMNS - (cell_len(mark) + 1 if mark else 0)) if mark else person.name
    colour = "$foreground 60%" if person.ignored else f"{name_colour(person.name, dark=dark)} bold"
    return Content.assemble((name, colour), (f" {mark}" if mark else "", "$foreground 60%"))


def _fit(name: str, columns: int) -> str:
    """Fill a name up, or cut it, to so many columns."""
    return set_cell_size(name, columns) if cell_len(name) <= columns else set_cell_size(name, columns - 1) + "…"
