"""Ports for programs under test: free for TCP and UDP alike, and nobody's outgoing connection can come to sit there."""

import os
import random
import socket
from itertools import count
from typing import Final
from zlib import crc32

# Below what systems hand out by themselves. Workers of one run each have their own share, runs begin anywhere.
_FIRST: Final = 20_000
_SHARES: Final = 8
_SHARE_PORTS: Final = 1_500

_turns = count(random.randrange(_SHARE_PORTS))


def free_ports(wanted: int) -> list[int]:
    """Choose so many ports in a row, none of them twice before all have had their turn: who asks may listen later."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    run = crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", "").encode())
    start = _FIRST + (run + worker) % _SHARES * _SHARE_PORTS
    while True:
        places = [next(_turns) % _SHARE_PORTS for _ in range(wanted)]
        ports = [start + place for place in places]
        if places == sorted(places) and all(map(_is_free, ports)):
            return ports


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
