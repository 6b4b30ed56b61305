"""Which relay the suite speaks to: one of its own, or ``pytest tests/conformance --target HOST:PORT``; which tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from conformance.people import People
from conformance.plain import Clients, new_word, reaches
from conformance.relays import CommonRelays, OwnRelay, Relay
from conformance.stream_rooms import Join, grants_stream, joining
from conformance.table import Table
from conformance.target import LEVELS, add_options, check_options, level_of, names_lobby, silence_seconds_of, target_of

SUITE: Final = Path(__file__).parent
StartRelay = Callable[..., OwnRelay]


class Strict(NamedTuple):
    """A relay, and after how long it removes who says nothing."""

    relay: Relay
    silence_seconds: float


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    check_options(config)
    target = target_of(config)
    if target:
        config.pluginmanager.register(Table(target, config))


@pytest.hookimpl(tryfirst=True)  # so that nothing else counts what isn't to run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests up to the level asked for; the lowest come first, as higher ones may bring a relay down."""
    wanted = config.getoption("--level", default=LEVELS[-1])
    ours = [item for item in items if item.path.is_relative_to(SUITE)]
    above = [item for item in ours if LEVELS.index(level_of(item)) > LEVELS.index(wanted)]
    config.hook.pytest_deselected(items=above)
    items[:] = [item for item in items if item not in above]
    if config.getoption("--target", default=None):
        items.sort(key=lambda item: LEVELS.index(level_of(item)))
        silence_seconds = silence_seconds_of(config) or 0
        for item in items:
            item.add_marker(pytest.mark.timeout(float(config.getini("timeout")) + silence_seconds))


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
    target = target_of(request.config)
    if target is not None:
        return target
    own: OwnRelay = request.getfixturevalue("start_relay")()
    return own.relay


@pytest.fixture(scope="session")
def strict(request: pytest.FixtureRequest) -> Strict:
    """Return a relay that soon removes who says nothing: the target, if the user says when, or one of our own."""
    target = target_of(request.config)
    if target is None:
        own: OwnRelay = request.getfixturevalue("start_relay")(silence_timeout_seconds=1)
        return Strict(own.relay, 1)
    seconds = silence_seconds_of(request.config)
    if seconds is None:
        pytest.skip("say SILENCE=SECONDS, after which the relay removes who says nothing")
    return Strict(target, seconds)


@pytest.fixture(scope="session")
def lobby(request: pytest.FixtureRequest, relay: Relay) -> Relay:
    """Return the relay that the suite speaks to, if it has a lobby."""
    if target_of(request.config) and not names_lobby(request.config):
        with Clients(relay) as clients:
            if not reaches(clients.lobby(b"ann"), clients.lobby(b"bob"), new_word()):
                pytest.skip(f"nothing comes from UDP port {relay.lobby_port}: say LOBBY=PORT if the relay has a lobby")
    return relay


@pytest.fixture
def clients(relay: Relay) -> Iterator[Clients]:
    with Clients(relay) as clients:
        yield clients


@pytest.fixture
def room() -> bytes:
    """Return a room name that nobody else uses."""
    return new_word("room")


@pytest.fixture
def people(relay: Relay) -> Iterator[People]:
    with People(relay) as people:
        yield people


@pytest.fixture(scope="module")
def grants(relay: Relay) -> None:
    """Skip what needs a stream where the relay grants none."""
    if not grants_stream(relay, {"reply": "json", "chat": "stream"}):
        pytest.skip("the relay grants no streams to plain connections")


@pytest.fixture
def join(relay: Relay, room: bytes, grants: None) -> Iterator[Join]:  # noqa: ARG001 - it may skip
    with joining(relay, room) as join:
        yield join
