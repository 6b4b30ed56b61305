"""Sockets on loopback, and waiting for what must come, with a deadline."""

import asyncio
import select
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from relay_server.core.address import parse_ip
from relay_server.net.address import UdpAddress, make_address
from relay_server.net.workers import Workers

Run: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
"""Runs a scenario to its end."""
DEADLINE_SECONDS = 20.0
"""What hasn't come by then never will."""


@contextmanager
def udp_peer(ip: str = "127.0.0.1", port: int = 0) -> Iterator[socket.socket]:
    """Open a socket that waits for answers, but not for ever."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((ip, port))
        sock.settimeout(DEADLINE_SECONDS)
        yield sock


def address_of(sock: socket.socket) -> UdpAddress:
    """Return where a socket is bound."""
    host, port, *_ = sock.getsockname()
    return make_address(parse_ip(host), port)


def port_of(sock: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    port: int = sock.getsockname()[1]
    return port


def dead_address(ip: str = "127.0.0.1") -> UdpAddress:
    """Return an address where nobody listens any more."""
    with udp_peer(ip) as sock:
        return address_of(sock)


def wait_until_readable(fileno: int) -> None:
    """Wait until there is something to read, or an error to take."""
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    assert poll.poll(DEADLINE_SECONDS * 1000), "nothing came"


def under_way(workers: Workers) -> int:
    """Return how many jobs wait or are at work."""
    return len(workers._at_work) + len(workers._queue)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until the condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.001)
