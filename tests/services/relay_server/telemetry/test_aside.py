"""The standard error aside: never held up, in order, whole in the ordinary case, and what is lost is counted."""

import os
import subprocess
import sys
from collections.abc import Iterator
from time import sleep
from typing import TextIO

import pytest

from relay_server.telemetry.aside import MAX_WAITING, Aside

PIPE_BYTES = 65536
RECORD = "x" * 99 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """Return both ends of a pipe."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as read_from, os.fdopen(writer, "w") as write_to:
        yield read_from, write_to


def test_all_is_written_in_order(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    aside = Aside(writer)
    texts = [f"{number}\n" for number in range(MAX_WAITING // 4)]
    for text in texts:
        aside.write(text)
    assert [reader.readline() for _ in texts] == texts
    assert (aside.end(), aside.dropped) == (True, 0)


@pytest.mark.slow
def test_what_nobody_takes_is_dropped_and_counted(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    aside = Aside(writer)
    for _ in range(2 * MAX_WAITING + PIPE_BYTES // len(RECORD)):
        aside.write(RECORD)
    dropped = aside.dropped
    assert dropped > 0
    assert not aside.end()
    taken = [reader.readline() for _ in range(2 * MAX_WAITING + PIPE_BYTES // len(RECORD) - dropped)]
    assert set(taken) == {RECORD}
    assert aside.dropped == dropped


def test_the_end_waits_for_nobody_who_took_nothing_for_long(
    pipe: tuple[TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay_server.telemetry.aside.END_SECONDS", 3600.0)
    reader, writer = pipe
    os.write(writer.fileno(), RECORD.encode() * (PIPE_BYTES // len(RECORD)) + b" " * (PIPE_BYTES % len(RECORD)))
    aside = Aside(writer)
    aside.write(RECORD)
    while aside._stuck_from is None:
        sleep(0)
    aside._stuck_from -= 3600.0
    assert not aside.end()
    reader.read(PIPE_BYTES)
    aside._thread.join()


def test_what_cant_be_written_is_counted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        aside = Aside(nobody)
        aside.write(RECORD)
        assert aside.end()
        assert aside.dropped == 1


def test_a_pipe_that_somebody_made_non_blocking_loses_nothing(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    os.set_blocking(writer.fileno(), False)
    aside = Aside(writer)
    count = 2 * PIPE_BYTES // len(RECORD)
    for _ in range(count):
        aside.write(RECORD)
    assert [reader.readline() for _ in range(count)] == [RECORD] * count
    assert (aside.end(), aside.dropped) == (True, 0)


ENDINGS = """
import sys, threading, warnings
from relay_server.telemetry.aside import errors_aside
class Lost:
    def __del__(self):
        raise ValueError("in a destructor")
with errors_aside():
    print("first", file=sys.stderr)
    warnings.warn("a warning")
    thread = threading.Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    Lost()
    raise KeyError("uncaught")
"""
WORDS = ("first", "a warning", "ZeroDivisionError", "in a destructor", "KeyError: 'uncaught'")


def test_the_end_of_the_process_loses_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDINGS], capture_output=True, text=True, check=False)
    places = [ended.stderr.index(word) for word in WORDS]
    assert places == sorted(places)
    assert ended.returncode == 1


STUCK = """
import sys
from relay_server.telemetry.aside import errors_aside
with errors_aside():
    print("x" * 200_000, file=sys.stderr)
print("y" * 200_000, file=sys.stderr)
"""


@pytest.mark.slow
def test_the_end_of_the_process_waits_for_nobody(pipe: tuple[TextIO, TextIO]) -> None:
    assert subprocess.run([sys.executable, "-c", STUCK], stderr=pipe[1], timeout=60, check=False).returncode == 0


def test_without_a_standard_error_nothing_is_written() -> None:
    program = ENDINGS.replace('raise KeyError("uncaught")', "sys.exit(7)")
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-c", program]
    assert subprocess.run(command, check=False).returncode == 7
