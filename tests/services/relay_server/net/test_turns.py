"""Handshakes take turns: one at a time, addresses in turn, and what has nothing left to do takes no time."""

import asyncio

import pytest

from relay_server.net import turns
from relay_server.net.turns import Turns
from services.relay_server.net.loopback import Run, until

pytestmark = pytest.mark.requirement("TCP-12")


def test_the_first_is_done_at_once_and_then_addresses_take_turns(run: Run) -> None:
    async def scenario() -> None:
        queue, done = Turns(), []

        def put(network: bytes, name: str, *, left: bool = True) -> None:
            def begin() -> bool:
                done.append(name)
                return left

            queue.put(network, begin)

        put(b"a", "a1")
        assert done == ["a1"]
        for name in ("a2", "a3"):
            put(b"a", name)
        put(b"b", "b1", left=False)
        assert done == ["a1"]
        await until(lambda: len(done) == 4)
        assert done == ["a1", "a2", "b1", "a3"]

    run(scenario)


def test_the_more_wait_the_shorter_is_the_pause(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        queue = Turns()
        monkeypatch.setattr(queue, "_loop", Pausing(loop, pauses))
        for _ in range(1001):
            queue.put(b"a", lambda: True)
        await until(lambda: len(pauses) == 1001)

    run(scenario)
    assert pauses[0] == turns.PAUSE_SECONDS == pauses[-1]
    assert min(pauses) == turns.ALL_SECONDS / 999
    assert sum(pauses) < 5


class Pausing:
    """A loop whose pauses are noted, and are over at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pauses: list[float]) -> None:
        self._loop, self._pauses = loop, pauses

    def call_later(self, seconds: float, go_on: object) -> None:
        self._pauses.append(seconds)
        self._loop.call_soon(go_on)  # type: ignore[arg-type]
