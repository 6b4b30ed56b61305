"""Two nodes of a cluster on loopback, whole but for the directory: it is told by hand which node holds a room."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chatproto import Operation, Server, Status
from relay_server.control import Control
from relay_server.core.carried import CarriedMembers
from relay_server.core.counters import ClusterCounters
from relay_server.core.guesses import Guesses
from relay_server.core.judge import Judge
from relay_server.core.model import Residence, Room, Session
from relay_server.core.places import NewRoom, Node, Told
from relay_server.core.policy import Policy, TcpLimits
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.core.stream_relay import StreamRelay
from relay_server.core.tickets import Seat
from relay_server.net.address import locate, make_address
from relay_server.net.edge import Edge
from relay_server.net.homeward import Ways
from relay_server.net.link_port import LinkPort
from relay_server.net.links import Links
from relay_server.net.sockets import bind_udp, listen_tcp
from relay_server.net.streams import StreamPort
from relay_server.net.tcp import TcpPort
from relay_server.net.udp import UdpPort
from relay_server.net.workers import Workers
from relay_server.passwords import Passwords
from relay_server.tls.node import make_node_certificate
from relay_server.tls.server import Tls
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import new_nonces
from services.relay_server.net.loopback import until
from services.relay_server.net.nodes import KEY
from services.relay_server.net.tcp_relay import Client

BUFFER_BYTES = 2**20


class HandPlaces:
    """Knows which rooms are elsewhere, as it is told."""

    def __init__(self) -> None:
        self.elsewhere: dict[bytes, Node] = {}
        self.counters = ClusterCounters()

    def check_new(self, room: bytes) -> None: ...

    def claim(self, new: NewRoom, done: Told) -> None:  # noqa: ARG002
        done(None)

    def residence(self, room: bytes) -> Residence:  # noqa: ARG002
        return Residence(1, 1)

    def release(self, room: bytes) -> None: ...

    def find(self, room: bytes, *, doubted: bool = False) -> Node | None:  # noqa: ARG002
        return self.elsewhere.get(room)

    def look(self, room: bytes, done: Told) -> None:  # noqa: ARG002
        done(None)

    def new_ticket(self, session: Session, *, encrypted: bool) -> str:  # noqa: ARG002
        return secrets.token_urlsafe(16)

    def read_ticket(self, text: str) -> Seat | None:  # noqa: ARG002
        return None

    def servers(self, room: bytes) -> tuple[Server, ...]:  # noqa: ARG002
        return (Server("127.0.0.1:9000"),)

    def changed(self, room: Room) -> None: ...

    def closed(self, room: Room) -> None: ...


class ClusterNode:
    """A node: its ports and all that is behind them."""

    def __init__(
        self, name: str, policy: Policy, tls: Tls | None, limits: dict[str, Any], *, hide_rooms: bool = False,
        host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        loop = asyncio.get_running_loop()
        self.name, self.policy, self.host = name, policy, host
        self.places = HandPlaces()
        self.counters = ClusterCounters()
        self.registry = Registry(policy, lambda _: None, new_nonces(), locate)
        self.carried = CarriedMembers(self.registry, policy, new_nonces())
        self.statuses: list[tuple[Operation | None, Status]] = []
        judge = Judge(self.registry, policy)
        self.relay = Relay(self.registry, policy, judge, self.carried)
        self.raw_udp = bind_udp(host, 0, BUFFER_BYTES)
        self.udp_number: int = self.raw_udp.getsockname()[1]
        self.udp = UdpPort(
            self.raw_udp, self.relay.handle_datagram, self.registry, loop.time, pinned=False,
            receipts=self.relay.receipts, carried=self.carried,
        )  # fmt: skip
        self.udp.start()
        self.control = Control(
            self.registry, passwords=Passwords(), guesses=Guesses(policy.password_guesses_per_minute),
            hide_rooms=hide_rooms, make_address=make_address, new_token=lambda: secrets.token_urlsafe(16).encode(),
            on_transaction=lambda operation, status: self.statuses.append((operation, status)),
            udp_port=self.udp_number, silence_timeout_seconds=300.0, attribution=True, moderation=True,
            places=self.places,
        )  # fmt: skip
        self.ways = Ways(self.carried, self.counters, loop.time, self.udp.pass_on)
        self.edge = Edge(
            Links(KEY, name), self.carried, self.registry.streams, self.ways, counters=self.counters,
            udp_port=self.udp_number, silence_timeout_seconds=300.0, clock=loop.time,
            flush=self.udp.flush,
        )  # fmt: skip
        defaults = {
            "transaction_timeout_seconds": 5.0, "completion_pause_seconds": 0.0, "max_payload_bytes": 4096,
            "max_transactions": 0, "max_transactions_per_address": 0,
        }  # fmt: skip
        self.tcp = TcpPort(
            self.control, TcpLimits(**defaults | limits), loop.time, admission=self.registry.admission,
            streams=StreamPort(
                self.registry.streams, StreamRelay(self.registry, judge), loop.time,
                forward=self.udp.forward, flush=self.udp.settle, undo=self.control.undo,
            ),
            workers=Workers(), flush=self.udp.flush, on_duration=lambda _: None, pinned=False, tls=tls, edge=self.edge,
        )  # fmt: skip
        tcp, links = listen_tcp(host, 0), listen_tcp(host, 0)
        self.tcp_number: int = tcp.getsockname()[1]
        certificate = make_node_certificate()
        self.links = LinkPort(
            certificate, KEY, node=name, rooms=lambda: len(self.registry.rooms), carry=self.tcp.take_link,
            counters=self.counters,
        )  # fmt: skip
        self.node = Node(
            name, Server(f"{host}:{self.tcp_number}"), host, self.udp_number, links.getsockname()[1],
            certificate.fingerprint, started_at=1.0,
        )  # fmt: skip
        self.tcp.start(tcp)
        self.links.start(links)
        self._is_open = True

    def close(self) -> None:
        """End it as a process that is killed would: members of its rooms aren't told."""
        if self._is_open:
            self._is_open = False
            self.links.close()
            self.tcp.close()
            self.udp.close()

    def assert_books_balance(self) -> None:
        """Check CON-01."""
        counters = self.registry.counters
        assert counters.received == counters.accepted + counters.carried + sum(counters.dropped.values())

    async def connect(self, ip: str = "127.0.0.1") -> Client:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((ip, 0))
        await asyncio.get_running_loop().sock_connect(sock, (self.host, self.tcp_number))
        return Client(sock)


class Pair:
    """A home and an edge."""

    def __init__(self, home: ClusterNode, edge: ClusterNode) -> None:
        self.home, self.edge = home, edge

    def reveal(self, room: bytes = b"demo") -> None:
        """Let the edge know that the home holds a room."""
        self.edge.places.elsewhere[room] = self.home.node


@asynccontextmanager
async def pair(
    *, tls: Tls | None = None, edge_policy: dict[str, Any] | None = None, home_policy: dict[str, Any] | None = None,
    hide_rooms: bool = False, home_host: str = "127.0.0.1", **limits: Any,
) -> AsyncIterator[Pair]:  # fmt: skip
    home = ClusterNode("home", unlimited(**home_policy or {}), tls, limits, hide_rooms=hide_rooms, host=home_host)
    edge = ClusterNode("edge", unlimited(**edge_policy or {}), tls, limits, hide_rooms=hide_rooms)
    both = Pair(home, edge)
    both.reveal()
    try:
        yield both
        home.assert_books_balance()
        edge.assert_books_balance()
    finally:
        edge.close()
        await until(lambda: not edge.edge.carriages and not edge.tcp.connections)
        home.close()
        await until(lambda: not home.links.links and not home.tcp.connections and not home.tcp.streams.connections)
