"""Carries clients that can't follow to their rooms' homes: what all of them share (CLU-04)."""

import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from relay_server.core.carried import CarriedMember, CarriedMembers
from relay_server.core.counters import ClusterCounters
from relay_server.core.streams import Streams
from relay_server.net.descriptors import for_other_nodes
from relay_server.net.homeward import HomeWay, Route, Ways
from relay_server.net.links import Links
from relay_server.net.lost_homes import LostHomes

if TYPE_CHECKING:
    from relay_server.net.carriage import Carriage


class Edge:
    """All clients that this node carries."""

    def __init__(
        self,
        links: Links,
        members: CarriedMembers,
        streams: Streams,
        ways: Ways,
        *,
        counters: ClusterCounters,
        udp_port: int,
        silence_timeout_seconds: float,
        clock: Callable[[], float],
        flush: Callable[[], None],
    ) -> None:
        """``udp_port`` is where carried members send to; ``silence_timeout_seconds`` is for who isn't told a home's.

        ``flush`` sends what waits for members.
        """
        self.links = links
        self.members = members
        self.streams = streams
        self.ways = ways
        self.counters = counters
        self.udp_port = udp_port
        self.silence_timeout_seconds = silence_timeout_seconds
        self.clock = clock
        self.lost_homes = LostHomes(links, members, flush)
        self._flush = flush
        self.carriages: set[Carriage] = set()
        self.most = for_other_nodes()
        """So many clients may be carried over links at once."""

    def way_of(self, member: CarriedMember, route: Route, sock: socket.socket | None = None) -> HomeWay:
        """Return the way to a member's home, with a socket that another process used, if it gave one."""
        assert member.home is not None  # noqa: S101 - it was granted there
        return HomeWay(self.ways, member, route, partial(self.lost_homes.doubt, member.home), sock)

    def freeze(self) -> None:
        """Send what came from homes, and hear nothing more from them until `start`."""
        self.lost_homes.close()
        self.ways.freeze()

    def start(self) -> None:
        """Hear homes, those too that members spoke to before this process took over."""
        self.ways.start()

    def leave(self) -> None:
        """Leave everybody to another process."""
        for carriage in list(self.carriages):
            carriage.leave()

    def close(self) -> None:
        """Cut whoever is carried, before the port is closed by which they are told so."""
        for carriage in list(self.carriages):
            carriage.abort()
        self.lost_homes.close()
        self.ways.flush()
        self.members.let_go()
        self._flush()
