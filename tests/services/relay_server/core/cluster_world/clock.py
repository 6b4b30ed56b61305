"""Virtual time: nothing here reads a clock or waits, so a seed gives the same run each time."""

import heapq
from collections.abc import Callable
from itertools import count
from random import Random


class Clock:
    """What happens when."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (self.now + seconds, next(self._order), what))

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (max(when, self.now), next(self._order), what))

    def run(self, until: float) -> None:
        while self._plans and self._plans[0][0] <= until:
            self.now, _, what = heapq.heappop(self._plans)
            what()
        self.now = until
