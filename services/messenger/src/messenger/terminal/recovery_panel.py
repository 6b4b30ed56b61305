"""Below the messages, when a conversation can't go on by itself: why, and buttons for what helps."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Button, Static

from messenger.core.conversation import Conversation
from messenger.core.facts import Presence
from messenger.core.remedy import Remedy
from messenger.presentation.state import Act, Notice, label_of, notice_of, plain

_BUTTONS: Final = {f"button-{meant.name.lower()}": meant for meant in (*Remedy, *Act)}


_OWN_BUSINESS: Final = {Presence.LOOKING, Presence.ENTERING}
"""While it comes in at first, the head of the screen says all there is to say."""


class RecoveryPanel(Vertical):
    """Hidden while there is nothing to choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous"),
        Binding("right,down", "app.focus_next"),
    ]

    class Chosen(Message):
        """A button was pressed."""

        def __init__(self, meant: Remedy | Act) -> None:
            super().__init__()
            self.meant = meant

    class Typed(Message):
        """Somebody begins to type: no button is meant."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._shown: tuple[Conversation, Notice] | None = None

    def compose(self) -> ComposeResult:
        """Make room for the words and for every button."""
        yield Static(id="recovery-what", markup=False)
        yield Static(id="recovery-todo", markup=False)
        with Horizontal(id="recovery-buttons"):
            for name, meant in _BUTTONS.items():
                yield Button(plain(label_of(meant)), id=name, compact=True)

    def show(self, conversation: Conversation, retry_seconds: float) -> bool:
        """Show what there is to choose; returns whether that is something new."""
        notice = notice_of(conversation, retry_seconds) if conversation.presence not in _OWN_BUSINESS else None
        shown = (conversation, notice) if notice else None
        if shown == self._shown:
            return False
        self._shown = shown
        self.display = notice is not None
        if notice is None:
            return False
        todo = f"SHA-256: {notice.code}" if notice.code else notice.todo
        self.query_one("#recovery-what", Static).update(Content(notice.what))
        self.query_one("#recovery-todo", Static).update(Content(todo))
        self.query_one("#recovery-todo").display = bool(todo)
        row = self.query_one("#recovery-buttons")
        buttons = {meant: self.query_one(f"#{name}", Button) for name, meant in _BUTTONS.items()}
        for meant, button in buttons.items():
            button.display = meant in notice.buttons
        for meant in reversed(notice.buttons):
            row.move_child(buttons[meant], before=0)
        return True

    def focus_first(self) -> None:
        """Go to the first button that is shown."""
        if button := self._first():
            button.focus()

    def press_first(self) -> None:
        """Do what the first button that is shown does."""
        if button := self._first():
            button.press()

    def _first(self) -> Button | None:
        return next((button for button in self.query(Button) if self.display and button.display), None)

    def on_key(self, event: Key) -> None:
        """Hand on what is typed."""
        if event.is_printable and event.character:
            event.stop()
            self.post_message(self.Typed(event.character))

    def on_paste(self, event: Paste) -> None:
        """Hand on what is pasted."""
        event.stop()
        self.post_message(self.Typed(event.text))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Tell which one it was."""
        if event.button.id:
            self.post_message(self.Chosen(_BUTTONS[event.button.id]))
