"""A screen of X11 that nobody sees, and a keyboard that nobody touches: Xvfb and xdotool."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SECONDS: Final = 30.0


class Screen:
    """Where programs show their windows; they have to be started with `environment`."""

    def __init__(self, display: str) -> None:
        self.environment = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}

    def await_window(self, *wanted: str) -> str:
        """Wait for a window, such as ``--name tea`` or ``--class chat``, and return its number."""
        return self._do("search", "--sync", "--onlyvisible", *wanted).split()[0]

    def focus(self, window: str) -> None:
        """Have a window take the keys, as who manages windows would."""
        self._do("windowfocus", "--sync", window)

    def type(self, text: str) -> None:
        """Press the keys of a text, then Return."""
        if text:
            self._do("type", text)
        self._do("key", "Return")

    def _do(self, *words: str) -> str:
        return subprocess.run(
            ["xdotool", *words],
            env={"PATH": os.environ["PATH"], **self.environment},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        ).stdout


@contextmanager
def screen() -> Iterator[Screen]:
    """Bring a screen up on whatever number is free."""
    command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1100x760x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            yield Screen(f":{server.stdout.readline().strip()}")
        finally:
            server.terminate()
