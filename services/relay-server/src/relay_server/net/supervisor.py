"""Tell the program that started us that we serve, live or stop, and let it keep our sockets (``Type=notify``)."""

import os
import select
import socket
import time
from array import array
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from math import inf
from typing import Final

PULSES: Final = 3
"""So many signs of life in the time that the supervisor waits for one."""
BARRIER_SECONDS: Final = 5.0
"""How long a supervisor may take to do what it was told."""


NAMES: Final = ("tcp", "udp", "lobby", "ops", "link", "web")
"""What the sockets are called that a supervisor keeps."""


class State(StrEnum):
    """What a supervisor wants to know, in its words."""

    READY = "READY=1"
    STOPPING = "STOPPING=1"
    ALIVE = "WATCHDOG=1"


def tell_supervisor(state: State, environ: Mapping[str, str]) -> None:
    """Send the state to the socket that ``NOTIFY_SOCKET`` names; does nothing where there is none."""
    _send(state, environ)


def tell_reloading(environ: Mapping[str, str]) -> None:
    """Say that the relay reads its files anew; it is to say READY when it has (systemd's ``Type=notify-reload``)."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}", environ)


def tell_successor(pid: int, environ: Mapping[str, str]) -> None:
    """Say which process is the relay from now on; only afterwards may that one say anything itself."""
    _send(f"MAINPID={pid}", environ)


def keep_sockets(sockets: Mapping[str, socket.socket], environ: Mapping[str, str]) -> None:
    """Let the supervisor keep these sockets, by name, and no others, for the next process.

    It must not watch them: it would drop a UDP socket at the first ICMP error (``FDPOLL=0``).
    """
    for name in NAMES:
        _send(f"FDSTOREREMOVE=1\nFDNAME={name}", environ)
        if sock := sockets.get(name):
            _send(f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", environ, sock.fileno())


def forget_sockets(names: Iterable[str], environ: Mapping[str, str]) -> None:
    """Let the supervisor close what it keeps by these names, and wait until it has: their ports are free then."""
    told = [_send(f"FDSTOREREMOVE=1\nFDNAME={name}", environ) for name in sorted(names)]
    if any(told):
        _wait(environ)


def _wait(environ: Mapping[str, str]) -> None:
    """Wait until the supervisor has read all that it was told (``BARRIER=1``): it closes a pipe then."""
    reader, writer = os.pipe()
    try:
        told = _send("BARRIER=1", environ, writer)
        os.close(writer)
        if told:
            select.select([reader], [], [], BARRIER_SECONDS)
    finally:
        os.close(reader)


def _send(words: str, environ: Mapping[str, str], *descriptors: int) -> bool:
    """Send the words and descriptors; returns whether there is somebody who could read them."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    if path.startswith("@"):
        path = f"\0{path[1:]}"  # Linux's abstract names
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))] if descriptors else []
    # A supervisor that doesn't listen any more is no reason to stop serving.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([words.encode()], rights, 0, path)
        return True
    return False


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
