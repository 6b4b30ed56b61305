"""A relay of one's own for the demo: its own process, on free ports, gone when the demo is."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.request import urlopen

START_SECONDS: Final = 15.0
STOP_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
"""Between looking for free ports and binding them, somebody else may take one."""

# Becomes the relay, which then gets SIGTERM (15) however the demo ends (PR_SET_PDEATHSIG is 1).
_WITH_PARENT: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
_POLL_SECONDS: Final = 0.05


class RelayStartError(Exception):
    """The relay didn't start; ``str()`` is one sentence."""


@dataclass(frozen=True, slots=True)
class RelayPorts:
    """Where a relay listens on the loopback."""

    tcp: int
    udp: int
    lobby: int
    ops: int

    @property
    def metrics_url(self) -> str:
        """Where the relay tells its figures."""
        return f"http://127.0.0.1:{self.ops}/metrics"

    def environment(self) -> dict[str, str]:
        """Say so in the relay's settings."""
        return {
            "RELAY_HOST": "127.0.0.1",
            "RELAY_OPS_HOST": "127.0.0.1",
            "RELAY_TCP_PORT": str(self.tcp),
            "RELAY_UDP_PORT": str(self.udp),
            "RELAY_LOBBY_PORT": str(self.lobby),
            "RELAY_OPS_PORT": str(self.ops),
            "RELAY_ADMIN_SOCKET": "",
        }


@asynccontextmanager
async def relay_process(settings: Mapping[str, str]) -> AsyncIterator[RelayPorts]:
    """Run a relay with these RELAY_* settings beside the ports; it ends with the context.

    Raises:
        RelayStartError: it didn't start.

    """
    with tempfile.TemporaryFile() as log:
        process, ports = await _start(settings, log)
        try:
            yield ports
        finally:
            await _stop(process)


def fetch(url: str, timeout_seconds: float = 1.0) -> str:
    """Return what an HTTP server on the loopback answers.

    Raises:
        OSError: nothing, or an error.

    """
    with urlopen(url, timeout=timeout_seconds) as response:  # noqa: S310 - the URL is our own
        return str(response.read().decode())


async def _start(settings: Mapping[str, str], log: IO[bytes]) -> tuple[asyncio.subprocess.Process, RelayPorts]:
    # The user's own RELAY_* variables are meant for another relay.
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("RELAY_")}
    for _ in range(ATTEMPTS):
        ports = free_ports()
        log.seek(0)
        log.truncate()
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=inherited | ports.environment() | dict(settings),
                start_new_session=True,  # Ctrl-C on the terminal is for us; the relay ends in our order
            )
        except OSError as error:
            raise RelayStartError(f"The relay couldn't be started: {error.strerror}.") from None
        if await _is_ready(process, ports):
            return process, ports
        await _stop(process)
    raise RelayStartError(f"The relay didn't start: {_last_words(log)}")


def free_ports() -> RelayPorts:
    """Find ports that are free for TCP and UDP alike at this moment."""
    with socket.socket() as tcp, socket.socket() as ops, _datagrams() as udp, _datagrams() as lobby:
        found = []
        for each in (tcp, udp, lobby, ops):
            each.bind(("127.0.0.1", 0))
            found.append(int(each.getsockname()[1]))
        return RelayPorts(*found)


def _datagrams() -> socket.socket:
    return socket.socket(type=socket.SOCK_DGRAM)


def _command() -> list[str]:
    beside = shutil.which("relay-server", path=str(Path(sys.executable).parent))
    relay = [beside, "run"] if beside else [sys.executable, "-m", "relay_server", "run"]
    if sys.platform != "linux":
        return relay
    return [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *relay]


async def _is_ready(process: asyncio.subprocess.Process, ports: RelayPorts) -> bool:
    """Wait until the relay takes joins; False if it ended or takes too long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                with suppress(OSError):
                    await asyncio.to_thread(fetch, f"http://127.0.0.1:{ports.ops}/readyz")
                    return True
                await asyncio.sleep(_POLL_SECONDS)
    return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    for stop in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
                return


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it wasn't ready in {START_SECONDS:g} s."
