"""What a protocol's methods raise reaches the loop's exception handler, whatever it is."""

import asyncio
from typing import Any

import pytest

from relay_server.net.reported import reported


@reported
def divide(a: int, b: int) -> float:
    return a / b


@reported
def fail(error: Exception) -> None:
    raise error


def handled(error: Exception) -> list[dict[str, Any]]:
    """Raise an error in a reported function, and return what the handler was told."""
    told: list[dict[str, Any]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        with pytest.raises(type(error)):
            fail(error)

    asyncio.run(scenario())
    return told


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), OSError("x"), ConnectionResetError("x")])
def test_an_error_is_told_and_goes_on_its_way(error: Exception) -> None:
    assert handled(error) == [{"message": "fail failed", "exception": error}]


def test_what_goes_well_is_returned() -> None:
    assert divide(6, b=3) == 2
