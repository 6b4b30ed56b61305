"""The ops port, which has no password: only its own machine may reach it, unless somebody sets it so (threat R6)."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from conformance.relays import OwnRelay
from e2e.namespaces import DEADLINE_SECONDS, Namespace, network

_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10).close()
except ConnectionRefusedError:
    print("refused")
else:
    print("connected")
"""


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[OwnRelay]:
    relay = OwnRelay(tmp_path / "log", {"RELAY_HOST": "::"})
    yield relay
    assert relay.stop() == 0


@pytest.fixture
def outside() -> Iterator[Namespace]:
    """Another machine, whose gateway this one is."""
    with network("ops", 32) as made:
        yield made


def connecting(outside: Namespace, port: int) -> str:
    """Connect from there to a port of this machine."""
    command = [*outside.inside, sys.executable, "-c", _CONNECT, outside.gateway, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
    return done.stdout.strip()


def test_it_listens_on_the_loopback_alone(relay: OwnRelay) -> None:
    listening = {
        connection.laddr.port: connection.laddr.ip.removeprefix("::ffff:")
        for connection in psutil.Process(relay.process.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {relay.relay.tcp_port: "::", relay.ops_port: "127.0.0.1"}


@pytest.mark.needs("namespaces")
def test_from_outside_it_is_refused(relay: OwnRelay, outside: Namespace) -> None:
    assert connecting(outside, relay.relay.tcp_port) == "connected"
    assert connecting(outside, relay.ops_port) == "refused"


@pytest.mark.needs("namespaces")
def test_an_ops_port_on_all_addresses_is_reachable_from_outside(tmp_path: Path, outside: Namespace) -> None:
    relay = OwnRelay(tmp_path / "log", {"RELAY_HOST": "::", "RELAY_OPS_HOST": "::"})
    try:
        assert connecting(outside, relay.ops_port) == "connected"
    finally:
        assert relay.stop() == 0
