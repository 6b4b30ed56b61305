"""Ports for programs under test: free for TCP and UDP alike, and nobody's outgoing connection can come to sit there."""

import random
import socket
from contextlib import suppress
from functools import cache
from itertools import count
from typing import Final

# Below what systems hand out by themselves. Each process has a share of its own, for several runs may go on at a time.
_FIRST: Final = 20_000
_SHARES: Final = 24
_SHARE_PORTS: Final = 500

_turns = count(random.randrange(_SHARE_PORTS))


def free_ports(wanted: int) -> list[int]:
    """Choose so many ports in a row, none of them twice before all have had their turn: who asks may listen later."""
    start = _share()
    while True:
        places = [next(_turns) % _SHARE_PORTS for _ in range(wanted)]
        ports = [start + place for place in places]
        if places == sorted(places) and all(map(_is_free, ports)):
            return ports


@cache
def _share() -> int:
    """Return the first port of a share that is this process's alone until it ends."""
    for start in range(_FIRST, _FIRST + _SHARES * (_SHARE_PORTS + 1), _SHARE_PORTS + 1):
        with socket.socket() as claim, suppress(OSError):
            claim.bind(("127.0.0.1", start))  # the port before the share: it keeps others away
            claim.detach()
            return start + 1
    raise RuntimeError(f"No port for a program under test: {_SHARES} other processes have a share each.")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
