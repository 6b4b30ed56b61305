"""Networks of their own beside this machine's, as a container on a bridge has one; for Linux's root."""

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEADLINE_SECONDS: Final = 30.0
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network with one interface; this machine is its gateway."""

    name: str
    gateway: str
    address: str
    outer: str
    """The interface on this machine's side."""

    @property
    def inside(self) -> tuple[str, ...]:
        """The words before a command that is to run in there."""
        return "ip", "netns", "exec", self.name

    def run(self, *command: str) -> None:
        _run(*self.inside, *command)


@contextmanager
def network(label: str, subnet: int) -> Iterator[Namespace]:
    """Make a network; label and subnet, a multiple of 4, must be each test's own."""
    name, outer = f"{label}{os.getpid()}", f"{label[:2]}{os.getpid()}"
    made = Namespace(name, f"203.0.113.{subnet + 1}", f"203.0.113.{subnet + 2}", outer)
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "address", "add", f"{made.gateway}/30", "dev", outer)
        _run("ip", "link", "set", outer, "up")
        for words in (f"address add {made.address}/30 dev eth0", "link set lo up", "link set eth0 up"):
            _run("ip", "-n", name, *words.split())
        _run("ip", "-n", name, "route", "add", "default", "via", made.gateway)
        yield made
    finally:
        # The kernel takes its time with a namespace, and the next test wants the address.
        subprocess.run(["ip", "link", "delete", outer], check=False, capture_output=True, timeout=DEADLINE_SECONDS)
        _run("ip", "netns", "delete", name)


@contextmanager
def apart() -> Iterator[None]:
    """Leave this machine's network, whose firewall may put fragments together, for an empty one.

    It is the calling thread that leaves, and what it starts meanwhile.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open(encoding="ascii") as home:
        if libc.unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no network of its own")
        try:
            _run("ip", "link", "set", "lo", "up")
            yield
        finally:
            if libc.setns(home.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "no way back")


def await_port(host: str, port: int) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        assert time.monotonic() < deadline, f"Nobody listens on {host}:{port}."
        time.sleep(0.02)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 0, done.stderr
