"""Tell the program that started us, if it asked, that we serve, live, or stop (systemd's ``Type=notify``)."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from math import inf
from typing import Final

PULSES: Final = 3
"""So many signs of life in the time that the supervisor waits for one."""


class State(StrEnum):
    """What a supervisor wants to know, in its words."""

    READY = "READY=1"
    STOPPING = "STOPPING=1"
    ALIVE = "WATCHDOG=1"


def tell_supervisor(state: State, environ: Mapping[str, str]) -> None:
    """Send the state to the socket that ``NOTIFY_SOCKET`` names; does nothing where there is none."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    if path.startswith("@"):
        path = f"\0{path[1:]}"  # Linux's abstract names
    # A supervisor that doesn't listen any more is no reason to stop serving.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), path)


class Pulse:
    """Signs of life, for a supervisor that ends and restarts who hangs (systemd's ``WatchdogSec=``)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        wanted = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._interval_seconds = int(wanted) / 1e6 / PULSES if wanted.isdecimal() and is_ours else inf
        self._due = -inf if self._interval_seconds < inf else inf

    def beat(self, now: float) -> None:
        """Say that the event loop turns, if it is time to; to be called from the loop, again and again."""
        if now >= self._due:
            self._due = now + self._interval_seconds
            tell_supervisor(State.ALIVE, self._environ)
