"""Small windows over the room: a question to be answered in a line, what to do about a member, help."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from messenger.presentation.commands import command_help
from messenger.presentation.i18n import _
from messenger.terminal.phrases import keys

Result = TypeVar("Result")


class Dialog(ModalScreen[Result], Generic[Result]):
    """A window that Escape closes without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up")]

    def action_give_up(self) -> None:
        """Close it."""
        self.dismiss(None)


class Question(Dialog[str]):
    """Asks for a line, unseen if it is a secret, and then for the same again if it is a new one."""

    def __init__(
        self,
        question: str,
        flaw: Callable[[str], str | None],
        *,
        value: str = "",
        secret: bool = False,
        twice: bool = False,
    ) -> None:
        """``flaw`` says what is wrong with an answer; None if nothing is."""
        super().__init__()
        self._question = question
        self._flaw = flaw
        self._value = value
        self._secret = secret
        self._twice = twice
        self._first: str | None = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), id="question")
            yield Input(self._value, password=self._secret, id="answer")
            yield Static(id="flaw", classes="flaw", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("OK"), id="ok", variant="primary", compact=True)
                yield Button(_("Cancel"), id="cancel", compact=True)

    def on_input_submitted(self) -> None:
        """Take the answer."""
        self._answer()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the answer, or none."""
        if event.button.id == "ok":
            self._answer()
        else:
            self.dismiss(None)

    def _answer(self) -> None:
        field = self.query_one("#answer", Input)
        answer, flaw = field.value, self._flaw(field.value)
        if self._first is not None and answer != self._first:
            self._begin(_("The passwords differ: try again."))
        elif flaw:
            self._begin(flaw)
        elif self._twice and self._first is None:
            self._first = answer
            self._say(_("Repeat the password:"), "")
        else:
            self.dismiss(answer)

    def _begin(self, flaw: str) -> None:
        self._first = None
        self._say(self._question, flaw)

    def _say(self, question: str, flaw: str) -> None:
        self.query_one("#question", Static).update(Content(question))
        self.query_one("#flaw", Static).update(Content(flaw))
        field = self.query_one("#answer", Input)
        if self._secret:
            field.value = ""
        field.focus()


class Menu(Dialog[str]):
    """Asks for one of several things."""

    def __init__(self, title: str, entries: Sequence[tuple[str, str]]) -> None:
        """Each entry has what is answered, and how it reads."""
        super().__init__()
        self._title = title
        self._entries = entries

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog-title")
            yield OptionList(
                *(Option(Content(text), id=answer) for answer, text in self._entries), id="entries", compact=True
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        self.dismiss(event.option_id)


class Help(Dialog[None]):
    """Shows the keys and the commands."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1,q,enter", "give_up")]

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(classes="dialog", id="help"):
            for key, text in keys():
                with Horizontal(classes="help-line"):
                    yield Static(Content(key), classes="help-key")
                    yield Static(Content(text), classes="help-text")
            yield Static(Content(command_help()), id="help-commands")
