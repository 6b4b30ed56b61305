"""Threads for what would hold up the event loop: a short, fair queue, and the loop goes first."""

import asyncio
import ctypes
import os
import platform
import struct
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from chatproto import RefusalCode
from relay_server.core.errors import BusyError
from relay_server.core.fair_queue import FairQueue

THREADS: Final = 2
MAX_WAITING: Final = 128
"""Beside those in the threads: three seconds' work, while a transaction may take five."""
MAX_WAITING_PER_NETWORK: Final = 64
"""Half of it; an address that has fewer pushes out one of whoever has most (see `core.address.network_of`)."""
NICENESS: Final = 10
TURN_NANOSECONDS: Final = 100_000
"""The shortest turn on a processor that Linux gives (since 6.12). A thread with short turns needn't wait for another's
turn to end: else the loop waits 1 ms for a worker that has just begun one, whatever its niceness."""

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""The system call's number: few C libraries have a function for it."""
_KEEP_POLICY: Final = 8
"""Has the call fail in a process that was given another policy, such as a real-time one."""
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""``struct sched_attr``: size, policy, flags, niceness, priority, turn in nanoseconds, and two of other policies."""

Job: TypeAlias = Callable[[], str]
Admit: TypeAlias = Callable[[], None]
Done: TypeAlias = Callable[[Future[str]], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A job, for whom it is, its outcome, who is told, and who is asked before."""

    network: bytes
    job: Job
    done: Done
    admit: Admit
    outcome: Future[str]


class Workers:
    """Does jobs aside; all methods are to be called from the loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        _be_prompt()
        self._pool = ThreadPoolExecutor(THREADS, "worker", initializer=_step_back)
        self._queue: FairQueue[_Task] = FairQueue(MAX_WAITING, MAX_WAITING_PER_NETWORK)
        self._at_work: dict[bytes, _Task] = {}
        """One job of each network, so that what one proves is known before the next is admitted."""

    def submit(self, network: bytes, job: Job, done: Done, admit: Admit = lambda: None) -> Future[str]:
        """Do a job for somebody of this network; ``done`` gets its future on the loop, unless that is cancelled.

        If too much waits already, the future ends with a BusyError, at once or when a fairer claim comes; so it does if
        ``admit``, called on the loop when the job's turn has come, raises one.
        """
        task = _Task(network, job, done, admit, Future())
        refused = self._queue.put(network, task)
        if refused is not task:
            task.outcome.add_done_callback(lambda _: self._queue.discard(network, task))
        if refused is not None:
            refused.outcome.set_running_or_notify_cancel()
            self._refuse(refused, BusyError(RefusalCode.PASSWORDS_IN_WORK))
        self._begin()
        return task.outcome

    @property
    def are_busy(self) -> bool:
        """Tell whether somebody waits for a job."""
        return bool(self._at_work or self._queue)

    def give_up(self) -> None:
        """Tell at once everybody who waits that the relay is busy; what a thread has begun is done for nobody."""
        tasks = list(self._at_work.values())
        while (task := self._queue.pop()) is not None:
            task.outcome.set_running_or_notify_cancel()
            tasks.append(task)
        for task in tasks:
            if not task.outcome.done():
                task.outcome.set_exception(BusyError(RefusalCode.TAKEN_OVER))
                task.done(task.outcome)

    def close(self) -> None:
        """Forget what waits; what a thread has begun ends by itself, and nobody hears of it."""
        self._queue.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        """Give the threads what they have time for."""
        while len(self._at_work) < THREADS and (task := self._queue.pop(self._at_work)) is not None:
            task.outcome.set_running_or_notify_cancel()
            try:
                task.admit()
            except BusyError as error:
                self._refuse(task, error)
                continue
            self._at_work[task.network] = task
            self._pool.submit(task.job).add_done_callback(partial(self._tell, task))

    def _tell(self, task: _Task, work: Future[str]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._finish, task, work)

    def _finish(self, task: _Task, work: Future[str]) -> None:
        del self._at_work[task.network]
        if work.cancelled():
            return
        if not task.outcome.done():  # else it was given up
            if (error := work.exception()) is not None:
                task.outcome.set_exception(error)
            else:
                task.outcome.set_result(work.result())
            task.done(task.outcome)
        self._begin()

    def _refuse(self, task: _Task, error: BusyError) -> None:
        task.outcome.set_exception(error)
        self._loop.call_soon(task.done, task.outcome)


def _be_prompt() -> None:
    """Ask for short turns for this thread, and those it starts; nothing happens where the system knows none."""
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform == "linux" and sys.maxsize > 2**32 and number:
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, _KEEP_POLICY, niceness, 0, TURN_NANOSECONDS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, wanted, 0)


def _step_back() -> None:
    """Let this thread run when the loop's doesn't want to; elsewhere than on Linux it would be the whole process."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it, as the systemd unit's does; the kernel is fair even so
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
