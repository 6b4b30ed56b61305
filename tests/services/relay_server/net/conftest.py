"""Both event loops, and both ways to read and write datagrams."""

import sys

import pytest

from relay_server.net import loop
from services.relay_server.net.loopback import Run


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a scenario on one of the event loops."""
    return lambda scenario: loop.run(scenario(), use_uvloop=request.param == "uvloop")


@pytest.fixture(params=["batch", "portable"])
def portable(request: pytest.FixtureRequest) -> bool:
    if request.param == "batch" and sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")
    return bool(request.param == "portable")
