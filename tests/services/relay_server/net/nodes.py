"""Nodes of a cluster on loopback, joined by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from chatproto import Server
from relay_server.core.counters import ClusterCounters
from relay_server.core.places import Node
from relay_server.net.hello import Hello, Kind
from relay_server.net.link_port import LinkPort
from relay_server.net.links import Link
from relay_server.net.sockets import listen_tcp
from relay_server.tls.node import make_node_certificate
from services.relay_server.net.loopback import until

KEY = b"k" * 32


def node_at(link_port: int, fingerprint: str, *, name: str = "home", udp_port: int = 9001) -> Node:
    """Describe a node on loopback as it would itself."""
    server = Server("127.0.0.1:9000")
    return Node(name, server, "127.0.0.1", udp_port, link_port, fingerprint, started_at=1.0)


class Echo:
    """Serves a carried client: it sends back what it hears, and says what became of the link."""

    def __init__(self, link: Link, hello: Hello, via: bytes) -> None:
        self.transport = link.transport
        self.hello, self.via = hello, via
        self.echoes = True
        self.heard = b""
        self.ended = False
        self.lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if self.echoes:
            self.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class Ear:
    """The user of an opened link."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = False
        self.lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.ended = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)

    def pause_writing(self) -> None: ...

    resume_writing = pause_writing


class EchoNode:
    """A node that echoes what comes over its links."""

    def __init__(self) -> None:
        self.counters = ClusterCounters()
        self.served: list[Echo] = []
        self.echoes = True
        self.certificate = make_node_certificate()
        self.answers: dict[Kind, Callable[[], Iterable[bytes]]] = {}
        """The pieces that answer operators' questions."""
        self.port = LinkPort(
            self.certificate, KEY, node="home", rooms=lambda: 7, carry=self._carry, counters=self.counters,
            answers=lambda kind: self.answers.get(kind, tuple)(),
        )  # fmt: skip
        sock = listen_tcp("127.0.0.1", 0)
        self.number: int = sock.getsockname()[1]
        self.node = node_at(self.number, self.certificate.fingerprint)
        self.port.start(sock)

    def _carry(self, link: Link, hello: Hello, via: bytes) -> None:
        echo = Echo(link, hello, via)
        echo.echoes = self.echoes
        self.served.append(echo)
        link.user = echo


@asynccontextmanager
async def echo_node() -> AsyncIterator[EchoNode]:
    node = EchoNode()
    try:
        yield node
    finally:
        node.port.close()
        await until(lambda: not node.port.links)
        await asyncio.sleep(0)
