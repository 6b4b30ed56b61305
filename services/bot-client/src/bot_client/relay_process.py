"""A relay of one's own for the demo: its own process, on free ports, gone when the demo is."""

import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bot_client.processes import Child, StartError, fetch

ATTEMPTS: Final = 3
"""Between looking for free ports and binding them, somebody else may take one."""


@dataclass(frozen=True, slots=True)
class RelayPorts:
    """Where a relay listens on the loopback."""

    tcp: int
    udp: int
    lobby: int
    ops: int

    @property
    def metrics_url(self) -> str:
        """Where the relay tells its figures."""
        return f"http://127.0.0.1:{self.ops}/metrics"

    @property
    def ready_url(self) -> str:
        """Where the relay tells whether it takes joins."""
        return f"http://127.0.0.1:{self.ops}/readyz"

    def environment(self) -> dict[str, str]:
        """Say so in the relay's settings."""
        return {
            "RELAY_HOST": "127.0.0.1",
            "RELAY_OPS_HOST": "127.0.0.1",
            "RELAY_TCP_PORT": str(self.tcp),
            "RELAY_UDP_PORT": str(self.udp),
            "RELAY_LOBBY_PORT": str(self.lobby),
            "RELAY_OPS_PORT": str(self.ops),
            "RELAY_WEB_PORT": "0",
            "RELAY_ADMIN_SOCKET": "",
        }


@asynccontextmanager
async def relay_process(settings: Mapping[str, str]) -> AsyncIterator[RelayPorts]:
    """Run a relay with these RELAY_* settings beside the ports; it ends with the context.

    Raises:
        StartError: it didn't start.

    """
    relay, ports = await _start_somewhere(settings)
    try:
        yield ports
    finally:
        await relay.stop()


async def start_relay(ports: RelayPorts, settings: Mapping[str, str]) -> Child:
    """Start a relay on these ports, and wait until it takes joins.

    Raises:
        StartError: it didn't start.

    """
    environment, ask = ports.environment() | dict(settings), partial(fetch, ports.ready_url)
    return await Child.start("relay", _command(), environment, prefix="RELAY_", ask=ask)


def free_ports() -> RelayPorts:
    """Find ports that are free for TCP and UDP alike at this moment."""
    with socket.socket() as tcp, socket.socket() as ops, _datagrams() as udp, _datagrams() as lobby:
        found = []
        for each in (tcp, udp, lobby, ops):
            each.bind(("127.0.0.1", 0))
            found.append(int(each.getsockname()[1]))
        return RelayPorts(*found)


async def _start_somewhere(settings: Mapping[str, str]) -> tuple[Child, RelayPorts]:
    attempts = ATTEMPTS
    while True:
        ports = free_ports()
        attempts -= 1
        try:
            return await start_relay(ports, settings), ports
        except StartError:
            if not attempts:
                raise


def _datagrams() -> socket.socket:
    return socket.socket(type=socket.SOCK_DGRAM)


def _command() -> list[str]:
    beside = shutil.which("relay-server", path=str(Path(sys.executable).parent))
    return [beside, "run"] if beside else [sys.executable, "-m", "relay_server", "run"]
