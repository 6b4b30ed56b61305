"""Relays that get into trouble, on both event loops.

Where the loop decides nothing, a test is marked `either_loop`: ``make faults`` runs it on both, ``make test`` on one.
"""

import random
import secrets
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from faults.relays import StartRelay
from faults.weakened import believe_soon
from relay_server.core.reachability import FAILING_SECONDS

LOOPS = ["uvloop", "asyncio"]
Chance = random.Random


class Load(Protocol):
    """How much of something an attack sends."""

    def __call__(self, full: int, *, quick: int) -> int:
        """Choose between all of it (``make faults``) and enough to see a difference (``make test``)."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--full", action="store_true", help="let attacks have all their load")
    group.addoption("--seed", type=int, help="repeat the random input of a test that failed")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "either_loop: without --full on one event loop, for it decides nothing here")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full", default=False):
        spared = [item for item in items if item.get_closest_marker("either_loop") and not _is_its_turn(item)]
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in spared]
    if sys.platform != "linux":
        for item in items:
            item.add_marker(pytest.mark.skip(reason="faults are made and measured by Linux's means"))


def _is_its_turn(item: pytest.Item) -> bool:
    """Tell whether a test is on the loop that is its function's; about half of the functions have the same."""
    assert isinstance(item, pytest.Function)
    if "loop" not in item.fixturenames:
        return True
    name = f"{item.path.name}:{item.originalname}"
    return bool(item.callspec.params["loop"] == LOOPS[zlib.crc32(name.encode()) % len(LOOPS)])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--full", default=False):
        terminalreporter.write_line("Attacks had a part of their load, and some one event loop; make faults has all.")


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Load:
    is_full = bool(request.config.getoption("--full", default=False))
    return lambda full, *, quick: full if is_full else quick


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Chance:
    """Return a source of random input, another one each time; a test that fails shows how to have the same again."""
    given = request.config.getoption("--seed", default=None)
    seed = secrets.randbits(32) if given is None else given
    print(f"To repeat this random input add: --seed {seed}")
    return random.Random(seed)


@pytest.fixture
def start_relay(loop: str, tmp_path: Path) -> Iterator[StartRelay]:
    """Return what starts relays, each of which is checked at the end."""
    with ExitStack() as ends:
        yield StartRelay(tmp_path, loop, ends)


@pytest.fixture
def failing_seconds(start_relay: StartRelay, load: Load) -> float:
    """Return for how long errors must come before this test's relays believe them: for a second in ``make test``."""
    seconds = load(int(FAILING_SECONDS), quick=1)
    if seconds < FAILING_SECONDS:
        start_relay.changes.append(believe_soon)
    return float(seconds)
