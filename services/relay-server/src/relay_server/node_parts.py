"""Build what a relay has besides if it is one of many nodes (CLU-01); a relay that is alone loads nothing of it."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatproto import EvictionReason, Server
from relay_server.cluster.access import open_directory
from relay_server.cluster.node import Clocks, Cluster
from relay_server.cluster.vault import Vault
from relay_server.cluster_settings import default_node_name, parse_node_address
from relay_server.core.carried import CarriedMembers
from relay_server.core.counters import ClusterCounters
from relay_server.core.home_actions import CloseRoom
from relay_server.core.model import Room
from relay_server.core.places import Node
from relay_server.core.records import RoomRecord
from relay_server.core.registry import Registry
from relay_server.net.edge import Edge
from relay_server.net.homeward import Ways
from relay_server.net.link_port import LinkPort
from relay_server.net.links import Links
from relay_server.net.tcp import TcpPort
from relay_server.net.udp import UdpPort
from relay_server.operator.cluster import KnownNode, Question
from relay_server.operator.nodes import NodeAnswers
from relay_server.settings import Settings
from relay_server.telemetry.cluster import ClusterView
from relay_server.tls.node import make_node_certificate
from relay_server.tls.server import Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What makes a relay a node."""

    cluster: Cluster
    members: CarriedMembers
    links: Links
    edge: Edge
    counters: ClusterCounters
