"""Ports for programs under test: free for TCP and UDP alike, and nobody's outgoing connection can come to sit there."""

import fcntl
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Final

# Below what systems hand out by themselves. Each process has a share of its own, for several runs may go on at a time.
_FIRST: Final = 10_000
_SHARES: Final = 24
_SHARE_PORTS: Final = 930
"""A port rests for a minute after its server closed a connection, and tests of the page take some 700 in that time."""


@dataclass
class _Share:
    """Ports that are this process's alone until it ends."""

    first: int
    place: int = field(default_factory=lambda: random.randrange(_SHARE_PORTS))
    """Which of them has its turn next."""


def free_ports(wanted: int) -> list[int]:
    """Choose so many ports in a row, none of them twice before all have had their turn: who asks may listen later."""
    share = _share()
    for _ in range(_SHARE_PORTS):
        if share.place + wanted > _SHARE_PORTS:
            share.place = 0
        ports = [share.first + place for place in range(share.place, share.place + wanted)]
        if all(map(_is_free, ports)):
            share.place += wanted
            return ports
        share.place += 1
    raise RuntimeError(
        f"No {wanted} free ports in a row from {share.first} on: others have them, or had them just now."
    )


@cache
def _share() -> _Share:
    """Claim a share by the lock of a file: unlike ports, files are the same in each network namespace."""
    for number in range(_SHARES):
        file = Path(gettempdir(), f"chat-tests-ports-{number}")
        with suppress(PermissionError):
            file.touch()
        with suppress(BlockingIOError, PermissionError), file.open("rb") as lock:  # perhaps another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.dup(lock.fileno())  # which keeps the lock until the process ends
            return _Share(_FIRST + number * _SHARE_PORTS)
    raise RuntimeError(f"No port for a program under test: {_SHARES} other processes have a share each.")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
