"""TLS handshakes take turns, with the loop's other work in between: one holds it for 0.2 to 0.4 ms (TCP-12).

No thread does them: on a busy machine the loop would wait for the interpreter's lock while that thread waits for the
processor, and that takes longer than a handshake.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

from relay_server.core.fair_queue import FairQueue

PAUSE_SECONDS: Final = 0.03
"""Between two handshakes: a hundred who come at once have all had their turns after two seconds."""
ALL_SECONDS: Final = 1.0
"""The more wait the shorter is the pause: it is this time divided by their number. So a thousand who come back after a
restart have had their turns in four and a half seconds, before the deadline of their transactions."""

Begin = Callable[[], bool]
"""Does a handshake's work; False if there was none left to do."""


class Turns:
    """Has one handshake done at a time; addresses take turns (see `core.address.network_of`)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # How many may wait is bounded by the places for connections, and how long by their deadline.
        self._queue: FairQueue[Begin] = FairQueue(sys.maxsize, sys.maxsize)
        self._pausing = False

    def put(self, network: bytes, begin: Begin) -> None:
        """Have a handshake done, at once if there was none a moment ago."""
        self._queue.put(network, begin)
        if not self._pausing:
            self._go_on()

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()

    def _go_on(self) -> None:
        self._pausing = False
        while (begin := self._queue.pop()) is not None:
            if begin():
                self._pausing = True
                self._loop.call_later(min(PAUSE_SECONDS, ALL_SECONDS / max(1, len(self._queue))), self._go_on)
                return
