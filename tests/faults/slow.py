"""Connections that send a byte now and then and never ask for anything whole: ``python -m faults.slow`` holds them.

They live in a process of their own, so that whoever measures meanwhile isn't slowed down by them. It says ``connected``
once all are, and in the end, when the relay has closed them all or enough bytes were sent, what became of them.
"""

import argparse
import errno
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

CLOSED_WITHIN_SECONDS: Final = 30.0
"""How long after the last byte a busy machine may need to close them all."""
_CONNECT_SECONDS = 60.0
_HEADER = bytes((4, 1)) + bytes(30)
"""The beginning of a request, and no more of it; the statuses are counted by the byte that ends the answer."""


class Ends(NamedTuple):
    """What became of slow connections."""

    answers: dict[int, int]
    """Number of connections by status; connections without a status aren't counted."""
    closed: int
    still_open: int
    last_closed_after_seconds: float
    """Since the last of them connected."""


class SlowCrowd:
    """A process that holds slow connections."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def await_connected(self) -> Self:
        """Wait until all are connected; the kernel takes them, whatever the relay does."""
        assert self._read() == "connected"
        return self

    @property
    def ended(self) -> bool:
        """Tell whether the relay has closed them all, or all bytes are sent."""
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def ends(self) -> Ends:
        """Wait for their end."""
        fields = json.loads(self._read())
        return Ends(**fields | {"answers": {int(status): count for status, count in fields["answers"].items()}})

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def slow_crowd(port: int, count: int, sources: Sequence[str], *, interval: float, rounds: int) -> Iterator[SlowCrowd]:
    """Let so many connections from these addresses in turn send a byte each ``interval`` seconds, ``rounds`` times."""
    command = [sys.executable, "-m", "faults.slow", port, count, ",".join(sources), interval, rounds]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield SlowCrowd(process)
        finally:
            process.kill()


def can_open(count: int) -> bool:
    """Return whether a process may have this number of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard == resource.RLIM_INFINITY or count + 100 <= hard


class _Slow:
    """One connection."""

    def __init__(self, port: int, source: str) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((source, 0))
        self.answer = b""
        with suppress(BlockingIOError):
            self.socket.connect(("127.0.0.1", port))

    def send_byte(self, number: int) -> None:
        with suppress(OSError):
            self.socket.send(_HEADER[number % len(_HEADER) :][:1])

    def is_closed(self) -> bool:
        """Read what has come; True at the end."""
        try:
            while data := self.socket.recv(4096):
                self.answer += data
        except BlockingIOError:
            return False
        except ConnectionError:
            pass
        return True


class _Crowd:
    """All that are connected still."""

    def __init__(self) -> None:
        self.held: dict[int, _Slow] = {}
        self.answers: Counter[int] = Counter()
        self.closed = 0
        self.last_closed_at = 0.0
        self._poll = select.epoll()

    def add(self, slow: _Slow) -> None:
        _await_connected(slow.socket)
        self.held[slow.socket.fileno()] = slow
        self._poll.register(slow.socket, select.EPOLLIN | select.EPOLLRDHUP)

    def reap(self, seconds: float) -> None:
        """Wait so long for some to be closed."""
        for fileno, _ in self._poll.poll(seconds):
            slow = self.held[fileno]
            if slow.is_closed():
                self._poll.unregister(fileno)
                self.held.pop(fileno).socket.close()
                self.closed, self.last_closed_at = self.closed + 1, time.monotonic()
                self.answers.update(slow.answer[-1:])


def _hold(port: int, count: int, sources: Sequence[str], interval: float, rounds: int) -> Ends:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = _Crowd()
    for number in range(count):
        crowd.add(_Slow(port, sources[number % len(sources)]))
    print("connected", flush=True)
    start = time.monotonic()
    for number in range(rounds):
        for slow in crowd.held.values():
            slow.send_byte(number)
        while crowd.held and (rest := start + (number + 1) * interval - time.monotonic()) > 0:
            crowd.reap(rest)
    patience = time.monotonic() + CLOSED_WITHIN_SECONDS
    while crowd.held and crowd.closed and time.monotonic() < patience:  # if none was by now, nobody closes them
        crowd.reap(1)
    return Ends(dict(crowd.answers), crowd.closed, len(crowd.held), max(crowd.last_closed_at - start, 0.0))


def _await_connected(sock: socket.socket) -> None:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    assert poll.poll(_CONNECT_SECONDS * 1000), "the relay's queue stays full"
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert error in {0, errno.ECONNRESET}, os.strerror(error)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("sources", type=lambda text: text.split(","))
    parser.add_argument("interval", type=float)
    parser.add_argument("rounds", type=int)
    print(json.dumps(_hold(**vars(parser.parse_args()))._asdict()), flush=True)


if __name__ == "__main__":
    _main()
