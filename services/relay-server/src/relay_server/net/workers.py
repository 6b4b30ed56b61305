"""Threads for what would hold up the event loop: a short queue, and the loop goes first."""

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from relay_server.core.errors import BusyError

THREADS: Final = 2
MAX_JOBS: Final = 18
"""Those in the threads and 16 more: what waits longer than a second is better asked for again."""
MAX_JOBS_PER_NETWORK: Final = 9
"""Half of it, so that no address fills the queue by itself (see `core.address.network_of`)."""
NICENESS: Final = 10

Job: TypeAlias = Callable[[], str]
Done: TypeAlias = Callable[[Future[str]], None]


class Workers:
    """Does jobs aside; all methods are to be called from the loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, "worker", initializer=_step_back)
        self._jobs_of_network: Counter[bytes] = Counter()

    def submit(self, network: bytes, job: Job, done: Done) -> Future[str]:
        """Do a job for somebody of this network; ``done`` gets its future on the loop, unless that is cancelled.

        If too much waits already, the future ends with a BusyError.
        """
        if self._jobs_of_network.total() >= MAX_JOBS or self._jobs_of_network[network] >= MAX_JOBS_PER_NETWORK:
            refused: Future[str] = Future()
            refused.set_exception(BusyError("The relay checks many passwords just now: try again in a moment."))
            self._loop.call_soon(done, refused)
            return refused
        self._jobs_of_network[network] += 1
        future = self._pool.submit(job)
        future.add_done_callback(partial(self._tell, network, done))
        return future

    def close(self) -> None:
        """Forget what waits; what a thread has begun ends by itself, and nobody hears of it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tell(self, network: bytes, done: Done, future: Future[str]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._finish, network, done, future)

    def _finish(self, network: bytes, done: Done, future: Future[str]) -> None:
        self._jobs_of_network -= Counter((network,))  # keeps what is above 0 alone
        if not future.cancelled():
            done(future)


def _step_back() -> None:
    """Let this thread run when the loop's doesn't want to; elsewhere than on Linux it would be the whole process."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it, as the systemd unit's does; the kernel is fair even so
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
