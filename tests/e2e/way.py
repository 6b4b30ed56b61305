"""A way to a relay that passes TCP, and UDP as it is told to: none, or all but what a seeded die takes."""

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Self

HOST = "127.0.0.9"
"""Where the way begins: the relay's ports are the same there."""
_BYTES = 65_536
_PATIENCE_SECONDS = 20.0


class Way:
    """Forwards from ``host`` to a relay on 127.0.0.1 while its context is open; a NAT for any number of clients."""

    def __init__(self, relay: Any, host: str = HOST, *, loss: float = 0.0, seed: int = 0) -> None:
        self.udp_passes = True
        self.dropped = 0
        """Datagrams that the die took."""
        self.tcp_seen, self.udp_seen = bytearray(), bytearray()
        """All that went this way and back, as anybody there can read it."""
        self.server = f"{host}:{relay.tcp_port}"
        self._source = "127.0.0.1"
        self._host, self._loss, self._chance = host, loss, Random(seed)
        self._relay = ("127.0.0.1", relay.tcp_port), ("127.0.0.1", relay.udp_port)
        self._selector = selectors.DefaultSelector()
        self._inners: dict[tuple[Any, str], socket.socket] = {}
        self._ends: dict[socket.socket, socket.socket] = {}
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        tcp, udp = self._relay
        self._listener = socket.create_server((self._host, tcp[1]))
        self._outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outer.bind((self._host, udp[1]))
        self._watch(self._woken, self._stop)
        self._watch(self._listener, self._accept)
        self._watch(self._outer, self._forth)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"x")
        self._thread.join(_PATIENCE_SECONDS)
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._selector.close()
        self._wake.close()

    def move(self, source: str) -> None:
        """Have another address from now on, as the relay sees it; what comes to the old one is lost."""
        self._source = source

    def _run(self) -> None:
        with suppress(StopIteration):
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj in {each.fileobj for each in self._selector.get_map().values()}:
                        key.data()

    def _stop(self) -> None:
        raise StopIteration

    def _watch(self, end: socket.socket, then: Callable[[], None]) -> None:
        self._selector.register(end, selectors.EVENT_READ, then)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            inner = socket.create_connection(self._relay[0], _PATIENCE_SECONDS, (self._source, 0))
        except OSError:
            client.close()
            return
        for end, other in ((client, inner), (inner, client)):
            self._ends[end] = other
            self._watch(end, lambda end=end: self._pass_on(end))  # type: ignore[misc]

    def _pass_on(self, end: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            data = end.recv(_BYTES)
            self.tcp_seen += data
            self._ends[end].sendall(data)
        if not data:
            for each in (end, self._ends[end]):
                self._selector.unregister(each)
                del self._ends[each]
                each.close()

    def _forth(self) -> None:
        data, client = self._outer.recvfrom(_BYTES)
        self.udp_seen += data
        if self._is_lost():
            return
        source = self._source
        inner = self._inners.get((client, source))
        if inner is None:
            inner = self._inners[client, source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            inner.bind((source, 0))
            inner.connect(self._relay[1])
            self._watch(inner, lambda: self._back(inner, client, source))
        with suppress(OSError):  # nobody listens there now
            inner.send(data)

    def _back(self, inner: socket.socket, client: Any, source: str) -> None:
        with suppress(OSError):
            data = inner.recv(_BYTES)
            self.udp_seen += data
            if source == self._source and not self._is_lost():
                self._outer.sendto(data, client)

    def _is_lost(self) -> bool:
        unlucky = self._chance.random() < self._loss
        self.dropped += unlucky
        return unlucky or not self.udp_passes
