"""Programs beside a show: processes of one's own, gone when the show is, however that ends."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self
from urllib.request import urlopen

START_SECONDS: Final = 15.0
STOP_SECONDS: Final = 5.0

# Becomes the program, which then gets SIGTERM (15) however the show ends (PR_SET_PDEATHSIG is 1).
_WITH_PARENT: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
_POLL_SECONDS: Final = 0.05


class StartError(Exception):
    """A program didn't start; ``str()`` is one sentence."""


class Child:
    """A process that was started; its output is kept for the case that something goes wrong."""

    def __init__(self, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self.last_words = ""
        """The last line that the process wrote; known once it was stopped."""
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls, called: str, command: Sequence[str], settings: Mapping[str, str], *, prefix: str, ask: Callable[[], object]
    ) -> Self:
        """Start a program, and wait until ``ask``, which runs aside from the event loop, raises no OSError.

        Of the variables with the prefix, which the user meant for another, the program sees only ``settings``.

        Raises:
            StartError: there is no such program, or it doesn't get ready.

        """
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(prefix)}
        try:
            child = await cls._spawn(command, inherited | dict(settings))
        except OSError as error:
            raise StartError(f"The {called} couldn't be started: {error.strerror}.") from None
        is_ready = False
        try:
            is_ready = await child.answers(ask)
        finally:
            if not is_ready:
                await child.stop()
        if not is_ready:
            words = child.last_words or f"it wasn't ready in {START_SECONDS:g} s."
            raise StartError(f"The {called} didn't start: {words}")
        return child

    @classmethod
    async def _spawn(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process runs
        try:
            process = await asyncio.create_subprocess_exec(
                *_with_parent(command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C on the terminal is for us; the program ends in our order
            )
        except BaseException:
            log.close()
            raise
        return cls(process, log)

    async def answers(self, ask: Callable[[], object]) -> bool:
        """Tell, once it is known, whether ``ask`` raises no OSError; False if the process ended or takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self._process.returncode is None:
                    with suppress(OSError):
                        await asyncio.to_thread(ask)
                        return True
                    await asyncio.sleep(_POLL_SECONDS)
        return False

    async def kill(self) -> None:
        """End the process by SIGKILL: it has no time for anything."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End the process, at first by asking it; does nothing to one that ended."""
        for stop in (self._process.terminate, self._process.kill):
            with suppress(ProcessLookupError):
                stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
                    break
        if not self._log.closed:
            self._log.seek(0)
            *_, self.last_words = ["", *self._log.read().decode(errors="replace").strip().splitlines()]
            self._log.close()


def installed(program: str) -> str | None:
    """Find a program, first beside the Python that runs this."""
    return shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)


def fetch(url: str, timeout_seconds: float = 1.0) -> str:
    """Return what an HTTP server on the loopback answers.

    Raises:
        OSError: nothing, or an error.

    """
    with urlopen(url, timeout=timeout_seconds) as response:  # noqa: S310 - the URL is our own
        return str(response.read().decode())


def _with_parent(command: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *command]
