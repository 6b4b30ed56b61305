"""Jobs are done aside, few at once, and none in the name of one address alone."""

import asyncio
import ctypes
import os
import platform
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from relay_server.core.errors import BusyError
from relay_server.net.workers import (
    MAX_WAITING,
    MAX_WAITING_PER_NETWORK,
    NICENESS,
    THREADS,
    TURN_NANOSECONDS,
    Workers,
)
from services.relay_server.net.loopback import DEADLINE_SECONDS, Run, under_way, until

ALL = MAX_WAITING + THREADS


class Office:
    """Workers, jobs that wait for a word, and what became of them."""

    def __init__(self) -> None:
        self.workers = Workers()
        self.go = threading.Event()
        self.begun = 0
        self.done: list[Future[str]] = []

    def submit(self, network: bytes = b"net", job: Callable[[], str] | None = None) -> Future[str]:
        return self.workers.submit(network, job or self._wait, self.done.append)

    def _wait(self) -> str:
        self.begun += 1
        assert self.go.wait(DEADLINE_SECONDS)
        return "done"


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    opened = Office()
    try:
        yield opened
    finally:
        opened.go.set()
        opened.workers.close()
        await until(lambda: not under_way(opened.workers))


def fill(office: Office) -> list[Future[str]]:
    """Submit as much as may be, from as many addresses."""
    return [office.submit(b"net %d" % number) for number in range(ALL)]


def test_jobs_are_done_in_other_threads_and_told_on_the_loop(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            told: list[int] = []
            here.workers.submit(
                b"net", lambda: str(threading.get_ident()), lambda _: told.append(threading.get_ident())
            )
            future = here.submit(job=lambda: str(threading.get_ident()))
            await until(lambda: here.done and told)
            assert here.done == [future]
            assert future.result() != str(told[0])
            assert told == [threading.get_ident()]

    run(scenario)


@pytest.mark.requirement("PWD-03")
def test_so_many_at_once_and_not_one_more(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            taken = fill(here)
            await until(lambda: here.begun == THREADS)
            refused = here.submit(b"somebody else")
            await until(lambda: here.done)
            assert here.done == [refused]
            with pytest.raises(BusyError, match="try again in a moment"):
                refused.result()
            here.go.set()
            await until(lambda: len(here.done) == ALL + 1)
            assert [future.result() for future in taken] == ["done"] * ALL
            assert await asyncio.wrap_future(here.submit(b"somebody else")) == "done"

    run(scenario)


@pytest.mark.requirement("PWD-03")
def test_one_address_leaves_half_of_the_queue_to_the_others(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            greedy = [here.submit(b"greedy") for _ in range(ALL)]
            await until(lambda: len(here.done) == ALL - 1 - MAX_WAITING_PER_NETWORK)
            assert here.done == greedy[1 + MAX_WAITING_PER_NETWORK :]
            assert here.begun == 1  # and one of the threads
            here.go.set()
            assert await asyncio.wrap_future(here.submit(b"somebody else")) == "done"

    run(scenario)


@pytest.mark.requirement("PWD-03")
def test_who_has_most_waiting_yields_to_a_newcomer_whose_turn_comes_next(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            greedy = [here.submit(b"net %d" % (number % 3)) for number in range(ALL)]
            await until(lambda: here.begun == THREADS)
            late = here.submit(b"somebody else")
            await until(lambda: here.done)
            (pushed_out,) = here.done
            assert pushed_out in greedy
            with pytest.raises(BusyError, match="try again in a moment"):
                pushed_out.result()
            here.go.set()
            await until(lambda: late in here.done)
            # Whoever was at work, one of each other address, and one that ended at the same time: not all before it.
            assert here.done.index(late) <= 1 + THREADS + 3 + 1
            await until(lambda: len(here.done) == ALL + 1)

    run(scenario)


@pytest.mark.requirement("PWD-04")
def test_what_is_not_admitted_when_its_turn_comes_is_never_begun(run: Run) -> None:
    def refuse() -> None:
        raise BusyError("No.")

    async def scenario() -> None:
        async with office() as here:
            admitted: list[int] = []
            first = here.workers.submit(b"net", here._wait, here.done.append, lambda: admitted.append(here.begun))
            second = here.workers.submit(b"net", here._wait, here.done.append, lambda: admitted.append(len(here.done)))
            third = here.workers.submit(b"net", here._wait, here.done.append, refuse)
            here.go.set()
            await until(lambda: len(here.done) == 3)
            assert admitted == [0, 1]  # the second when the first was known
            assert here.done == [first, second, third]
            with pytest.raises(BusyError, match="No"):
                third.result()
            assert here.begun == 2

    run(scenario)


def test_what_is_cancelled_makes_room_and_nobody_hears_of_it(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            taken = fill(here)
            await until(lambda: here.begun == THREADS)
            assert taken[-1].cancel()
            assert not taken[0].cancel()  # it runs already
            late = here.submit()
            here.go.set()
            await until(lambda: len(here.done) == ALL)
            assert set(here.done) == {*taken[:-1], late}

    run(scenario)


def test_who_is_given_up_is_told_at_once_and_once(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            taken = fill(here)
            await until(lambda: here.begun == THREADS)
            assert taken[-1].cancel()
            here.workers.give_up()
            assert set(here.done) == set(taken[:-1])
            for future in here.done:
                with pytest.raises(BusyError, match="try again in a moment"):
                    future.result()
            here.go.set()
            assert await asyncio.wrap_future(here.submit()) == "done"
            assert len(here.done) == ALL - 1 + 1
            assert here.begun == THREADS + 1

    run(scenario)


def test_what_a_job_raises_is_its_result(run: Run) -> None:
    def fail() -> str:
        raise BusyError("No.")

    async def scenario() -> None:
        async with office() as here:
            here.submit(job=fail)
            await until(lambda: here.done)
            with pytest.raises(BusyError, match="No"):
                here.done[0].result()

    run(scenario)


def test_closing_forgets_what_waits_and_outlives_the_loop(run: Run) -> None:
    left: list[Office] = []

    async def scenario() -> None:
        left.append(Office())
        fill(left[0])
        await until(lambda: left[0].begun == THREADS)
        left[0].workers.close()

    run(scenario)
    here = left[0]
    here.go.set()  # the loop is gone when the jobs end
    here.workers._pool.shutdown(wait=True)
    assert (here.begun, here.done) == (THREADS, [])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads a priority of their own")
def test_the_loop_goes_first(run: Run) -> None:
    async def scenario() -> None:
        async with office() as here:
            before = os.getpriority(os.PRIO_PROCESS, 0)
            future = here.submit(job=lambda: str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
            priority = await asyncio.wrap_future(future)
            assert int(priority) == max(before, NICENESS)
            assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before

    run(scenario)


_SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}.get(platform.machine())
_TURN = slice(24, 32)
"""Where in a ``struct sched_attr`` of 48 bytes the turn is."""


def turn_nanoseconds() -> int:
    """Return how long a turn this thread asks for; 0 if it didn't, or the kernel is older than that."""
    attributes = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(_SCHED_GETATTR, 0, attributes, len(attributes), 0) == 0
    return int.from_bytes(attributes.raw[_TURN], sys.byteorder)


gives_short_turns = pytest.mark.skipif(
    sys.platform != "linux"
    or _SCHED_GETATTR is None
    or tuple(map(int, platform.release().split(".")[:2])) < (6, 12)
    or os.sched_getscheduler(0) != os.SCHED_OTHER,
    reason="only Linux since 6.12 gives short turns to who asks, and under its usual policy",
)


@gives_short_turns
def test_the_loop_waits_for_no_turn_of_a_worker(run: Run) -> None:
    async def scenario() -> None:
        async with office():
            assert turn_nanoseconds() == TURN_NANOSECONDS

    with ThreadPoolExecutor(1) as thread:  # a turn is a thread's own, and this one keeps its
        thread.submit(run, scenario).result()


@gives_short_turns
def test_who_asks_for_short_turns_stays_as_nice_as_it_was(run: Run) -> None:
    def scenario_in_a_nicer_thread() -> None:
        thread = threading.get_native_id()
        nicer = min(os.getpriority(os.PRIO_PROCESS, thread) + 3, 19)
        os.setpriority(os.PRIO_PROCESS, thread, nicer)

        async def scenario() -> None:
            async with office():
                assert os.getpriority(os.PRIO_PROCESS, thread) == nicer
                assert turn_nanoseconds() == TURN_NANOSECONDS

        run(scenario)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(scenario_in_a_nicer_thread).result()
