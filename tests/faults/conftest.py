"""Relays that get into trouble, on both event loops."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from conformance.relays import OwnRelay
from e2e.relay_metrics import scrape

StartRelay = Callable[..., OwnRelay]


class Load(Protocol):
    """How much of something an attack sends."""

    def __call__(self, full: int, *, quick: int) -> int:
        """Choose between all of it (``make faults``) and enough to see a difference (``make test``)."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("faults").addoption("--full", action="store_true", help="let attacks have all their load")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform != "linux":
        for item in items:
            item.add_marker(pytest.mark.skip(reason="faults are made and measured by Linux's means"))


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Load:
    is_full = bool(request.config.getoption("--full", default=False))
    return lambda full, *, quick: full if is_full else quick


@pytest.fixture
def start_relay(loop: str, tmp_path: Path) -> Iterator[StartRelay]:
    """Start a relay that is expected to live through the test, and whose books are checked at the end."""
    relays: list[OwnRelay] = []

    def start(**settings: str) -> OwnRelay:
        relays.append(OwnRelay(tmp_path / f"log-{len(relays)}", {"RELAY_EVENT_LOOP": loop, **settings}))
        return relays[-1]

    yield start
    for relay in relays:
        try:
            assert relay.process.poll() is None, relay.said()
            scrape(relay).check_books()
        finally:
            code = relay.stop()
        assert (code, "Traceback" in relay.said()) == (0, False), relay.said()
