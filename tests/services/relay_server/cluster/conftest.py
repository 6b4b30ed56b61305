"""The same directories for all tests here: one in memory, one on NATS."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from relay_server.cluster.base import Directory
from relay_server.cluster.local import LocalDirectory, Shared
from relay_server.cluster.nats import Access, NatsDirectory
from relay_server.net import loop
from services.relay_server.cluster.nats_server import NatsServer, nats_server
from services.relay_server.net.loopback import Run

Make: TypeAlias = Callable[[], Directory]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path) as running:
        yield running


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a scenario on one of the event loops."""
    return lambda scenario: loop.run(scenario(), use_uvloop=request.param == "uvloop")


@pytest.fixture(params=["local", "nats"])
def make(request: pytest.FixtureRequest) -> Make:
    """Return a function that makes one more node's access to the same directory."""
    if request.param == "local":
        shared = Shared()
        return lambda: LocalDirectory(shared)
    server: NatsServer = request.getfixturevalue("server")
    return lambda: NatsDirectory(Access((server.address,)))
