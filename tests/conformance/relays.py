"""Where a relay listens, and how to start one of our own on free ports."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ports import free_ports

START_SECONDS = 20.0
STOP_SECONDS = 10.0
_OPS_SECONDS = 20.0
"""A relay that an attack keeps busy may take long to answer."""

NORMAL = ("-m", "relay_server", "run")
"""What Python is to run."""

# Limits that a test could hit by accident are off; the tests of limits set their own.
DEFAULTS = {
    "RELAY_HOST": "127.0.0.1",
    "RELAY_MAX_ROOMS_PER_ADDRESS": "0",
    "RELAY_MAX_MEMBERS_PER_ADDRESS": "0",
    "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "0",
    "RELAY_JOIN_RATE": "0",
    "RELAY_MESSAGE_RATE": "0",
    "RELAY_BYTE_RATE": "0",
    "RELAY_PASSWORD_GUESSES_PER_MINUTE": "0",
    "RELAY_ADMIN_SOCKET": "",
    "RELAY_WEB_PORT": "0",
}

# Each set of settings is a process, so what doesn't get in each other's way is one set.
RESTRICTED: Mapping[str, object] = {
    "max_members_per_room": 3,
    "hide_rooms": "true",
    "host_grace_seconds": 30,
    "provisional_address": "true",
    "receive_buffer_bytes": 4096,
}
OBEYS_NOBODY: Mapping[str, object] = {"password_guesses_per_minute": 1, "moderation": "false"}
SHORT_OF_PATIENCE: Mapping[str, object] = {"pending_timeout_seconds": 0.5, "host_grace_seconds": 1}
ADDS_NOTHING: Mapping[str, object] = {"attribution": "none", "announce": "false", "leave_commands": "false"}
TALKATIVE: Mapping[str, object] = {"log_level": "debug", "host_grace_seconds": 0}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay listens."""

    host: str
    tcp_port: int
    udp_port: int
    lobby_port: int
    json: bool = field(default=False, kw_only=True)
    """Whether requests that could have a plain name have a JSON object."""

    @property
    def is_loopback_v4(self) -> bool:
        """Tell whether we have more than one address to speak from, 127.0.0.x."""
        return socket.gethostbyname(self.host).startswith("127.") if ":" not in self.host else False


class OwnRelay:
    """A relay process of our own."""

    def __init__(
        self, log: Path, settings: dict[str, str], within: Sequence[str] = (), program: Sequence[str] = NORMAL
    ) -> None:
        """Start it; ``within`` are the words of a command that runs another, such as one that limits it."""
        self.log = log
        self._within, self._program = within, program
        self._asked = False
        deadline = time.monotonic() + START_SECONDS
        while not self._start(settings, deadline):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The relay did not get ready. It says: {self.said()}")

    def _start(self, settings: dict[str, str], deadline: float) -> bool:
        tcp, udp, lobby, self.ops_port = ports = self._choose_ports()
        host = settings.get("RELAY_HOST", DEFAULTS["RELAY_HOST"])
        self.relay = Relay("127.0.0.1" if host == "::" else host, tcp, udp, lobby)
        # Of the caller's settings only the event loop counts: RELAY_EVENT_LOOP=asyncio tries the other one.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RELAY_") or name == "RELAY_EVENT_LOOP"
        }
        environment |= DEFAULTS | settings
        for name, port in zip(("TCP", "UDP", "LOBBY", "OPS"), ports, strict=True):
            environment[f"RELAY_{name}_PORT"] = str(port)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._within, sys.executable, *self._program], env=environment, stdout=log, stderr=log
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

    def _choose_ports(self) -> Sequence[int]:
        """Return where to listen: TCP, UDP, lobby, ops."""
        return free_ports(4)

    def _is_ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return self.ops("/readyz") != ""
        return False

    def ops(self, path: str) -> str:
        """Get a page of the ops port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=_OPS_SECONDS) as response:
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


class CommonRelays:
    """Relays that run for all tests of a worker, one for each set of settings."""

    def __init__(self, new_log: Callable[[], Path]) -> None:
        self._new_log = new_log
        self._relays: dict[tuple[tuple[str, str], ...], OwnRelay] = {}

    def get(self, **settings: object) -> OwnRelay:
        """Return the relay with settings such as ``max_rooms=2``, or start it; starts another when it has ended."""
        if settings.get("event_loop") == os.environ.get("RELAY_EVENT_LOOP", "uvloop"):
            del settings["event_loop"]  # which is the one that a relay takes anyway
        key = tuple(sorted((f"RELAY_{name.upper()}", str(value)) for name, value in settings.items()))
        if key not in self._relays or self._relays[key].process.poll() is not None:
            self._relays[key] = OwnRelay(self._new_log(), dict(key))
        return self._relays[key]

    def end(self) -> None:
        """End them all, and check that they ended as they should."""
        for own in self._relays.values():
            own.terminate()
        failed = {own.said() for own in self._relays.values() if own.stop() != 0}
        assert not failed, "\n".join(failed)
