"""TLS handshakes take turns, with the loop's other work in between: one holds it for 0.3 to 0.7 ms (TCP-12).

No thread does them: in a trial on a busy machine, handshakes in threads made the p99 of messages worse than this does.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

from relay_server.core.fair_queue import FairQueue

PAUSE_SECONDS: Final = 0.03
"""Between two handshakes, unless too many wait for it."""
ALL_SECONDS: Final = 3.0
"""All who wait have had their turns after so long, before the deadline of their transactions: the pause is as short as
that takes. It stays so until nobody waits, since even pauses are what others notice least."""

Begin = Callable[[], bool]
"""Does a handshake's work; False if there was none left to do."""


class Turns:
    """Has one handshake done at a time; addresses take turns (see `core.address.network_of`)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # How many may wait is bounded by the places for connections, and how long by their deadline.
        self._queue: FairQueue[Begin] = FairQueue(sys.maxsize, sys.maxsize)
        self._pause = PAUSE_SECONDS
        self._pausing = False

    def put(self, network: bytes, begin: Begin) -> None:
        """Have a handshake done, at once if there was none a moment ago."""
        self._queue.put(network, begin)
        self._pause = min(self._pause, ALL_SECONDS / len(self._queue))
        if not self._pausing:
            self._go_on()

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()

    def _go_on(self) -> None:
        self._pausing = False
        while (begin := self._queue.pop()) is not None:
            if not self._queue:
                self._pause = PAUSE_SECONDS
            if begin():
                self._pausing = True
                self._loop.call_later(self._pause, self._go_on)
                return
