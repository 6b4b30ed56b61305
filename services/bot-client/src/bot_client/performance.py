"""One run of a scenario: all its bots, until the end, a failure or a signal."""

import asyncio
from collections.abc import Callable
from math import inf
from random import Random
from typing import Final

from bot_client.attendance import Run
from bot_client.casting import cast
from bot_client.happenings import Happening
from bot_client.ledger import Ledger
from bot_client.marker import Marker
from bot_client.player import Player, PlayError
from bot_client.scenario import Scenario
from bot_client.settings import Settings

_TICK_SECONDS: Final = 0.05
_HURRIED_SECONDS: Final = 0.5
"""How long to wait for messages on their way when a person or a supervisor wants the end."""


class Performance:
    """Play a scenario once; its figures stand in ``ledger``."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        ledger: Ledger,
        observe: Callable[[Happening], None],
        process_id: str,
    ) -> None:
        self.ledger = ledger
        self.failures: list[str] = []
        """What went otherwise than the scenario says, one sentence each."""
        self._run = Run(
            settings=settings,
            ledger=ledger,
            observe=observe,
            marker=Marker(process_id) if scenario.markers else None,
            rejoin=scenario.rejoin,
        )
        roles = cast(scenario, process_id, settings.name_prefix)
        self._players = [Player(role, self._run, _chance(settings.seed, index)) for index, role in enumerate(roles)]
        self._limit_seconds = settings.duration_seconds or (
            inf if scenario.seconds is None else scenario.seconds / settings.speed
        )
        self._started_at = 0.0
        self._ended_at: float | None = None

    @property
    def limit_seconds(self) -> float:
        """When the run ends at the latest; infinity if only its bots say when."""
        return self._limit_seconds

    @property
    def elapsed_seconds(self) -> float:
        """How long the run has lasted, or lasted in all."""
        end = asyncio.get_running_loop().time() if self._ended_at is None else self._ended_at
        return end - self._started_at

    async def run(self, stop: asyncio.Event) -> None:
        """Play, then leave."""
        try:
            await self.play(stop)
        finally:
            await self.close()

    async def play(self, stop: asyncio.Event) -> None:
        """Play until all bots are done, time is up, one fails, or ``stop`` is set; all stay where they are."""
        self._started_at = asyncio.get_running_loop().time()
        parts = [asyncio.create_task(player.play()) for player in self._players]
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._watch(parts, stopping)
        finally:
            for task in (*parts, stopping):
                task.cancel()
            await asyncio.wait([*parts, stopping])
        await self._drain(hurried=stop.is_set())
        self._ended_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Count what hasn't arrived as lost, and leave all chats."""
        self.ledger.close()
        await asyncio.gather(*(player.close() for player in self._players))

    async def _watch(self, parts: list[asyncio.Task[None]], stopping: asyncio.Task[bool]) -> None:
        pending: set[asyncio.Task[object]] = {*parts}
        while pending and not stopping.done() and not self.failures:
            left = self._limit_seconds - self.elapsed_seconds
            if left <= 0:
                return
            done, _ = await asyncio.wait(
                {*pending, stopping}, timeout=min(1.0, left), return_when=asyncio.FIRST_COMPLETED
            )
            pending -= done
            if not self._run.faults.empty():
                raise self._run.faults.get_nowait()
            for task in done - {stopping}:
                self._note(task)
            self.ledger.expire(asyncio.get_running_loop().time())

    def _note(self, task: asyncio.Task[object]) -> None:
        try:
            task.result()
        except PlayError as failure:
            self.failures.append(str(failure))

    async def _drain(self, *, hurried: bool) -> None:
        """Give messages on their way the time they have by the settings."""
        loop = asyncio.get_running_loop()
        patience = self._run.settings.loss_timeout_seconds
        deadline = loop.time() + (min(_HURRIED_SECONDS, patience) if hurried else patience)
        while self.ledger.tally.outstanding and loop.time() < deadline:
            await asyncio.sleep(_TICK_SECONDS)
            self.ledger.expire(loop.time())


def _chance(seed: int | None, index: int) -> Random:
    """Give each bot its own: what one draws doesn't depend on when the others do."""
    return Random() if seed is None else Random(f"{seed}/{index}")
