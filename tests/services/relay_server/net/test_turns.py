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


@pytest.mark.parametrize(("waiting", "pause"), [(50, turns.PAUSE_SECONDS), (1000, turns.ALL_SECONDS / 1000)])
def test_pauses_are_even_and_no_shorter_than_so_many_need(
    run: Run, monkeypatch: pytest.MonkeyPatch, waiting: int, pause: float
) -> None:
    pauses: list[float] = []

    async def scenario() -> None:
        queue = Turns()
        monkeypatch.setattr(queue, "_loop", Pausing(asyncio.get_running_loop(), pauses))
        for _ in range(waiting + 1):  # the first doesn't wait
            queue.put(b"a", lambda: True)
        await until(lambda: len(pauses) == waiting + 1)

    run(scenario)
    assert pauses == [turns.PAUSE_SECONDS, *[pause] * (waiting - 1), turns.PAUSE_SECONDS]


class Pausing:
    """A loop whose pauses are noted, and are over at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pauses: list[float]) -> None:
        self._loop, self._pauses = loop, pauses

    def call_later(self, seconds: float, go_on: object) -> None:
        self._pauses.append(seconds)
        self._loop.call_soon(go_on)  # type: ignore[arg-type]
