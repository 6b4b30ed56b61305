"""A relay that is asked to end closes its ports, and that is no crash (EVI-06)."""

import asyncio
import gc
from pathlib import Path

import pytest

from relay_server import lifecycle
from relay_server.lifecycle import Lifecycle
from relay_server.parts import build
from services.relay_server.test_parts import settings


@pytest.mark.requirement("EVI-06")
def test_no_deadline_is_looked_after_once_the_ports_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "TICK_SECONDS", 0.0)  # a tick in each turn of the loop
    monkeypatch.setattr(lifecycle, "DRAIN_SECONDS", 0.0)

    async def scenario() -> None:
        parts = build(settings(tmp_path))
        asyncio.get_running_loop().call_soon(parts.stopping.set)
        assert await Lifecycle(parts).run() == 0
        assert parts.sockets.tcp.fileno() < 0
        for _ in range(3):
            await asyncio.sleep(0)  # what is due comes now
        assert parts.tally.unexpected_errors.total() == 0

    try:
        asyncio.run(scenario())
    finally:
        gc.unfreeze()  # a relay freezes what its process has when it starts
