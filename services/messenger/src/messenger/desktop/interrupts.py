"""Ctrl-C and a system that wants the program to end, as events of Qt's loop."""

import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from PySide6.QtCore import QObject, QSocketNotifier

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Not each system has all of them."""
_AT_ONCE_BYTES: Final = 64
"""One byte stands for each signal, and all that are there mean the same."""


class Interrupts(QObject):
    """Calls back, from Qt's loop, when the program is to end.

    Python handles signals between two of its instructions, and while Qt waits there are none: so a byte that Python
    writes at once wakes Qt.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._wake)
        self._before = {}
        self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for name in _NAMES:
            if number := getattr(signal, name, None):
                self._before[number] = signal.signal(number, lambda _number, _frame: None)

    def end(self) -> None:
        """Leave signals to whoever had them before."""
        self._notifier.setEnabled(False)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._read.close()
        self._write.close()

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._read.recv(_AT_ONCE_BYTES)
        self._act()
