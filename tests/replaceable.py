"""Relays that another process takes over while they run (`relay-server admin replace`)."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.relays import NORMAL, START_SECONDS, STOP_SECONDS, OwnRelay
from ports import free_ports

_PR_SET_CHILD_SUBREAPER = 36
FINISH_SECONDS = 120.0


class Heir:
    """The process that took over, as `subprocess.Popen` has a process; it is no child of ours by its start."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or 1e9)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ReplaceableRelay(OwnRelay):
    """A relay whose process may be another one later."""

    def __init__(
        self, log: Path, settings: dict[str, str], within: Sequence[str] = (), program: Sequence[str] = NORMAL
    ) -> None:
        # Orphans become this process's children, so that the exit code of each who took over is known.
        assert ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        self._place = tempfile.TemporaryDirectory(dir="/tmp")
        self.admin_socket = Path(self._place.name, "admin.sock")
        self._count = 0
        self._ports: Sequence[int] = ()
        self._settings = {"RELAY_ADMIN_SOCKET": os.fspath(self.admin_socket)} | settings
        super().__init__(log, self._settings, within, program)

    def _choose_ports(self) -> Sequence[int]:
        self._ports = self._ports or free_ports(4)
        return self._ports

    def start_again(self) -> None:
        """Start it anew on the same ports, after its end."""
        assert self._start(self._settings, time.monotonic() + START_SECONDS), self.said()

    def admin(self, *words: str) -> subprocess.Popen[str]:
        """Begin to give an operator's command."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
        return subprocess.Popen(
            [sys.executable, "-m", "relay_server", "admin", *words],
            env=environment | {"RELAY_ADMIN_SOCKET": os.fspath(self.admin_socket)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin_replacing(self, settings: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Ask the relay to let a new process take over, with these settings besides."""
        self._count += 1
        file = Path(self._place.name, f"environment-{self._count}")
        file.write_text("".join(f"{name}={value}\n" for name, value in (settings or {}).items()))
        return self.admin("replace", "--json", "--environment", os.fspath(file))

    def finish_replacing(self, asked: subprocess.Popen[str]) -> dict[str, Any]:
        """Check that a new process took over, and that the old one ends; returns what the command told."""
        out, err = asked.communicate(timeout=FINISH_SECONDS)
        assert (asked.returncode, err) == (0, ""), err + self.said()
        (row,) = json.loads(out)
        self.adopt(row["pid"])
        told: dict[str, Any] = row
        return told

    def adopt(self, pid: int) -> None:
        """Check that the old process ends, and take the new one for the relay's."""
        assert self.process.wait(STOP_SECONDS) == 0, self.said()
        self.process = Heir(pid)  # type: ignore[assignment]

    def replace(self, settings: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Let a new process take over."""
        return self.finish_replacing(self.begin_replacing(settings))

    def stop(self) -> int:
        try:
            return super().stop()
        finally:
            self._place.cleanup()
