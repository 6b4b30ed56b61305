"""The ways of carried members' datagrams: a socket to the home for each, and back by the relay's own (CLU-04)."""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

from chatproto.constants import MAX_DELIVERY_BYTES
from relay_server.core.carried import CarriedMember, CarriedMembers
from relay_server.core.counters import ClusterCounters
from relay_server.net.address import UdpAddress
from relay_server.net.descriptors import for_other_nodes
from relay_server.net.reported import reported

READ_AT_ONCE: Final = 64
"""Then the loop's other work has its turn."""

PassOn: TypeAlias = Callable[[Sequence[tuple[bytes, UdpAddress]]], int]
"""Sends datagrams from the relay's own port; returns how many the kernel refused."""


class Route(NamedTuple):
    """Where datagrams to a home go, and from which of our addresses: the one that its link comes from."""

    home: str
    port: int
    local: str


class Ways:
    """All ways of one node."""

    def __init__(
        self, members: CarriedMembers, counters: ClusterCounters, clock: Callable[[], float], pass_on: PassOn
    ) -> None:
        self.counters = counters
        self.loop = asyncio.get_running_loop()
        self._members = members
        self._clock = clock
        self._pass_on = pass_on
        self._waiting: list[tuple[bytes, UdpAddress]] = []
        self._most = for_other_nodes()
        self._open: dict[HomeWay, None] = {}

    def check(self) -> None:
        """Check that one more may be opened.

        Raises:
            OSError: there are as many as there may be: clients' connections need descriptors, too.

        """
        if len(self._open) >= self._most:
            raise OSError(errno.EMFILE, "too many members speak to homes")

    def add(self, way: "HomeWay") -> None:
        """Take note that a way is open."""
        self._open[way] = None

    def discard(self, way: "HomeWay") -> None:
        """Take note that a way is closed."""
        self._open.pop(way, None)

    def start(self) -> None:
        """Read what homes send by all open ways."""
        for way in self._open:
            way.start()

    def freeze(self) -> None:
        """Send what was read, and read nothing more until `start`; what still comes waits in the kernel."""
        self.flush()
        for way in self._open:
            way.freeze()

    def deliver(self, member: CarriedMember, payloads: Sequence[bytes]) -> None:
        """Let a member have what its home sent, along with what others get in this turn of the loop."""
        if member.address is None:
            return
        if not self._waiting:
            self.loop.call_soon(self.flush)
        address, now = cast("UdpAddress", member.address), self._clock()
        self._waiting += [(payload, address) for payload in payloads]
        self._members.note_sent(member, payloads[-1], now)

    @reported
    def flush(self) -> None:
        """Send what waits."""
        datagrams, self._waiting = self._waiting, []
        if not datagrams:
            return
        failed = self._pass_on(datagrams)
        self.counters.edge_out += len(datagrams) - failed
        self.counters.edge_failed += failed


class HomeWay:
    """A member's way: it is open from a datagram of its on, until nobody hears there any more."""

    def __init__(
        self,
        ways: Ways,
        member: CarriedMember,
        route: Route,
        on_refused: Callable[[], None],
        sock: socket.socket | None = None,
    ) -> None:
        """Make it closed; or open by ``sock``, which is read from `start` on.

        ``on_refused`` is called when the home's system says that nobody takes datagrams there.
        """
        self.route = route
        self._ways = ways
        self._member = member
        self._on_refused = on_refused
        self._sock = sock
        if sock is not None:
            ways.add(self)

    @property
    def descriptor(self) -> int | None:
        """The number of its socket; None while it is closed."""
        return None if self._sock is None else self._sock.fileno()

    def start(self) -> None:
        """Read what the home sends, if the way is open."""
        if self._sock is not None:
            self._ways.loop.add_reader(self._sock.fileno(), self._read)

    def freeze(self) -> None:
        """Read nothing until `start`."""
        if self._sock is not None:
            self._ways.loop.remove_reader(self._sock.fileno())

    def send(self, data: bytes) -> None:
        """Send a datagram to the home."""
        counters = self._ways.counters
        try:
            self._send(self._sock or self._open(), data)
        except OSError:
            counters.edge_failed += 1
        else:
            counters.edge_in += 1

    def close(self) -> None:
        """Close the way: the home's system learns by ICMP that nobody is here."""
        if self._sock is not None:
            self.freeze()
            self._sock.close()
            self._sock = None
            self._ways.discard(self)

    def _open(self) -> socket.socket:
        self._ways.check()
        self._sock = sock = _connect(self.route)
        self._ways.add(self)
        self.start()
        return sock

    def _send(self, sock: socket.socket, data: bytes) -> None:
        try:
            sock.send(data)
        except OSError as error:
            if error.errno not in {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}:
                raise
            self._note(error)
            sock.send(data)  # that was an ICMP error about an earlier one

    @reported
    def _read(self) -> None:
        payloads: list[bytes] = []
        while self._sock is not None and len(payloads) < READ_AT_ONCE:
            try:
                payloads.append(self._sock.recv(MAX_DELIVERY_BYTES + 1))
            except OSError as error:  # there is no more, or the home's system has an error for us
                self._note(error)
                break
        if payloads:
            self._ways.deliver(self._member, payloads)

    def _note(self, error: OSError) -> None:
        if error.errno == errno.ECONNREFUSED:
            self._on_refused()


def _connect(route: Route) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in route.home else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((route.local, 0))
        sock.connect((route.home, route.port))
    except OSError:
        sock.close()
        raise
    return sock
