"""Which relay the suite speaks to: one of its own, or ``pytest tests/conformance --target HOST:PORT``."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from conformance.people import People
from conformance.relays import CommonRelays, OwnRelay, Relay

StartRelay = Callable[..., OwnRelay]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--target", metavar="HOST:PORT", help="a relay that runs already, by its TCP port")
    group.addoption("--udp-port", type=int, help="the target's UDP port (the TCP port + 1)")
    group.addoption("--lobby-port", type=int, help="the target's lobby port (the TCP port + 2)")


def _target(config: pytest.Config) -> Relay | None:
    target = config.getoption("--target", default=None)
    if target is None:
        return None
    host, colon, port = target.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise pytest.UsageError(f"--target {target} is no HOST:PORT, such as 127.0.0.1:9000.")
    tcp_port = int(port)
    return Relay(
        host.strip("[]"),
        tcp_port,
        config.getoption("--udp-port") or tcp_port + 1,
        config.getoption("--lobby-port") or tcp_port + 2,
    )


@pytest.fixture(scope="session")
def start_relay(request: pytest.FixtureRequest, common_relays: CommonRelays) -> StartRelay:
    """Start relays of our own, one for each set of settings; skips where the suite speaks to a target."""

    def start(**settings: object) -> OwnRelay:
        if request.config.getoption("--target", default=None):
            pytest.skip("needs a relay of its own, with special settings: run without --target")
        return common_relays.get(**settings)

    return start


@pytest.fixture(scope="session")
def relay(request: pytest.FixtureRequest) -> Relay:
    """Return the relay that the suite speaks to: the target, or one of our own on its defaults."""
    target = _target(request.config)
    if target is not None:
        return target
    own: OwnRelay = request.getfixturevalue("start_relay")()
    return own.relay


@pytest.fixture
def room() -> bytes:
    """Return a room name that nobody else uses."""
    return b"room-" + secrets.token_hex(6).encode()


@pytest.fixture
def people(relay: Relay) -> Iterator[People]:
    with People(relay) as people:
        yield people
