"""Textual's driver for POSIX terminals, for input that isn't UTF-8 too."""

import os
import re
import selectors
from codecs import getincrementaldecoder
from typing import Final

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

_READ_BYTES: Final = 4096
_WAIT_SECONDS: Final = 0.1
_OLD_MOUSE: Final = re.compile(rb"(\x1b\[M)(.{1,3})", re.DOTALL)
"""A mouse report as terminals without SGR reports send it: three bytes of any value follow."""
_LONGEST_REPORT: Final = 6
_ALT_ENTER: Final = (b"\x1b\r", b"\x1b[13;3u")
"""As most terminals send it, and as Textual knows it."""


class Cleaner:
    """Makes text of what a terminal sends."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("ignore").decode
        self._tail = b""

    def clean(self, data: bytes) -> str:
        """Leave out bytes that aren't UTF-8 and what old mouse reports say, even if a report comes in two pieces."""
        whole = _OLD_MOUSE.sub(lambda found: found[1] + b" " * len(found[2]), self._tail + data)
        fresh = whole[len(self._tail) :]
        self._tail = whole[1 - _LONGEST_REPORT :]
        return self._decode(fresh.replace(*_ALT_ENTER))


class PosixDriver(LinuxDriver):
    """Reads keys; what it can't read it leaves out, where Textual's own ends the program."""

    def run_input_thread(self) -> None:
        """Read until the program ends, or the terminal has gone: the system tells of that by a signal."""
        cleaner, parser = Cleaner(), XTermParser(self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_WAIT_SECONDS):
                    data = self._read()
                    if not data:
                        return
                    for character in cleaner.clean(data):
                        parser = self._take(parser, character)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _READ_BYTES)
        except OSError:
            return b""

    def _take(self, parser: XTermParser, character: str) -> XTermParser:
        """Have a character read; returns the parser for the next one."""
        try:
            for event in parser.feed(character):
                self.process_message(event)
        except ValueError:  # a report of a key with a number that no character has
            return XTermParser(self._debug)
        return parser
