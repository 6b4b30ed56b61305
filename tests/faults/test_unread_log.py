"""A log that nobody takes: the relay goes on without it, counts what is lost, and ends when it is asked to."""

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People
from faults.burst import burst
from faults.relays import StartRelay

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


@pytest.fixture(params=[unread_pipe, stopped_terminal])
def untaken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the path of a file that takes little, until after the relay's end."""
    with request.param(tmp_path) as path:
        yield path


def test_an_unread_log_delays_nothing(untaken: str, start_relay: StartRelay) -> None:
    """Its start and its end, within the usual time, are what `start_relay` checks."""
    own = start_relay(("sh", "-c", f'exec "$@" 2>>{untaken}', "sh"))
    for first in range(0, ROOMS, TOGETHER):
        names = [f"room {number}".encode() for number in range(first, first + TOGETHER)]
        creates = [wire.frame(wire.CREATE, wire.REQUEST, name, b"eve") for name in names]
        with burst(own.relay, creates, [""]) as joining:
            assert set(joining.statuses()) == {wire.OK}
    with People(own.relay) as people:
        ann, bob = people.pair(b"demo")
        ann.say(b"hi")
        assert bob.hear() == b"ann: hi"
    assert own.ops("/healthz") == "ok\n"
