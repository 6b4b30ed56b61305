"""A program on a pseudo-terminal, as a person sees it."""

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import pexpect
import pyte

SECONDS = 30.0
_AGAIN_SECONDS = 3.0
_LEAVES_SCREEN = "\x1b[?1049l"
_KEYBOARD = re.compile(r"\x1b\[[<>=][0-9;]*u")  # kitty's keyboard protocol, which pyte doesn't know


class _Screen(pyte.Screen):
    """A screen that answers where its cursor is, as terminals do."""

    def __init__(self, answer: Callable[[str], object], columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """One of our programs on a terminal of its own: all that it wrote, and how the screen looks."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 100,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        term: str | None = "xterm-256color",
    ) -> None:
        """Start a program, such as ``messenger``, with arguments."""
        self.written = ""
        environ = dict(os.environ if environment is None else environment)
        environ |= {"COLUMNS": str(columns), "LINES": str(rows)} | ({} if term is None else {"TERM": term})
        if term is None:
            environ.pop("TERM", None)
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", *arguments],
            env=environ,
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(rows, columns),
        )
        self.process.delaybeforesend = None  # which is for passwords typed too early; we see what we are asked
        self.screen = _Screen(self.types, columns, rows)
        self._stream = pyte.Stream(self.screen)
        self._rows = [""] * rows

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the empty lines."""
        for row in self.screen.dirty:
            cells = self.screen.buffer[row]
            self._rows[row] = "".join(cells[column].data for column in range(self.screen.columns)).rstrip()
        self.screen.dirty.clear()
        return [row for row in self._rows if row]

    @property
    def said_at_the_end(self) -> str:
        """What was written after the screen was left."""
        return self.written.rpartition(_LEAVES_SCREEN)[2]

    def sees(self, *patterns: str) -> None:
        """Wait until for each pattern there is a line on the screen that has it."""
        for pattern in patterns:
            self.sees_times(pattern, 1)

    def sees_times(self, pattern: str, times: int) -> None:
        """Wait until so many lines have it."""
        self.reads_until(lambda: sum(bool(re.search(pattern, line)) for line in self.lines) >= times, pattern)

    def misses(self, pattern: str) -> None:
        """Wait until no line has it."""
        self.reads_until(lambda: not any(re.search(pattern, line) for line in self.lines), f"no {pattern}")

    def reads_until(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + SECONDS  # a cursor that blinks is written for ever
        while not true():
            try:
                self._take(self.process.read_nonblocking(65_536, max(0, deadline - time.monotonic())))
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                raise AssertionError(f"{what!a} never came: {self.lines}, {self.written[-500:]!a}") from error

    def types(self, text: str) -> None:
        self.process.send(text)

    def sends_bytes(self, data: bytes) -> None:
        """Send what needn't be text, all at once."""
        os.write(self.process.child_fd, data)

    def enters(self, line: str) -> None:
        self.types(line + "\r")

    def pastes(self, text: str) -> None:
        self.types(f"\x1b[200~{text}\x1b[201~")

    def insists(self, act: Callable[[], object]) -> None:
        """Act until the program ends: a signal just before Python waits for input is noticed only with the next."""
        while True:
            act()
            with suppress(pexpect.TIMEOUT):
                try:
                    while True:
                        self._take(self.process.read_nonblocking(65_536, _AGAIN_SECONDS))
                except pexpect.EOF:
                    return

    def ends(self, code: int = 0) -> None:
        """Read what is left, until the program has ended with this exit code."""
        with suppress(pexpect.EOF):
            while True:
                self._take(self.process.read_nonblocking(65_536, SECONDS))
        self.process.close()
        assert self.process.exitstatus == code, self.written[-2000:]

    def _take(self, piece: str) -> None:
        self.written += piece
        self._stream.feed(_KEYBOARD.sub("", piece))
