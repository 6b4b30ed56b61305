"""Many requests at once: all are on their way before the first answer is read."""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from conformance import wire
from conformance.people import call
from conformance.relays import Relay

ANSWER_SECONDS: Final = 60.0
"""What an answer may take on the busiest machine: passwords are hashed when nothing else is to be done."""
CUT: Final = -1
"""In the place of a status: the connection ended without an answer."""


class Burst:
    """Requests whose answers wait to be read."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self._connections = connections

    def statuses(self) -> list[int]:
        """Wait for all answers; returns the status of each, in the order of the requests."""
        return [_status(connection) for connection in self._connections]

    def count(self) -> Counter[int]:
        """Wait for all answers; returns how often each status came."""
        return Counter(self.statuses())


@contextmanager
def burst(relay: Relay, requests: Sequence[bytes], sources: Sequence[str]) -> Iterator[Burst]:
    """Send requests from these addresses in turn, each over a connection of its own."""
    with ExitStack() as stack:
        connections = []
        for number, request in enumerate(requests):
            connections.append(stack.enter_context(call(relay, sources[number % len(sources)])))
            connections[-1].settimeout(ANSWER_SECONDS)
            connections[-1].sendall(request)
        yield Burst(connections)


def _status(connection: socket.socket) -> int:
    try:
        frames = wire.read_frames(connection)
    except ConnectionError:
        return CUT
    if not frames:
        return CUT
    payload = frames[0].payload
    return json.loads(payload)["status"] if payload.startswith(b"{") else payload[0]
