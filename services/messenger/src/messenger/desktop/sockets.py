"""Qt's event loop, as far as sockets need one: no thread, and no call that waits."""

import time
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Final

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimerEvent, Signal

_LONGEST_TIMER_SECONDS: Final = 3600.0  # Qt counts milliseconds in few bits; one may be called back too early


class QtLoop(QObject):
    """What watches sockets and the clock in Qt's thread, by the names that asyncio has for it."""

    _asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._timers: dict[int, Timer] = {}
        self._readers: dict[int, QSocketNotifier] = {}
        self._writers: dict[int, QSocketNotifier] = {}
        self._asked.connect(_call, Qt.ConnectionType.QueuedConnection)

    def time(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        """Call back once at a time, or a little before."""
        timer = Timer(self, self._timers, when, callback)
        timer.start()
        return timer

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        """Call back in Qt's thread.

        Raises:
            RuntimeError: Qt has ended.

        """
        self._asked.emit(callback)

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever there is something to read."""
        self._watch(self._readers, fd, QSocketNotifier.Type.Read, callback)

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever something can be written."""
        self._watch(self._writers, fd, QSocketNotifier.Type.Write, callback)

    def remove_reader(self, fd: int) -> None:
        """Call back no more."""
        _forget(self._readers, fd)

    def remove_writer(self, fd: int) -> None:
        """Call back no more."""
        _forget(self._writers, fd)

    def timerEvent(self, event: QTimerEvent) -> None:  # noqa: N802 - Qt's name
        """Call back whom this timer is for."""
        timer = self._timers.get(event.timerId())
        if timer:
            timer.cancel()
            timer.callback()

    def _watch(
        self, notifiers: dict[int, QSocketNotifier], fd: int, kind: QSocketNotifier.Type, callback: Callable[[], None]
    ) -> None:
        _forget(notifiers, fd)
        notifier = notifiers[fd] = QSocketNotifier(fd, kind, self)
        notifier.activated.connect(partial(_call, callback))


class Timer:
    """One call back."""

    def __init__(self, loop: QtLoop, timers: "dict[int, Timer]", when: float, callback: Callable[[], None]) -> None:
        self.callback = callback
        self._loop = loop
        self._timers = timers
        self._when = when
        self._number = 0

    def start(self) -> None:
        """Begin, or begin anew, to wait for the time."""
        self.cancel()
        seconds = min(max(self._when - self._loop.time(), 0.0), _LONGEST_TIMER_SECONDS)
        # Others than precise ones fire up to a twentieth too early.
        self._number = self._loop.startTimer(ceil(seconds * 1000), Qt.TimerType.PreciseTimer)
        self._timers[self._number] = self

    def cancel(self) -> None:
        """Call back no more."""
        if self._timers.get(self._number) is self:
            del self._timers[self._number]
            self._loop.killTimer(self._number)


def _call(callback: Callable[[], None], *_: object) -> None:
    """Call back without what a signal brings along."""
    callback()


def _forget(notifiers: dict[int, QSocketNotifier], fd: int) -> None:
    notifier = notifiers.pop(fd, None)
    if notifier:
        notifier.setEnabled(False)  # it may be what calls just now, so it is deleted later
        notifier.deleteLater()
