"""Which event loop runs."""

import asyncio

import pytest
import uvloop

from relay_server.net import loop


@pytest.mark.parametrize("use_uvloop", [True, False])
def test_a_coroutine_runs_on_the_loop_that_is_asked_for(use_uvloop: bool) -> None:
    async def which() -> bool:
        return isinstance(asyncio.get_running_loop(), uvloop.Loop)

    assert loop.run(which(), use_uvloop=use_uvloop) is use_uvloop
