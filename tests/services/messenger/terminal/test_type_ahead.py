"""Keys that come in one read take effect one after another."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Event, Key, Paste
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from messenger.terminal.type_ahead import TypeAhead

_TURNS = 200


class Dialog(ModalScreen[str]):
    """Asks for a word; Enter or a button answers, Escape gives up."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss('nothing')")]

    def compose(self) -> ComposeResult:
        yield Input()
        yield Button("OK")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self.query_one(Input).value)


class Desk(TypeAhead[None]):
    """A field, whose lines are kept, and a button that opens a dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [("f2", "ask")]

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.answers: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Input()
        yield Button("Ask")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.said.append(event.value)
        event.input.clear()

    def on_button_pressed(self) -> None:
        self.action_ask()

    def action_ask(self) -> None:
        self.push_screen(Dialog(), self.answers.append)

    @property
    def draft(self) -> str:
        return self.screen_stack[0].query_one(Input).value


def keys(*names: str) -> list[Event]:
    """Return the keys of these names, and of each letter where a name begins with a space."""
    found: list[Event] = []
    for name in names:
        if name.startswith(" "):
            found += [Key(_character_to_key(letter), letter) for letter in name[1:]]
        else:
            found.append(Key(name, "\r" if name == "enter" else None))
    return found


class Typist:
    def __init__(self, app: Desk, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    def types(self, *events: Event) -> None:
        """Hand all over before the app can act on any, as a driver does with what one read brings."""
        for event in events:
            self.app.post_message(event)

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(_TURNS):
            if true():
                break
            await self._pilot.pause(0.02)
        await self._pilot.pause()
        assert true(), (self.app.said, self.app.answers, self.app.draft)


@asynccontextmanager
async def sit_down() -> AsyncIterator[Typist]:
    app = Desk()
    async with app.run_test() as pilot:
        yield Typist(app, pilot)


async def test_three_lines_in_one_read_are_three_messages() -> None:
    async with sit_down() as typist:
        typist.types(*keys(" one", "enter", " two", "enter", " three", "enter", " rest"))
        await typist.until(lambda: typist.app.draft == "rest")
        assert typist.app.said == ["one", "two", "three"]


async def test_what_is_pasted_keeps_its_place_among_keys() -> None:
    async with sit_down() as typist:
        typist.types(*keys(" a", "enter"), Paste("b"), *keys(" c", "enter"), Paste("d"), *keys("home", " x"))
        await typist.until(lambda: typist.app.draft == "xd")
        assert typist.app.said == ["a", "bc"]


@pytest.mark.parametrize("opening", [["f2"], ["tab", "enter"]])
async def test_what_is_typed_for_a_dialog_goes_to_no_field_behind_it(opening: list[str]) -> None:
    async with sit_down() as typist:
        typist.types(*keys(" draft", *opening, " word", "enter"))
        await typist.until(lambda: typist.app.answers == ["word"])
        assert (typist.app.draft, typist.app.said) == ("draft", [])


@pytest.mark.parametrize(
    ("closing", "answer"), [(["enter"], "word"), (["tab", "enter"], "word"), (["escape"], "nothing")]
)
async def test_what_is_typed_after_a_dialog_goes_to_the_field_behind_it(closing: list[str], answer: str) -> None:
    async with sit_down() as typist:
        typist.types(*keys("f2", " word", *closing, " after", "enter", "f2", " more", "enter"))
        await typist.until(lambda: typist.app.answers == [answer, "more"])
        assert (typist.app.draft, typist.app.said) == ("", ["after"])
