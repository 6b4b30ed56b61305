"""The standard error, written by a thread of its own: nothing waits for whoever reads it, or doesn't."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final, TextIO

MAX_WAITING: Final = 10_000
"""Texts that wait to be written, some 2 MB of records: more than a busy relay writes while a disk takes its time."""
END_SECONDS: Final = 1.0
"""How long the end of the process waits for what isn't written yet; not at all where so long nothing was taken."""
PIECE_BYTES: Final = 65_536
"""So much is written at once, that it shows whether somebody takes it."""


class Aside(TextIOBase):
    """A text stream that never blocks: what finds the queue full, or can't be written, is dropped and counted.

    ``write`` is safe in any thread, and in a destructor that runs within another ``write``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self.dropped = 0
        self._stuck_from: float | None = None
        """When the write under way has begun."""
        self._thread = Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def isatty(self) -> bool:
        """Tell whether what is written goes to a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Tell that this can be written to."""
        return True

    def write(self, text: str) -> int:
        """Leave a text to the thread, or drop it."""
        if self._texts.qsize() < MAX_WAITING:
            self._texts.put(text)
        else:
            self.dropped += 1
        return len(text)

    def end(self) -> bool:
        """Write what waits, if that is possible in time; returns whether it was."""
        self._texts.put(None)
        stuck_from = self._stuck_from
        if stuck_from is None or time.monotonic() - stuck_from < END_SECONDS:
            self._thread.join(END_SECONDS)
        return not self._thread.is_alive()

    def _write_all(self) -> None:
        texts: list[str | None] = []
        while None not in texts:
            texts = [self._texts.get(), *(self._texts.get() for _ in range(self._texts.qsize()))]
            written = [text for text in texts if text is not None]
            try:
                self._write(self._stream.fileno(), "".join(written).encode(self._encoding, "backslashreplace"))
            except OSError:  # a disk that is full, a pipe whose reader is gone
                self.dropped += len(written)
            self._stuck_from = None

    def _write(self, descriptor: int, data: bytes) -> None:
        """Write it past the stream's buffer, whose lock the end of the process would wait for."""
        rest = memoryview(data)
        while rest:
            self._stuck_from = time.monotonic()
            try:
                rest = rest[os.write(descriptor, rest[:PIECE_BYTES]) :]
            except BlockingIOError:  # somebody else made it so
                select.select([], [descriptor], [])


@contextmanager
def errors_aside() -> Iterator[None]:
    """Put an `Aside` in the place of the standard error, for records, tracebacks and warnings alike.

    It stays there if, at the end, somebody doesn't take what is written: what is said after that must not wait either.
    """
    original = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - None: it was closed before the start
    sys.stderr = aside = Aside(original)
    try:
        yield
    finally:
        if aside.end():
            sys.stderr = original


def dropped_records() -> int:
    """Return how much of the standard error was dropped so far."""
    return sys.stderr.dropped if isinstance(sys.stderr, Aside) else 0
