"""Keys take effect one after another, however fast they come.

Textual has a field insert a letter at once, but runs what a key such as Enter is bound to only after the key has
bubbled up to the app, and what that leads to later still. So of keys that come in one read, letters would overtake
Enter, and what is typed for a dialog would go to the field behind it.
"""

import sys
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

from textual.app import App
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

if TYPE_CHECKING:
    from textual.timer import Timer

Result = TypeVar("Result")

_ROUNDS: Final = 2
"""What a key leads to is a message, such as that a button was pressed, and that may open a screen."""
_LOOK_SECONDS: Final = 0.02


class Turn(Message):
    """Follows a key on its way, through the same queues: where it arrives, the key has been before."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypeAhead(App[Result]):
    """An app that holds each key back until the one before has taken effect."""

    def __init__(self) -> None:
        self.terminal_gone = False
        """Whether nothing takes what is written any more: Textual would wait until it is taken."""
        super().__init__()
        self._held: deque[Key | Paste] = deque()
        self._number = self._rounds = 0
        """Of the turn that is waited for, and how many come after it."""
        self._key: Key | Paste | None = None
        self._target: Widget | None = None
        """Where the turn has begun; None if none is waited for."""
        self._looking: Timer | None = None

    def get_driver_class(self) -> type[Driver]:
        """Choose a driver that no byte of the terminal ends, and that writes nothing once the terminal has gone."""
        app, driver = self, super().get_driver_class()
        if sys.platform != "win32":
            from messenger.terminal.posix_driver import PosixDriver  # noqa: PLC0415 - Windows has no termios

            driver = PosixDriver

        class PatientDriver(driver):  # type: ignore[misc, valid-type]  # which one depends on the system
            def write(self, data: str) -> None:
                if not app.terminal_gone:
                    super().write(data)

        return PatientDriver

    async def on_event(self, event: Event) -> None:
        """Pass on a key that nothing has to be waited for, and hold back others."""
        if not isinstance(event, Key | Paste):
            await super().on_event(event)
        elif event.is_forwarded:  # it has come back
            await super().on_event(event)
            if event is self._key:
                self._key = None
                self._send_turn()
        elif self._target:
            self._held.append(event)
        else:
            await self._pass_on(event)

    async def on_turn(self, turn: Turn) -> None:
        """Send the next turn after what the key has led to, or go on with the next key."""
        if turn.number != self._number:
            return
        if self._rounds:
            self._rounds -= 1
            self._send_turn()
            return
        self._target = self._key = None
        if self._looking:
            self._looking.stop()
        while self._held and not self._target:
            await self._pass_on(self._held.popleft())

    async def _pass_on(self, event: Key | Paste) -> None:
        target = self.focused or self.screen
        taken_at_once = isinstance(target, Input | TextArea) and (isinstance(event, Paste) or event.is_printable)
        await super().on_event(event)
        if not taken_at_once:
            self._key, self._rounds = event, _ROUNDS
            self._send_turn(target)
            self._looking = self.set_interval(_LOOK_SECONDS, self._look)

    def _send_turn(self, target: Widget | None = None) -> None:
        self._number += 1
        self._target = target or self.focused or self.screen
        self._target.post_message(Turn(self._number))

    def _look(self) -> None:
        """Send another turn when a screen has gone, and the turn with it."""
        if self._target and self.screen_stack and not set(self._target.ancestors_with_self) & set(self.screen_stack):
            self._send_turn()
