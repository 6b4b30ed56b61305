"""Build what a relay has besides if it is one of many nodes (CLU-01); a relay that is alone loads nothing of it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from chatproto import EvictionReason, Server
from relay_server import __version__
from relay_server.cluster.access import open_directory
from relay_server.cluster.household import Heritage
from relay_server.cluster.node import Clocks, Cluster
from relay_server.cluster.vault import Vault
from relay_server.cluster_settings import NodeAddress, default_node_name, parse_node_address
from relay_server.core.carried import CarriedMembers
from relay_server.core.counters import ClusterCounters
from relay_server.core.home_actions import CloseRoom
from relay_server.core.model import Room
from relay_server.core.places import Node
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.records import RoomRecord
from relay_server.core.registry import Registry
from relay_server.core.returning import Returning
from relay_server.core.state import Moment
from relay_server.inherited import NodeIdentity
from relay_server.net.address import make_address
from relay_server.net.edge import Edge
from relay_server.net.hello import Kind
from relay_server.net.homeward import Ways
from relay_server.net.link_port import LinkPort
from relay_server.net.links import Links
from relay_server.net.tcp import TcpPort
from relay_server.net.udp import UdpPort
from relay_server.operator.cluster import KnownNode, Question, UnansweredError
from relay_server.settings import Settings, SettingsError
from relay_server.telemetry.cluster import ClusterView
from relay_server.tls.node import NodeCertificate, make_node_certificate
from relay_server.tls.server import Tls


class Household:
    """Opens and closes this relay's rooms as the cluster wants it."""

    def __init__(
        self, registry: Registry, reclaiming: Reclaiming, clock: Callable[[], float], flush: Callable[[], None]
    ) -> None:
        """``reclaiming`` has what this node had before it was started again; ``flush`` sends what waits for members."""
        self._registry = registry
        self._reclaiming = reclaiming
        self._clock = clock
        self._flush = flush

    def open_room(self, record: RoomRecord, seats: int) -> None:
        """Be the home of a room, with those who were in it here (see `returning.Returning.open_room`)."""
        now = self._clock()
        if record.room in self._registry.rooms:
            return
        if not self._reclaiming.open_room(record, seats, Moment(now, time.time())):
            self._registry.returning.open_room(record, seats, now)

    def forget_room(self, room: bytes) -> None:
        """Forget who was in a room here: it isn't this node's any more."""
        self._reclaiming.forget(room)

    def close_room(self, action: CloseRoom) -> None:
        """Close this relay's copy of a room; its members are told that it moved (CLU-05)."""
        room = self._registry.rooms.get(action.room)
        if room is not None:
            self._registry.close_room(room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
            self._flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What makes a relay a node."""

    cluster: Cluster
    members: CarriedMembers
    """Those whom it carries to other nodes."""
    reclaiming: Reclaiming
    """Rooms that it had before it was started again."""
    links: Links
    certificate: NodeCertificate
    key: bytes
    """The cluster's for links."""
    cluster_id: str
    """What tells clusters with different keys from each other."""
    counters: ClusterCounters

    @property
    def identity(self) -> NodeIdentity:
        """What a process needs to be this node from now on."""
        me = self.cluster.me
        return NodeIdentity(
            name=me.name, started_at=me.started_at, next_beat=self.cluster.successors_beat,
            certificate=self.certificate.pem.decode(), cluster=self.cluster_id,
        )  # fmt: skip

    def take_over(self, rooms: Iterable[Room], heritage: Mapping[str, Any]) -> None:
        """Be the node that another process was, whose rooms are here."""
        self.cluster.take_over(rooms, TypeAdapter(Heritage).validate_python(heritage))

    def view(self) -> ClusterView:
        """Return what the metrics show."""
        cluster = self.cluster
        return ClusterView(
            connected=cluster.is_connected, nodes=1 + len(cluster.nodes), rooms=cluster.rooms, homes=cluster.homes,
            edge_members=len(self.members), counters=self.counters,
        )  # fmt: skip

    def make_edge(self, settings: Settings, registry: Registry, udp: UdpPort, clock: Callable[[], float]) -> Edge:
        """Make what carries clients, whose datagrams come by the rooms' port ``udp``."""
        return Edge(
            self.links, self.members, registry.streams, Ways(self.members, self.counters, clock, udp.pass_on),
            counters=self.counters, udp_port=_advertised(settings).udp_port,
            silence_timeout_seconds=settings.silence_timeout_seconds, clock=clock, flush=udp.flush,
        )  # fmt: skip

    def make_link_port(
        self, registry: Registry, tcp: TcpPort, answer: Callable[[Question], Iterable[bytes]]
    ) -> LinkPort:
        """Make the port for other nodes; ``answer`` is for their operators."""
        return LinkPort(
            self.certificate, self.key, node=self.cluster.me.name, rooms=lambda: len(registry.rooms),
            carry=tcp.take_link, counters=self.counters, answers=lambda kind: answer(Question(kind)),
        )  # fmt: skip

    def for_operators(self, registry: Registry) -> "OperatorsCluster":
        """Return the cluster as operators' commands see it."""
        return OperatorsCluster(self, registry.returning)


def build_node(
    settings: Settings, registry: Registry, tls: Tls | None, clock: Callable[[], float], flush: Callable[[], None],
    new_nonce: Callable[[], str], identity: NodeIdentity | None = None,
) -> NodeParts:  # fmt: skip
    """Build what control needs of the cluster, and what carries clients to other nodes.

    With an ``identity`` it is the node that another process was before.

    Raises:
        SettingsError: a file that the settings name can't be used, or they are another node's.

    """
    vault, counters = Vault(settings.cluster_key), ClusterCounters()
    certificate = make_node_certificate(identity.certificate.encode() if identity else b"")
    me, cluster_id = _describe(settings, tls, certificate), vault.room_key(b"")
    if identity is not None:
        if (identity.name, identity.cluster) != (me.name, cluster_id):
            raise SettingsError("RELAY_NODE_NAME and RELAY_CLUSTER_KEY can't change while a node runs: restart it.")
        me = replace(me, started_at=identity.started_at)
    links = Links(vault.links_key, me.name)
    reclaiming = Reclaiming(registry, settings.policy(), make_address)
    cluster = Cluster(
        me, open_directory(settings), vault, Household(registry, reclaiming, clock, flush), probe=links.probe,
        resume_seconds=settings.resume_seconds, counters=counters, clocks=Clocks(clock),
        next_beat=identity.next_beat if identity else 1,
    )  # fmt: skip
    registry.on_change, registry.on_close = cluster.changed, cluster.closed
    return NodeParts(
        cluster=cluster, members=CarriedMembers(registry, settings.policy(), new_nonce), links=links,
        reclaiming=reclaiming, certificate=certificate, key=vault.links_key, cluster_id=cluster_id, counters=counters,
    )  # fmt: skip


class OperatorsCluster:
    """The cluster as operators' commands see it (see `operator.cluster.Cluster`)."""

    def __init__(self, node: NodeParts, returning: Returning) -> None:
        self._node = node
        self._returning = returning

    @property
    def me(self) -> KnownNode:
        """This node."""
        cluster = self._node.cluster
        return KnownNode(cluster.me, cluster.homes)

    @property
    def others(self) -> Sequence[KnownNode]:
        """The other nodes that are alive."""
        cluster = self._node.cluster
        rooms = cluster.rooms_by_node()
        return [KnownNode(node, rooms[node.name], cluster.silence_of(node.name)) for node in cluster.nodes]

    @property
    def missing(self) -> Mapping[str, int]:
        """How many rooms the directory still has of each node that isn't alive."""
        cluster = self._node.cluster
        alive = {cluster.me.name, *(node.name for node in cluster.nodes)}
        return {name: rooms for name, rooms in cluster.rooms_by_node().items() if name not in alive}

    @property
    def carried(self) -> int:
        """How many members this node carries to their rooms on other nodes."""
        return len(self._node.members)

    async def ask(self, node: Node, question: Question) -> bytes:
        """Ask another node over a link."""
        try:
            return await self._node.links.ask(node, Kind(question))
        except OSError as error:  # also a TimeoutError
            raise UnansweredError from error

    def leave(self) -> None:
        """Tell the other nodes that nobody is to be sent here any more."""
        self._node.cluster.set_draining(draining=True)

    def hand_over(self, room: Room, to: Node) -> None:
        """Begin to make another node the home of a room, which closes here when it is."""
        cluster = self._node.cluster
        if cluster.is_connected:  # else its people would be kept from speaking in vain
            ring = self._returning.halt(room, asyncio.get_running_loop().time())
            cluster.hand_over(room.raw_name, to, ring)


def _describe(settings: Settings, tls: Tls | None, certificate: NodeCertificate) -> Node:
    """Return what this node tells of itself."""
    address = _advertised(settings)
    fingerprint = tls.certificate.fingerprint if tls else ""
    return Node(
        name=settings.node_name or default_node_name(),
        server=Server(f"{address.host}:{address.tcp_port}", fingerprint),
        host=address.host.strip("[]"), udp_port=address.udp_port, link_port=settings.link_port,
        link_fingerprint=certificate.fingerprint, started_at=time.time(), version=__version__,
    )  # fmt: skip


def _advertised(settings: Settings) -> NodeAddress:
    return parse_node_address(settings.node_address, settings.tcp_port, settings.udp_port)
