"""A relay beside the demo: it listens where it is told to, and is gone when it is left."""

import asyncio
from dataclasses import astuple
from urllib.error import URLError

import pytest

from bot_client.processes import StartError, fetch
from bot_client.relay_process import RelayPorts, free_ports, relay_process


@pytest.mark.slow
def test_a_relay_runs_while_it_is_needed_and_is_gone_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_MAX_ROOMS", "none of the demo's business")

    async def run() -> RelayPorts:
        async with relay_process({"RELAY_MAX_MEMBERS_PER_ROOM": "7"}) as ports:
            assert "relay_rooms 0.0" in fetch(ports.metrics_url)
        return ports

    ports = asyncio.run(run())
    with pytest.raises(URLError, match="refused"):
        fetch(ports.metrics_url)


@pytest.mark.slow
def test_a_relay_that_cannot_start_says_why() -> None:
    async def run() -> None:
        async with relay_process({"RELAY_TCP_PORT": "none"}):
            raise AssertionError

    with pytest.raises(StartError, match=r"The relay didn't start: .*RELAY_TCP_PORT"):
        asyncio.run(run())


def test_free_ports_are_four_that_differ() -> None:
    ports = astuple(free_ports())
    assert len(set(ports)) == 4
    assert all(ports)
