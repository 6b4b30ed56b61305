"""Relays that get into trouble, on both event loops."""

import random
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults.relays import StartRelay

LOOPS = ["uvloop", "asyncio"]
Chance = random.Random


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--seed", type=int, help="repeat the random input of a test that failed")
    group.addoption("--long", action="store_true", help="repeat tests of luck as often as their marks say")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "repeated(times): how often `make faults-long` does it, as luck may hide what is broken"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_long = metafunc.config.getoption("--long", default=False)
    if "crowd" in metafunc.fixturenames:
        metafunc.parametrize("crowd", [1000, 5000] if is_long else [1000])
    elif is_long and (mark := metafunc.definition.get_closest_marker("repeated")):
        metafunc.fixturenames.append("time_of_many")
        metafunc.parametrize("time_of_many", range(1, mark.args[0] + 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform != "linux":
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason="faults are made and measured by Linux's means"))


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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
