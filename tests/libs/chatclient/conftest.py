"""Scenarios on both event loops."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
import uvloop

Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a scenario to its end; a forgotten task, socket or future, and what fails in the loop, fails the test."""

    async def within_a_deadline(scenario: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.timeout(20):
            await scenario()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run(scenario: Callable[[], Awaitable[None]]) -> None:
        faults: list[dict[str, object]] = []
        with asyncio.Runner(debug=True, loop_factory=request.param) as runner:
            runner.get_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
            runner.run(within_a_deadline(scenario))
        gc.collect()
        assert not faults

    return run
