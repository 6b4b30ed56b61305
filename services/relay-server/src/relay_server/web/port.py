"""The web port: HTTP for the page, WebSockets for its chats (WEB-01)."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from relay_server.core.address import network_of, parse_ip
from relay_server.core.admission import JOIN_BURST_SECONDS
from relay_server.core.counters import WebCounters
from relay_server.core.limits import NetworkBuckets
from relay_server.net.acceptor import Acceptor
from relay_server.net.connection_slots import ConnectionSlots
from relay_server.net.entrance import Entrance
from relay_server.net.reported import reported
from relay_server.net.sockets import is_wildcard
from relay_server.net.tcp import TcpPort
from relay_server.net.turns import Turns
from relay_server.tls.server import Tls
from relay_server.web.callers import Callers
from relay_server.web.joining import Joining
from relay_server.web.site import Site
from relay_server.web.visit import Visit
from relay_server.web.websocket import Framer, WebSocket
from relay_server.web_settings import WEB_CONNECTIONS

if TYPE_CHECKING:
    from relay_server.net.carriage import Carriage

CONNECTIONS_PER_PAGE: Final = 7
"""Six for a page's files and one for its chat, as browsers open them: an address may have so many for each join that it
may have under way or at once, or a class that opens the page together would get parts of it."""
REQUEST_RATE: Final = 100.0
REQUEST_BURST: Final = 5000.0
"""So many HTTP requests an address may make in a second, and at once: some fifty for each page of such a class."""


Slots: TypeAlias = "ConnectionSlots[Visit | Joining | Carriage]"


@dataclass(eq=False)
class WebPort:
    """Accepts connections of browsers and counts the open ones."""

    tcp: TcpPort
    """Where others join: its requests, chats and limits are the same."""
    _: KW_ONLY
    site: Site
    callers: Callers
    on_error: Callable[[Exception], None]
    tls: Tls | None = None
    public_link: str = ""
    """Where people open the page; empty if that is where it listens."""
    max_connections: int = WEB_CONNECTIONS
    """Of those that carry no chat."""
    join_rate: float = 0.0
    """Of one address (LIM-01); 0 = no limit."""
    counters: WebCounters = field(init=False, default_factory=WebCounters)

    def __post_init__(self) -> None:
        """Take what it shares, and make what it keeps books by."""
        tcp = self.tcp
        self.control, self.limits, self.admission = tcp.control, tcp.limits, tcp.admission
        self.streams, self.workers, self.edge = tcp.streams, tcp.workers, tcp.edge
        self.clock, self.flush, self.on_duration = tcp.clock, tcp.flush, tcp.on_duration
        per_address = CONNECTIONS_PER_PAGE * self.limits.max_transactions_per_address
        rate = CONNECTIONS_PER_PAGE * self.join_rate
        self.connections: Slots = ConnectionSlots(self.max_connections, per_address)
        self.proxied: Slots = ConnectionSlots(self.max_connections, 0)
        """Those of trusted proxies, each of which speaks for many people."""
        self._connection_rate = NetworkBuckets(rate, JOIN_BURST_SECONDS * rate)
        self.request_rate = NetworkBuckets(REQUEST_RATE, REQUEST_BURST)
        self.framer = Framer()
        self._turns = Turns()
        self._acceptor: Acceptor | None = None

    def make_room(self, slots: "Slots") -> bool:
        """See to it that one more may enter; False if all are at work (ROOM-05)."""
        if slots.is_full():
            yielding = slots.first_to_yield()
            if yielding is None:
                return False
            yielding.give_way()
        return True

    @property
    def open_connections(self) -> int:
        """How many connections are open that carry no chat."""
        return len(self.connections) + len(self.proxied)

    @property
    def open_chats(self) -> int:
        """How many connections carry a chat."""
        return sum(isinstance(chat.transport, WebSocket) for chat in self.streams.connections)

    def link(self, host: str, port: int) -> str:
        """Return where people open the page; if nobody said it, where a browser on this machine finds it."""
        if self.public_link:
            return self.public_link
        name = "localhost" if is_wildcard(host) else f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{name}:{port}/"

    def start(self, sock: socket.socket) -> None:
        """Accept connections from a listening socket."""
        self._acceptor = Acceptor(sock, self._connect, self._admit)

    def pause(self) -> None:
        """Accept nobody until `resume`: who comes waits in the kernel's queue."""
        if self._acceptor:
            self._acceptor.pause()

    def freeze(self) -> None:
        """Answer status 11 to whom isn't let in yet; who asks from now on is answered so by `StreamPort.is_frozen`."""
        for slots in (self.connections, self.proxied):
            for connection in list(slots):
                if isinstance(connection, Joining):
                    connection.hurry()

    def resume(self) -> None:
        """Accept again."""
        if self._acceptor:
            self._acceptor.resume()

    def leave(self) -> None:
        """Close who may ask for another page once the last one is sent: another process serves the port."""
        for slots in (self.connections, self.proxied):
            for connection in list(slots):
                if isinstance(connection, Visit):
                    connection.finish()

    def close(self) -> None:
        """Stop accepting, and cut who asks still; chats are the streams' business."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None
        for slots in (self.connections, self.proxied):
            for connection in list(slots):
                connection.abort()
        self._turns.close()

    def _admit(self, ip: str) -> bool:
        """Count a connection; False if there are too many from there. A proxy's are counted as each member's."""
        address = parse_ip(ip)
        return self.callers.trusts(address) or self._connection_rate.take(network_of(address), self.clock())

    def may_ask(self, ip: bytes) -> bool:
        """Count an HTTP request of this address; False if there are too many."""
        return self.request_rate.take(network_of(ip), self.clock())

    @reported
    def _connect(self) -> asyncio.Protocol:
        return Entrance(Visit(self), self.tls, self._turns, self.clock, self.limits.max_payload_bytes)
