"""A relay that restarts under traffic: everybody notices and comes back without being told to."""

from collections.abc import Callable
from pathlib import Path

import pytest
from testcontainers.core.network import Network

from conformance.people import People
from conformance.relays import Relay
from e2e.containers.conftest import StartBots, StartRelay
from e2e.containers.engine import docker
from e2e.containers.stage import RELAY_NAME, SCENARIOS, BotsContainer, ChatProcess, Ports, RelayContainer
from e2e.containers.waiting import eventually
from e2e.relay_metrics import Metrics
from ports import free_ports

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

BOTS = 6
# A client that hears nothing doubts after 45 s and asks the relay 20 s later, unless errors say it sooner.
NOTICE_SECONDS = 120.0


@pytest.fixture
def outside(network: Network, relay: RelayContainer) -> Relay:
    """Return the relay at another address of this machine than its loopback: the kernel forwards, as on a server."""
    host = docker("network", "inspect", network.name, "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()
    return Relay(host, *relay.inside)


@pytest.fixture
def relay(start_relay: StartRelay) -> RelayContainer:
    """Start a relay whose numbers are the same outside and inside, for clients believe what it says of its UDP port."""
    return start_relay(Ports(*free_ports(3)))


@pytest.mark.parametrize("how", ["asked", "killed"])
def test_all_come_back(relay: RelayContainer, start_bots: StartBots, outside: Relay, tmp_path: Path, how: str) -> None:
    load = {"BOT_ROOMS": "2", "BOT_MEMBERS": str(BOTS // 2), "BOT_RATE": "5", "BOT_ID": "x"}
    bots = start_bots(SCENARIOS / "load.yaml", BOT_SERVER=f"{RELAY_NAME}:{relay.inside.tcp}", **load)
    eventually(lambda: _are_in(bots), bots.said)
    arguments = ("join", "load-x-1", "--name", "me", "--server", f"{outside.host}:{outside.tcp_port}", "--stay")
    with ChatProcess(tmp_path / "me", *arguments) as me, People(outside) as people:
        me.is_told("You are in load-x-1")
        me.hears("fox")
        eve = people.join(b"load-x-1", b"eve")
        eve.hear()
        _restart(relay, how, meanwhile=eve.keep_alive)
        me.is_told("You are back", NOTICE_SECONDS)
        eventually(lambda: _are_in(bots), bots.said, NOTICE_SECONDS)
        arrived = _delivered(bots)
        eventually(lambda: _delivered(bots) > arrived, bots.said)
        me.hears("fox")
        # The engine may still forward what comes from her old port to where the old container was.
        eve = people.join(b"load-x-1", b"eve")
        assert b"fox" in eve.hear()
    assert Metrics(relay.ops("/metrics")).total("relay_members") >= BOTS


def _restart(relay: RelayContainer, how: str, meanwhile: Callable[[], None]) -> None:
    container = relay.get_wrapped_container()
    if how == "killed":
        container.kill()
    else:
        container.stop()
    for _ in range(10):
        meanwhile()
    container.start()
    relay.await_ready()


def _are_in(bots: BotsContainer) -> bool:
    page = bots.ops("/metrics")
    return bool(page) and Metrics(page).value("bot_members") == BOTS


def _delivered(bots: BotsContainer) -> float:
    return Metrics(bots.ops("/metrics")).value("bot_messages_delivered_total")
