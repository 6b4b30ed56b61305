"""A log that nobody takes: the relay goes on without it, counts what is lost, and ends when it is asked to."""

import os
import pty
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from conformance import wire
from conformance.people import People
from conformance.relays import OwnRelay
from faults.burst import burst
from faults.relays import StartRelay

Result = TypeVar("Result")
pytestmark = pytest.mark.timeout(180)

ROOMS = 2000
"""Each is a record: a pipe holds some 600."""
TOGETHER = 50


@contextmanager
def unread_pipe(directory: Path) -> Iterator[str]:
    """Yield the path of a pipe that is open for reading, and never read."""
    path = directory / "unread"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR)
    yield str(path)
    os.close(reader)


@contextmanager
def stopped_terminal(_: Path) -> Iterator[str]:
    """Yield the path of a terminal whose output Ctrl-S has stopped."""
    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


@contextmanager
def ordinary_file(directory: Path) -> Iterator[str]:
    """Yield the path of a file, for comparison."""
    yield str(directory / "file")


@pytest.fixture(params=[unread_pipe, stopped_terminal, ordinary_file])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the path of a log that takes little until after the relay's end, or of one that takes all."""
    with request.param(tmp_path) as path:
        yield path


def timed(what: str, act: Callable[[], Result]) -> Result:
    began = time.monotonic()
    result = act()
    print(f"{what}: {1000 * (time.monotonic() - began):.0f} ms")
    return result


def test_an_unread_log_delays_nothing(monkeypatch: pytest.MonkeyPatch, log: str, start_relay: StartRelay) -> None:
    """Its end, within the usual time, is what `start_relay` checks; what each step took is printed, to be compared."""
    own = start_relay(("sh", "-c", f'exec "$@" 2>>{log}', "sh"))
    timed(f"{ROOMS} joins", lambda: create_rooms(own))
    with People(own.relay) as people:
        ann, bob = people.pair(b"demo")
        ann.say(b"hi")
        assert timed("a message", bob.hear) == b"ann: hi"
    assert timed("/healthz", lambda: own.ops("/healthz")) == "ok\n"
    end = own.stop
    monkeypatch.setattr(own, "stop", lambda: timed("the end", end))


def create_rooms(own: OwnRelay) -> None:
    for first in range(0, ROOMS, TOGETHER):
        names = [f"room {number}".encode() for number in range(first, first + TOGETHER)]
        creates = [wire.frame(wire.CREATE, wire.REQUEST, name, b"eve") for name in names]
        with burst(own.relay, creates, [""]) as joining:
            assert set(joining.statuses()) == {wire.OK}
