"""Somebody before the app on a screen that is only thought of; the relay is one in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from messenger.core.conversation import Conversation
from messenger.terminal.app import ChatApp
from messenger.terminal.start_screen import Form
from services.messenger.core.fake_relay import Case, entry

_TURNS = 200


class Seat:
    def __init__(self, case: Case, app: ChatApp, pilot: Pilot[None]) -> None:
        self.case, self.app, self.pilot = case, app, pilot

    @property
    def room(self) -> Conversation:
        assert self.app.current
        return self.app.current

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def style_at(self, text: str) -> Style:
        """Return how the first character of a text on the screen looks."""
        for strip in self.app.screen._compositor.render_strips(self.app.size):
            whole = "".join(segment.text for segment in strip)
            place = whole.find(text)
            if place >= 0:
                for segment in strip:
                    if place < len(segment.text):
                        return segment.style or Style.null()
                    place -= len(segment.text)
        raise AssertionError(f"{text!r} isn't on the screen.")

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        for _ in range(_TURNS):
            if true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"{what} never came: {self.lines}")

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(partial(self._has, text), text)

    async def misses(self, text: str) -> None:
        await self.until(lambda: not self._has(text), f"The end of {text}")

    def _has(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    async def settles(self) -> None:
        """Wait until all that has happened is drawn."""
        await self.until(lambda: not self.app._dirty, "Rest")
        await self.pilot.pause()

    async def presses(self, *keys: str) -> None:
        """Press keys by their names, one right after the other."""
        assert self.app._driver
        for key in keys:
            self.app._driver.send_message(Key(key, key if len(key) == 1 else None))
        await self._typed()

    async def types(self, text: str) -> None:
        assert self.app._driver
        for letter in text:
            name = "enter" if letter == "\n" else _character_to_key(letter)
            self.app._driver.send_message(Key(name, letter))
        await self._typed()

    async def _typed(self) -> None:
        """Wait until every key has taken effect, or the app has ended."""
        await self.pilot.pause()
        await self.until(lambda: not self.app.is_running or not (self.app._held or self.app._target), "The last key")
        await self.pilot.pause()

    async def enters(self, line: str) -> None:
        await self.types(line + "\n")

    async def clicks_on(self, text: str) -> None:
        for y, line in reversed(list(enumerate(self.lines))):
            if text in line:
                await self.pilot.click(offset=(cell_len(line[: line.index(text)]), y))
                return
        raise AssertionError(f"{text!r} isn't on the screen: {self.lines}")


@asynccontextmanager
async def sit_down(
    case: Case,
    room: str | None = "demo",
    *,
    size: tuple[int, int] = (80, 24),
    start: bool = False,
    notifications: bool = False,
    **more: Any,
) -> AsyncIterator[Seat]:
    """Begin in a room, or on the start screen."""
    kept: dict[str, Any] = {name: more.pop(name) for name in ("recents", "bell", "form") if name in more}
    kept.setdefault("form", Form(name="ann"))
    app = ChatApp(case.messenger, first=None if start else entry(room, **more), **kept)
    async with app.run_test(size=size, notifications=notifications) as pilot:
        seat = Seat(case, app, pilot)
        await seat.until(lambda: app._rooms.is_mounted and (start or app.current), "The screen")
        await pilot.pause()
        yield seat
