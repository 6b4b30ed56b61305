"""Below the messages, when a conversation can't go on by itself: why, and buttons for what helps."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from messenger.core import sentences
from messenger.core.conversation import Conversation
from messenger.presentation.wording import ending
from messenger.terminal.choices import Choice, choices_of
from messenger.terminal.phrases import label_of


class Verdict(Vertical):
    """Hidden while there is nothing to choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    class Chosen(Message):
        """A button was pressed."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Make place for the words and for every button."""
        yield Static(id="verdict-what", markup=False)
        yield Static(id="verdict-todo", markup=False)
        with Horizontal(id="verdict-buttons"):
            for choice in Choice:
                yield Button(label_of(choice), id=f"choice-{choice.name.lower()}", compact=True)

    def show(self, conversation: Conversation | None) -> bool:
        """Show what there is to choose; returns whether that is something new."""
        choices = choices_of(conversation) if conversation else ()
        shown = (
            (conversation, choices, conversation.question or conversation.ended) if conversation and choices else None
        )
        if shown == self._shown:
            return False
        self._shown = shown
        self.display = shown is not None
        if conversation is None or not choices:
            return False
        what, todo = _words(conversation)
        self.query_one("#verdict-what", Static).update(Content(what))
        self.query_one("#verdict-todo", Static).update(Content(todo))
        self.query_one("#verdict-todo").display = bool(todo)
        buttons = self.query_one("#verdict-buttons")
        for choice in Choice:
            self._button(choice).display = choice in choices
        for choice in reversed(choices):
            buttons.move_child(self._button(choice), before=0)
        return True

    def focus_first(self) -> None:
        """Go to the first button that is shown."""
        next(button for button in self.query(Button) if button.display).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Tell which one it was."""
        event.stop()
        if event.button.id:
            self.post_message(self.Chosen(Choice[event.button.id.removeprefix("choice-").upper()]))

    def _button(self, choice: Choice) -> Button:
        return self.query_one(f"#choice-{choice.name.lower()}", Button)


def _words(conversation: Conversation) -> tuple[str, str]:
    if conversation.question:
        fingerprint = conversation.question.fingerprint
        return sentences.stranger(conversation.question), f"SHA-256: {fingerprint}"
    if conversation.ended:
        words = ending(conversation.ended)
        return words.what, words.todo
    return "", ""
