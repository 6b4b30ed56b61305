"""Relays that get into trouble, on both event loops."""

import random
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from faults.relays import StartRelay

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
