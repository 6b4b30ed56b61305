"""Errors that nobody expected: each is counted, the first is told with its traceback, and the process ends."""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from relay_server.net.acceptor import OUT_OF_RESOURCES
from relay_server.telemetry.metrics import Component

SAY_AGAIN_SECONDS: Final = 10.0
"""How often something that goes on is worth a line in the log (threat T3)."""

log = structlog.get_logger()


class Crashes:
    """Ends the process for an error that nobody expected: a supervisor restarts it, half-dead helps nobody."""

    def __init__(self, counts: Counter[Component], stop: Callable[[], None]) -> None:
        self._counts = counts
        self._stop = stop
        self._last: BaseException | None = None
        self._said_at: dict[str, float] = {}
        self.happened = False
        """Whether the exit code is to be 1."""

    def crash(self, component: Component, message: str, error: BaseException | None) -> None:
        """Count an error and let the relay drain; what comes after the first is its consequence, and only counted."""
        if error is not None and error is self._last:  # a transport tells what was told already
            return
        self._last = error
        self._counts[component] += 1
        is_first, self.happened = not self.happened, True
        self._stop()  # before the log, in case it is that which fails
        if is_first:
            _say(component, message, error)

    @contextmanager
    def caught(self, component: Component, message: str) -> Iterator[None]:
        """Take an error in the block as a crash, and go on behind it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - none is expected
            self.crash(component, message, error)

    def note_page_error(self, error: Exception, now: float) -> None:
        """Count that something couldn't be shown to an operator, which is no reason to end people's chat."""
        self._counts[Component.PAGE] += 1
        if self._is_worth_saying("page", now):
            log.error("page_failed", exc_info=error)

    def on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what a callback, a connection or a task on the loop raised."""
        error = context.get("exception")
        if not _is_shortage(context):
            self.crash(Component.LOOP, context.get("message") or "a callback failed", error)
        elif self._is_worth_saying("accept", loop.time()):
            log.warning("accept_failed", reason=str(error), advice="raise the limit of open files (ulimit -n)")

    def watch(self, task: asyncio.Task[None], message: str, *, is_expected: Callable[[], bool]) -> None:
        """Take it as a crash if a task fails, or ends when that isn't expected."""

        def look(done: asyncio.Task[None]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None or not is_expected():
                self.crash(Component.TASK, message, error)

        task.add_done_callback(look)

    def _is_worth_saying(self, what: str, now: float) -> bool:
        said_at = self._said_at.get(what)
        if said_at is not None and now < said_at + SAY_AGAIN_SECONDS:
            return False
        self._said_at[what] = now
        return True


def _is_shortage(context: dict[str, Any]) -> bool:
    """Tell whether a connection couldn't be accepted, by our acceptor or asyncio: both try again."""
    error = context.get("exception")
    return "socket" in context and isinstance(error, OSError) and error.errno in OUT_OF_RESOURCES


def _say(component: Component, message: str, error: BaseException | None) -> None:
    try:
        log.error("crashed", component=str(component), error=message, exc_info=error)
    except Exception:  # noqa: BLE001 - the log itself may be what is broken
        traceback.print_exception(error)
