"""A relay as a process of its own, and whatever else is started from command lines."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from conformance.relays import OwnRelay
from e2e.piped import Chat
from ports import free_ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from e2e.browsing import Visitors

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a running relay is, and its process."""

    tcp_port: int
    udp_port: int
    lobby_port: int
    process: subprocess.Popen[bytes]

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.tcp_port}"

    @property
    def lobby(self) -> str:
        return f"127.0.0.1:{self.lobby_port}"


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start(settings: dict[str, str]) -> Relay | None:
    """Start a relay; None if somebody else took one of its ports meanwhile."""
    tcp, udp, lobby = (
        int(settings.get(f"RELAY_{kind}_PORT", port))
        for kind, port in zip(("TCP", "UDP", "LOBBY"), free_ports(3), strict=True)
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    ports = {
        "RELAY_TCP_PORT": tcp,
        "RELAY_UDP_PORT": udp,
        "RELAY_LOBBY_PORT": lobby,
        "RELAY_OPS_PORT": 0,
        "RELAY_WEB_PORT": 0,
    }
    own = {name: str(port) for name, port in ports.items()}
    environment = {
        **kept,
        "RELAY_HOST": "127.0.0.1",
        "RELAY_ADMIN_SOCKET": "",
        "RELAY_LOG_LEVEL": "warning",
        **own,
        **settings,
    }
    process = subprocess.Popen([sys.executable, "-m", "relay_server", "run"], env=environment)
    deadline = time.monotonic() + _START_SECONDS
    while not _accepts(tcp):
        if process.poll() is not None:
            return None
        assert time.monotonic() < deadline, "The relay didn't start in time."
        time.sleep(0.02)
    return Relay(tcp, udp, lobby, process)


@contextmanager
def running_relay(**settings: str) -> Iterator[Relay]:
    """Run a relay with settings such as ``RELAY_SILENCE_TIMEOUT_SECONDS="2"``."""
    for _ in range(3):
        relay = _start(settings)
        if relay:
            break
    else:
        pytest.fail("The relay ended at its start three times.")
    try:
        yield relay
    finally:
        relay.process.send_signal(signal.SIGTERM)
        try:
            relay.process.wait(_STOP_SECONDS)
        finally:
            relay.process.kill()


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    """Run one relay for everybody, without a limit on joins."""
    with running_relay(RELAY_JOIN_RATE="0") as relay:
        yield relay


@pytest.fixture
def start_relay() -> Iterator[Callable[..., Relay]]:
    """Start relays of one's own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_relay(**settings))


@pytest.fixture
def room() -> str:
    """Return the name of a room that no other test has."""
    return f"room {uuid4().hex[:8]}"


@pytest.fixture
def chat() -> Iterator[Callable[..., Chat]]:
    """Start ``chat`` behind pipes, as often as wanted; all end with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, **options: Any) -> Chat:
            process = Chat(*arguments, **options)
            stack.callback(process.close)
            return process

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Run a real browser; while it runs, no other event loop can, so it ends with the module."""
    from e2e.browsing import running_browser  # noqa: PLC0415 - Playwright takes a while to import

    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def web_settings() -> dict[str, str]:
    """Return the settings of a module's relay with a page; a module may have others."""
    return {"RELAY_LIST_ROOMS": "true"}


@pytest.fixture(scope="module")
def web_port() -> int:
    """Choose where the page is when its relay is about to start: until then somebody else might take it."""
    (port,) = free_ports(1)
    return port


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, web_settings: dict[str, str], web_port: int) -> Iterator[OwnRelay]:
    """Run a relay with a page for the tests of a module; it has to end in order."""
    relay = OwnRelay(tmp_path_factory.mktemp("relay") / "log", {**web_settings, "RELAY_WEB_PORT": str(web_port)})
    yield relay
    assert relay.stop() == 0, relay.said()


@pytest.fixture
def address(own: OwnRelay, web_port: int) -> str:
    """Return where the page is, while its relay runs."""
    assert own.process.poll() is None, own.said()
    return f"http://127.0.0.1:{web_port}/"


@pytest.fixture
def visitors(browser: "Browser", address: str) -> Iterator["Visitors"]:
    """Let people open the page."""
    from e2e.browsing import Visitors  # noqa: PLC0415 - Playwright takes a while to import

    with Visitors(browser, address) as visitors:
        yield visitors
