"""The firewall for servers, loaded in a network of its own: chat gets through, and nothing else."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conformance.people import People
from conformance.relays import Relay
from docs.markdown import ROOT
from e2e.namespaces import Namespace, await_port, network
from relay_server.settings import Settings

pytestmark = pytest.mark.needs("nftables")
TCP, UDP, LOBBY, OPS = (Settings.model_fields[f"{name}_port"].default for name in ("tcp", "udp", "lobby", "ops"))


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with network("vps", 4) as made:
        yield made


@pytest.fixture
def relay(namespace: Namespace) -> Iterator[Relay]:
    """Run a relay on its default ports, its ops port open to all."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    with subprocess.Popen(
        [*namespace.inside, sys.executable, "-m", "relay_server", "run"],
        env=kept | {"RELAY_OPS_HOST": "::", "RELAY_WEB_PORT": "0"},
    ) as process:
        try:
            for port in (TCP, OPS):
                await_port(namespace.address, port)
            yield Relay(namespace.address, TCP, UDP, LOBBY)
        finally:
            process.terminate()


def test_the_firewall_lets_chat_through_and_nothing_else(namespace: Namespace, relay: Relay) -> None:
    for _ in range(2):  # loading it again replaces it
        namespace.run("nft", "--file", str(ROOT / "deploy/vps/chat-relay.nft"))
    with People(relay) as people:
        ann, bob = people.pair(b"demo")
        message = b"x" * 4000
        ann.say(message)  # in fragments
        assert bob.hear() == b"ann: " + message
    with pytest.raises(TimeoutError):
        socket.create_connection((relay.host, OPS), timeout=1)
