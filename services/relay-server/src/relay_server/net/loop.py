"""The event loop: uvloop, or plain asyncio."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result], *, use_uvloop: bool) -> Result:
    """Run a coroutine to its end on a fresh loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if use_uvloop else None) as runner:
        return runner.run(main)
