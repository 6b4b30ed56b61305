"""Relays that get into trouble, on both event loops."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.relays import OwnRelay
from e2e.relay_metrics import scrape

StartRelay = Callable[..., OwnRelay]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform != "linux":
        for item in items:
            item.add_marker(pytest.mark.skip(reason="faults are made and measured by Linux's means"))


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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
