"""The new program as a process: what is called, with which environment, and its end if it fails."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from relay_server.handover.protocol import HandoverError

CHANNEL: Final = "RELAY_HANDOVER_FD"
"""The variable by which a process knows that it is to take over. A version without hand-overs refuses it as an unknown
setting, and so doesn't start as a relay of its own."""
_NOT_ITS: Final = ("WATCHDOG_PID", "SYSTEMD_EXEC_PID")
"""Variables that mean the process that they were given to."""
_LOOK_SECONDS: Final = 0.005


def command_line(words: Sequence[str] = sys.orig_argv) -> list[str]:
    """Return the command by which this process was started (``sys.orig_argv``).

    A script is called by its own name, so that the program is the one that its path leads to by now, with its Python.
    """
    if len(words) > 1 and not words[1].startswith("-") and os.access(words[1], os.X_OK):
        return list(words[1:])
    return list(words)


def environment(own: Mapping[str, str], more: Mapping[str, str], descriptor: int) -> dict[str, str]:
    """Return the environment of the new program, whose end of the channel is this descriptor."""
    kept = {name: value for name, value in own.items() if name not in _NOT_ITS}
    return kept | dict(more) | {CHANNEL: str(descriptor)}


class Program:
    """A process that was started to take over."""

    def __init__(self, words: list[str], environ: Mapping[str, str]) -> None:
        """Start it; it inherits descriptors that are inheritable.

        Raises:
            HandoverError: it can't be started.

        """
        try:
            # Python's own way to start programs would warn of one that is left to itself.
            self.pid = os.posix_spawnp(words[0], words, environ)
        except OSError as error:
            raise HandoverError(f"{words[0]} can't be started ({error.strerror}): see whether it is there.") from None
        self._code: int | None = None

    def exit_code(self) -> int | None:
        """Return the exit code, below 0 for a signal; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    async def end(self) -> int:
        """Kill it if it still runs, and wait until it is gone; returns its exit code."""
        with suppress(ProcessLookupError):
            if self.exit_code() is None:
                os.kill(self.pid, signal.SIGKILL)
        while (code := self.exit_code()) is None:  # noqa: ASYNC110 - the kernel sets no event of ours
            await asyncio.sleep(_LOOK_SECONDS)
        return code
