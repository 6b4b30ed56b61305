"""The port where other nodes open links: each proves first that it is one of the cluster (CLU-04)."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from relay_server.core.address import network_of, parse_ip
from relay_server.core.admission import Census
from relay_server.core.counters import ClusterCounters
from relay_server.core.limits import NetworkBuckets
from relay_server.net.acceptor import Acceptor
from relay_server.net.hello import MAX_HELLO_BYTES, Hello, HelloError, Kind, decode_hello
from relay_server.net.links import Link
from relay_server.net.reported import reported

if TYPE_CHECKING:
    from relay_server.tls.node import NodeCertificate

HELLO_SECONDS: Final = 2.0
"""So long a link may take for its handshake and its first line."""
MAX_WIRE_BYTES: Final = 16_384
"""A handshake and a first line are much shorter: what comes before the proof is bounded, and its work with it."""
PIECE_BYTES: Final = 2048
"""TLS is fed so much of it at a time, for the client's request may come along with the proof."""
MAX_UNPROVEN: Final = 512
MAX_UNPROVEN_PER_ADDRESS: Final = 64
"""Links that have yet to prove themselves. A node opens 16 at once, and several nodes may share an address."""
REFUSALS_A_SECOND: Final = 1.0
REFUSALS_AT_ONCE: Final = 32
"""Who is refused more often isn't even heard, for each handshake holds up the loop. The address of a node that was
started again, and whose new certificate others don't know yet, is trusted again within a second."""
MAX_LINKS_PER_ADDRESS: Final = 16_384
"""A node carries a client by each, so this is how many one may carry to another."""


class Carries(Protocol):
    """Takes in a client that another node carries; from then on the link's user is whoever serves it."""

    def __call__(self, link: Link, hello: Hello, via: bytes) -> None:
        """Serve the client; ``via`` is the IP of the node that carries it."""
        ...


class LinkPort:
    """Accepts links and counts them."""

    def __init__(
        self,
        certificate: "NodeCertificate",
        key: bytes,
        *,
        node: str,
        rooms: Callable[[], int],
        carry: Carries,
        counters: ClusterCounters,
        answers: Callable[[Kind], Iterable[bytes]] = lambda _: (),
    ) -> None:
        """``key`` is the cluster's for links, ``node`` the name of this one; ``rooms`` tells how many it holds.

        ``answers`` is for other nodes' operators, in pieces.
        """
        self.certificate = certificate
        self.key = key
        self.carry = carry
        self.counters = counters
        self.unproven = Census(MAX_UNPROVEN, MAX_UNPROVEN_PER_ADDRESS)
        self.proven = Census(0, MAX_LINKS_PER_ADDRESS)
        self.links: set[Link] = set()
        self._refusals = NetworkBuckets(REFUSALS_A_SECOND, REFUSALS_AT_ONCE)
        self._loop = asyncio.get_running_loop()
        self._node = node
        self._rooms = rooms
        self._answers = answers
        self._acceptor: Acceptor | None = None

    def start(self, sock: socket.socket) -> None:
        """Accept links from a listening socket."""
        self._acceptor = Acceptor(sock, self._connect, self._admit)

    def pause(self) -> None:
        """Accept nobody until `resume`: who comes waits in the kernel's queue."""
        if self._acceptor:
            self._acceptor.pause()

    def resume(self) -> None:
        """Accept again."""
        if self._acceptor:
            self._acceptor.resume()

    def close(self) -> None:
        """Stop accepting, and cut every link."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None
        for link in list(self.links):
            link.transport.abort()

    def answer(self, kind: Kind) -> Iterable[bytes]:
        """Return what answers a probe, or an operator's question, in pieces."""
        if kind is not Kind.PROBE:
            return self._answers(kind)
        return (json.dumps({"node": self._node, "rooms": self._rooms()}).encode() + b"\n",)

    def distrust(self, network: bytes) -> None:
        """Count a link of a network (see `core.address.network_of`) that proved nothing."""
        self.counters.links_refused += 1
        self._refusals.take(network, self._loop.time())

    def _admit(self, ip: str) -> bool:
        network = network_of(parse_ip(ip))
        left = self._refusals.bucket_of(network, self._loop.time())
        is_trusted = left.take(1, self._loop.time())
        if is_trusted:
            left.give_back(1)
        admitted = is_trusted and not (self.unproven.is_full() or self.unproven.is_full_for(network))
        self.counters.links_refused += not admitted
        return admitted

    @reported
    def _connect(self) -> asyncio.Protocol:
        return AcceptedLink(self)


class AcceptedLink(Link):
    """The end that a link was opened to."""

    def __init__(self, port: LinkPort) -> None:
        super().__init__(port.certificate.context, _Stranger(self), server_side=True)
        self._port = port
        self._left = MAX_WIRE_BYTES
        self._line = b""
        self._timer: asyncio.TimerHandle | None = None
        self._ip: bytes | None = None
        self._census = port.unproven

    @property
    def _network(self) -> bytes:
        return network_of(self._ip or bytes(16))

    @reported
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a moment to prove itself."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        if not peer:  # it is gone already
            self.transport.abort()
            return
        self._ip = parse_ip(peer[0])
        self._port.links.add(self)
        self._census.add(self._network)
        self._timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.refuse)

    @reported
    def data_received(self, data: bytes) -> None:
        """Take bytes of the wire, few of them before the proof."""
        while data and self._timer is not None:
            piece, data = data[:PIECE_BYTES], data[PIECE_BYTES:]
            self._left -= len(piece)
            if self._left < 0:
                self.refuse()
            else:
                super().data_received(piece)
        if data and not self.transport.is_closed:
            super().data_received(data)

    def take_words(self, data: bytes) -> None:
        """Take a piece of the first line, and let who proves itself have what comes after it."""
        self._line += data
        line, ended, rest = self._line.partition(b"\n")
        if not ended and len(line) <= MAX_HELLO_BYTES:
            return
        try:
            hello = decode_hello(line, self._port.key, self._port.certificate.fingerprint)
        except HelloError:
            self.refuse()
        else:
            self._begin(hello, rest)

    def refuse(self) -> None:
        """Cut a link that has proved nothing."""
        self._port.distrust(self._network)
        self._stop_timer()
        self.transport.abort()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the link is gone."""
        if self._timer is not None:
            self._port.distrust(self._network)
            self._stop_timer()
        if self in self._port.links:
            self._port.links.discard(self)
            self._census.remove(self._network)
        super().connection_lost(exc)
        del self.user  # else a link and its stranger would hold each other

    def _begin(self, hello: Hello, rest: bytes) -> None:
        port, network = self._port, self._network
        self._stop_timer()
        if port.proven.is_full_for(network):
            port.counters.links_refused += 1
            self.transport.abort()
            return
        self._census.remove(network)
        self._census = port.proven
        self._census.add(network)
        if hello.kind is not Kind.CARRY:
            self._say(iter(port.answer(hello.kind)))
            return
        port.carry(self, hello, self._ip or bytes(16))
        if rest:
            self.user.data_received(rest)

    @reported
    def _say(self, pieces: Iterator[bytes]) -> None:
        """Write an answer, and let other work have its turn after each piece."""
        piece = next(pieces, None)
        if piece is None:
            self.transport.close()
        elif not self.transport.is_closed:
            self.transport.write(piece)
            asyncio.get_running_loop().call_soon(self._say, pieces)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Stranger:
    """The user of a link that has proved nothing yet."""

    def __init__(self, link: AcceptedLink) -> None:
        self._link = link

    def data_received(self, data: bytes) -> None:
        """Take a piece of the first line."""
        self._link.take_words(data)

    def eof_received(self) -> bool:
        """Let it go."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Do nothing: nobody was let in."""

    def pause_writing(self) -> None:
        """Do nothing: nothing was said."""

    resume_writing = pause_writing
