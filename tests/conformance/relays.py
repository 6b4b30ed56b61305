"""Where a relay listens, and how to start one of our own on free ports."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
# Below the ports that systems hand out by themselves, so that nobody's outgoing connection sits there.
PORTS = range(20_000, 32_000, 4)

# Limits that a test could hit by accident are off; the tests of limits set their own.
DEFAULTS = {
    "RELAY_HOST": "127.0.0.1",
    "RELAY_MAX_ROOMS_PER_ADDRESS": "0",
    "RELAY_MAX_MEMBERS_PER_ADDRESS": "0",
    "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "0",
    "RELAY_JOIN_RATE": "0",
    "RELAY_MESSAGE_RATE": "0",
    "RELAY_BYTE_RATE": "0",
}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay listens."""

    host: str
    tcp_port: int
    udp_port: int
    lobby_port: int

    @property
    def is_loopback_v4(self) -> bool:
        """Tell whether we have more than one address to speak from, 127.0.0.x."""
        return socket.gethostbyname(self.host).startswith("127.") if ":" not in self.host else False


class OwnRelay:
    """A relay process of our own."""

    def __init__(self, log: Path, settings: dict[str, str]) -> None:
        self.log = log
        self._asked = False
        deadline = time.monotonic() + START_SECONDS
        while not self._start(settings, deadline):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The relay did not get ready. It says: {self.said()}")

    def _start(self, settings: dict[str, str], deadline: float) -> bool:
        base = random.choice(PORTS)
        if not _are_free(base):
            return False
        host = settings.get("RELAY_HOST", DEFAULTS["RELAY_HOST"])
        self.relay = Relay("127.0.0.1" if host == "::" else host, base, base + 1, base + 2)
        self.ops_port = base + 3
        # Of the caller's settings only the event loop counts: RELAY_EVENT_LOOP=asyncio tries the other one.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RELAY_") or name == "RELAY_EVENT_LOOP"
        }
        environment |= DEFAULTS | settings
        for offset, port in enumerate(("TCP", "UDP", "LOBBY", "OPS")):
            environment[f"RELAY_{port}_PORT"] = str(base + offset)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relay_server", "run"], env=environment, stdout=log, stderr=log
            )
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False  # somebody else took a port in between
            if self._is_ready():
                return True
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        return False

    def _is_ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return self.ops("/readyz") != ""
        return False

    def ops(self, path: str) -> str:
        """Get a page of the ops port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=5) as response:
            return str(response.read().decode()) or "ok"

    def said(self) -> str:
        """Return what the process wrote so far."""
        return self.log.read_text(errors="replace")

    def terminate(self) -> None:
        """Ask the process to end, once: a second time would cut its farewell short; doesn't wait."""
        if not self._asked and self.process.poll() is None:
            self._asked = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """End the process and return its exit code."""
        self.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def _are_free(base: int) -> bool:
    for offset, kind in enumerate((socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", base + offset))
            except OSError:
                return False
    return True
