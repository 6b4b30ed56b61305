"""The rooms, what is said in one of them, who is there, and the line that one types."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.style import Style
from textual.widgets import OptionList, Static

from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.messenger import Messenger
from messenger.core.roster import Person
from messenger.presentation.state import is_encrypted, seal_of, state_of, title_of
from messenger.terminal import phrases
from messenger.terminal.composer import Composer
from messenger.terminal.panes import MembersPane, Pane, RoomsPane
from messenger.terminal.recovery_panel import RecoveryPanel
from messenger.terminal.search_line import SearchLine
from messenger.terminal.transcript import Transcript

_STUCK: Final = {Presence.ASKING, Presence.OVER}
"""Here nothing goes on before a person has chosen; else one may go on typing."""
_WIDE, _MIDDLING = 100, 70
"""From so many columns on there is space for both lists, and for one."""


class RoomScreen(Screen[None]):
    """Shows one conversation of a messenger, and the others beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "focus_composer"),
        Binding("ctrl+end", "go_to_end"),
        Binding("ctrl+home", "go_to_start"),
        Binding("pageup", "scroll(-1)"),
        Binding("pagedown", "scroll(1)"),
        Binding("f8", "press_first"),
    ]
    AUTO_FOCUS = "#composer"

    class Ready(Message):
        """Everything is laid out."""

    class RoomChosen(Message):
        """Somebody wants to see another room."""

        def __init__(self, conversation: Conversation) -> None:
            super().__init__()
            self.conversation = conversation

    class PersonChosen(Message):
        """Somebody wants to do something about a member."""

        def __init__(self, person: Person) -> None:
            super().__init__()
            self.person = person

    def __init__(self, messenger: Messenger) -> None:
        super().__init__()
        self._messenger = messenger
        self.current: Conversation | None = None
        self.transcript = Transcript(id="transcript")
        self.composer = Composer(lambda: self.current, id="composer")
        self._where, self._presence = Static(id="where", markup=False), Static(id="presence", markup=False)
        self._chip = Chip(id="chip", markup=False)
        self._rooms, self._members = RoomsPane(id="rooms"), MembersPane(id="members")
        self._panes: dict[str, Pane] = {"rooms": self._rooms, "members": self._members}
        self._recovery = RecoveryPanel(id="recovery")
        self._search = SearchLine(id="search")
        self._titles = ("", "")
        self._wanted: dict[str, bool] = {}
        """Which panes a person wants to see or not, whatever space there is."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Horizontal(id="head"):
            yield self._where
            yield self._presence
        with Horizontal(id="body"):
            yield self._rooms
            with Vertical(id="middle"):
                yield self.transcript
                yield self._chip
            yield self._members
        yield self._recovery
        yield self._search
        yield self.composer
        yield Static(_hints(), id="hints")

    def on_mount(self) -> None:
        """Say that one may begin."""
        self.post_message(self.Ready())

    def show(self, conversation: Conversation | None) -> None:
        """Show another conversation; what stands typed is kept for when one comes back."""
        if self.current is conversation:
            return
        if self.current:
            self.current.draft = self.composer.value
        self.current = conversation
        self._search.action_close()
        self.composer.put(conversation.draft if conversation else "")
        if conversation:
            self.transcript.show(conversation)
        self.take_in()
        if not self._recovery.display:
            self.composer.focus()

    def take_in(self) -> None:
        """Show what is new."""
        room = self.current
        self._rooms.show(self._messenger.conversations, room)
        if room is None:
            return
        self._take_in_head(room)
        self._members.show(room.people)
        titles = (phrases.members(room), phrases.role(room))
        if titles != self._titles:  # to set them is to draw them
            self._titles = titles
            self._members.border_title, self.composer.border_title = map(Content, titles)
        self.composer.count()
        self.transcript.take_in()
        self._take_in_chip(room)
        was_stuck = self._recovery.display
        new = self._recovery.show(room, self._messenger.retry_seconds(room))
        if new and room.presence in _STUCK and not self.composer.value:
            self._recovery.focus_first()
        elif not self._recovery.display and (was_stuck or self.focused is None):
            self.composer.focus()
        self._fold()

    def _take_in_head(self, room: Conversation) -> None:
        title = [(f" {title_of(room)} ", "bold")]
        if seal := seal_of(room):
            title.append((f" {seal} ", "$success"))
        if room.topic:
            title.append((f" {room.topic}", "$foreground 60%"))
        _update(self._where, Content.assemble(*title))
        words = state_of(room, self._messenger.retry_seconds(room))
        if is_encrypted(room):
            words = f"🔒 {words}"
        state = self._presence
        state.set_class(room.presence is Presence.HERE, "-here")
        state.set_class(room.presence is Presence.OVER, "-over")
        _update(state, Content(f" {words} "))

    def _take_in_chip(self, room: Conversation) -> None:
        chip = self._chip
        chip.display = not self.transcript.following
        if chip.display:
            _update(chip, Content(f" ↓ {phrases.new_messages(room.unread) if room.unread else ''} ".replace("  ", " ")))

    def _fold(self) -> None:
        several = len(self._messenger.conversations) > 1
        automatic = {
            "rooms": self.size.width >= _WIDE or (self.size.width >= _MIDDLING and several),
            "members": self.size.width >= _WIDE,
        }
        for name, space in automatic.items():
            self._panes[name].display = self._wanted.get(name, space)

    def toggle(self, name: str) -> None:
        """Show a pane or hide it, from now on."""
        self._wanted[name] = not self._panes[name].display
        self._fold()
        if self.focused is None or not self.focused.display:
            self.composer.focus()

    def on_resize(self, _event: Resize) -> None:
        """Fold the panes when there is little space."""
        self._fold()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to a room, or ask what to do about somebody."""
        if event.option_list.id == "rooms":
            self.post_message(self.RoomChosen(self._messenger.conversations[event.option_index]))
        elif self.current:
            self.post_message(self.PersonChosen(self.current.people[event.option_index]))

    def search(self) -> None:
        """Search in what was said."""
        if self.current:
            self._search.begin(self.current)

    def on_search_line_found(self, event: SearchLine.Found) -> None:
        """Show what was found."""
        self.transcript.show_found(event.number, event.words)

    def on_search_line_closed(self) -> None:
        """Go where one types."""
        self.composer.focus()

    def on_composer_scroll_wanted(self, event: Composer.ScrollWanted) -> None:
        """Scroll what was said."""
        self.action_scroll(event.pages)

    def on_recovery_panel_typed(self, event: RecoveryPanel.Typed) -> None:
        """Let it stand where one types."""
        self.composer.focus()
        self.composer.take(event.text)

    def on_transcript_scrolled(self) -> None:
        """Say whether there is more below."""
        self.take_in()

    def action_scroll(self, pages: int) -> None:
        """Scroll by pages."""
        if pages < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    def action_go_to_end(self) -> None:
        """Show the newest."""
        self.transcript.go_to_end()

    def action_go_to_start(self) -> None:
        """Show the oldest."""
        self.transcript.scroll_home(animate=False)

    def action_press_first(self) -> None:
        """Do what helps first: try now, or send again."""
        self._recovery.press_first()

    def action_focus_composer(self) -> None:
        """Go where one types."""
        self.composer.focus()


class Chip(Static):
    """Lies over the messages while there is more below; a click goes there."""

    def on_click(self) -> None:
        """Show the newest."""
        if isinstance(self.screen, RoomScreen):
            self.screen.action_go_to_end()


def _update(widget: Static, content: Content) -> None:
    if widget.content != content:
        widget.update(content)


def _hints() -> Content:
    pieces: list[Content] = []
    for key, text, action in phrases.hints():
        click = Style.from_meta({"@click": action})
        pieces.append(Content.assemble((f" {key}", Style.parse("bold") + click), (f" {text} ", click)))
    return Content("").join(pieces)
