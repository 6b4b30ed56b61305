"""A running ``chat`` behind pipes."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

SECONDS = 30.0


class Chat:
    """A running ``chat``; lines are waited for, never slept for."""

    def __init__(self, *arguments: str, program: Sequence[str] = ("-m", "messenger"), **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin = self.process.stdin
        self._readers: list[threading.Thread] = []
        self.out = self._lines(self.process.stdout)
        self.err = self._lines(self.process.stderr)

    def _lines(self, stream: IO[bytes]) -> "queue.Queue[str | None]":
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in stream:
                lines.put(line.decode().rstrip("\n"))
            lines.put(None)

        self._readers.append(threading.Thread(target=read, daemon=True))
        self._readers[-1].start()
        return lines

    def say(self, line: str | bytes) -> None:
        self.stdin.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
        self.stdin.flush()

    def hears(self, line: str) -> None:
        heard = self.out.get(timeout=SECONDS)
        assert heard == line, f"{heard!r} was heard instead of {line!r}."

    def hears_all(self, *lines: str) -> None:
        """Wait for lines in whatever order: what is lost over UDP and said again may come after what was said later."""
        heard = [self.out.get(timeout=SECONDS) for _ in lines]
        assert sorted(map(str, heard)) == sorted(lines), f"{heard!r} was heard instead of {lines!r}."

    def hears_at_last(self, line: str) -> None:
        """Wait for a line, and forget all before it."""
        while (heard := self.out.get(timeout=SECONDS)) != line:
            assert heard is not None, f"The process ended without {line!r}."

    def is_told(self, part: str) -> str:
        while (line := self.err.get(timeout=SECONDS)) is not None:
            if part in line:
                return line
        raise AssertionError(f"The process ended without {part!r}.")

    def ends(self, code: int) -> None:
        assert self.process.wait(SECONDS) == code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:  # which may still be at work on what is about to be closed
            reader.join(SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with suppress(BrokenPipeError):
                stream.close()


def once(
    *arguments: str, text: str = "", seconds: float = SECONDS, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run ``chat`` to its end, with a text as its input."""
    return subprocess.run(
        [sys.executable, "-m", "messenger", *arguments],
        input=text,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
