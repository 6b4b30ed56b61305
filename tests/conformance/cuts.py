"""A way to a relay that can be cut: what a network does to a connection while people talk."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from conformance.relays import Relay

PIECE_BYTES = 65_536


class Way:
    """Listens beside a relay, and carries connections to it as long as it is whole."""

    def __init__(self, relay: Relay) -> None:
        self._target = relay.host, relay.tcp_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self._is_whole = True
        self._swallows = False
        self._sockets = [self._server]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.getsockname()[1]
        return port

    def swallow_answers(self) -> None:
        """Let nothing come back from the relay any more, until it is mended."""
        self._swallows = True

    def cut(self) -> None:
        """Break all connections, and carry no new one."""
        with self._lock:
            self._is_whole = False
            for one in self._sockets[1:]:
                _shut_down(one)

    def mend(self) -> None:
        """Carry connections again."""
        self._swallows, self._is_whole = False, True

    def close(self) -> None:
        """Be there no more."""
        self.cut()
        _shut_down(self._server)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()

    def _start(self, task: Callable[..., None], *args: socket.socket, **options: bool) -> None:
        thread = threading.Thread(target=task, args=args, kwargs=options)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # it was shut down
            while True:
                near, _ = self._server.accept()
                with self._lock:
                    if not self._is_whole:
                        near.close()
                        continue
                    far = socket.create_connection(self._target)
                    self._sockets += near, far
                self._start(self._carry, near, far)
                self._start(self._carry, far, near, comes_back=True)

    def _carry(self, source: socket.socket, target: socket.socket, *, comes_back: bool = False) -> None:
        with suppress(OSError):  # it was cut
            while data := source.recv(PIECE_BYTES):
                if not (comes_back and self._swallows):
                    target.sendall(data)
        _shut_down(target)


def _shut_down(one: socket.socket) -> None:
    with suppress(OSError):  # its peer was quicker
        one.shutdown(socket.SHUT_RDWR)
