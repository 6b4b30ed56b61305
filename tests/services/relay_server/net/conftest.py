"""Both event loops, both ways to read and write datagrams, and connections with TLS and without."""

import ssl
import sys

import pytest

from relay_server.net import loop
from relay_server.tls.files import load_certificate
from relay_server.tls.server import Tls
from services.relay_server.net.loopback import Run
from services.relay_server.tls.certificates import issue


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a scenario on one of the event loops."""
    return lambda scenario: loop.run(scenario(), use_uvloop=request.param == "uvloop")


@pytest.fixture(params=["batch", "portable"])
def portable(request: pytest.FixtureRequest) -> bool:
    if request.param == "batch" and sys.platform != "linux":
        pytest.skip("the batch calls are Linux's")
    return bool(request.param == "portable")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    files = issue(tmp_path_factory.mktemp("tls"))
    return Tls(lambda: load_certificate(files, ssl.TLSVersion.TLSv1_3), join_rate=0.0)


@pytest.fixture(params=["plain", "tls"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")
