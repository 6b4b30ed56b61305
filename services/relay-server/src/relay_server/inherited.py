"""Sockets that outlive a process: a supervisor, or the relay before this one, opened them and hands them on."""

import os
import socket
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from relay_server.net.sockets import is_bound
from relay_server.net.supervisor import forget_sockets
from relay_server.operator.unix_socket import UnixSocket

FIRST_DESCRIPTOR: Final = 3
"""The first one that a supervisor passes on (``SD_LISTEN_FDS_START``)."""
MAX_DESCRIPTORS: Final = 64
"""More than a relay ever has; a larger number is no count of sockets."""


class Wanted(NamedTuple):
    """The socket that the settings ask for."""

    kind: socket.SocketKind
    host: str
    port: int


class Lock(NamedTuple):
    """The lock of a directory with the state of rooms and members."""

    directory: str
    descriptor: int


class Inherited:
    """Open sockets with names (``tcp``, ``udp``, ``lobby``, ``ops``, ``link``, ``web``), each to be used or closed."""

    def __init__(
        self,
        sockets: Iterable[tuple[str, socket.socket]] = (),
        forget: Callable[[Iterable[str]], None] = lambda _: None,
        admin: UnixSocket | None = None,
        lock: Lock | None = None,
    ) -> None:
        """Take the sockets; ``forget`` gets the names of those that are closed, so that nobody else keeps them open.

        ``admin`` is the operators' socket, and ``lock`` keeps other relays from the state on disk.
        """
        self._sockets = list(sockets)
        self._forget = forget
        self.admin = admin
        self.lock = lock

    @classmethod
    def from_supervisor(cls, environ: MutableMapping[str, str]) -> "Inherited":
        """Take what a supervisor passes to this process (see sd_listen_fds(3)); its variables are removed.

        To be called before anything else is opened. Descriptors that are no sockets are closed.
        """
        pid, count, names = (environ.pop(f"LISTEN_{word}", "") for word in ("PID", "FDS", "FDNAMES"))
        if pid != str(os.getpid()) or not count.isdecimal() or int(count) > MAX_DESCRIPTORS:
            return cls()  # meant for another process, whose descriptors ours aren't
        numbers = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))
        named = dict(zip(numbers, names.split(":"), strict=False))
        sockets = [(named.get(number, "unknown"), _adopt(number)) for number in numbers]
        found = [(name, sock) for name, sock in sockets if sock]
        forget = partial(forget_sockets, environ=environ)
        forget({name for name, sock in sockets if not sock})
        return cls(found, forget)

    def choose(self, wanted: Mapping[str, Wanted]) -> dict[str, socket.socket]:
        """Return those that are what the settings want, by name; all others are closed."""
        chosen: dict[str, socket.socket] = {}
        unfit: set[str] = set()
        for name, sock in self._sockets:
            if name in wanted and name not in chosen and is_bound(sock, *wanted[name]):
                sock.setblocking(False)
                sock.set_inheritable(False)
                chosen[name] = sock
            else:
                sock.close()
                unfit.add(name)
        self._sockets = []
        self._forget(unfit)
        return chosen


NOTHING: Final = Inherited()
"""What a relay inherits that is started by hand."""


def _adopt(number: int) -> socket.socket | None:
    try:
        return socket.socket(fileno=number)
    except OSError:
        with suppress(OSError):  # it may not even be open
            os.close(number)
        return None
