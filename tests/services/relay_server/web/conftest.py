"""Both event loops."""

import pytest

from relay_server.net import loop
from services.relay_server.net.loopback import Run


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a scenario on one of the event loops."""
    return lambda scenario: loop.run(scenario(), use_uvloop=request.param == "uvloop")
