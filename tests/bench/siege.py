"""What people notice of thousands of connections that ask for nothing: joins and chat, in peace and besieged."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from bench.joining import join_members
from bench.place import Cpus
from bench.programs import Programs, Result, Target, resident_kib, run_load, running_relay
from faults.slow import slow_crowd

LIMITS: Final = {"RELAY_MAX_TRANSACTIONS": "2000", "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "100"}
"""The relay's own defaults, without which a siege would take all descriptors."""
ADDRESSES: Final = [f"127.0.7.{number}" for number in range(1, 101)]
ROOMS: Final = 20
MEMBERS: Final = 10
MESSAGES_A_SECOND: Final = 500.0
PAUSE_SECONDS: Final = 0.01


class Felt(NamedTuple):
    """What was felt meanwhile."""

    chat: Result
    joins: list[float]

    def __str__(self) -> str:
        p50, p99 = statistics.median(self.joins), statistics.quantiles(self.joins, n=100)[98]
        return (
            f"{len(self.joins):,} joins: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms; "
            f"chat: p50 {self.chat.p50_us / 1000:.2f} ms, p99 {self.chat.p99_us / 1000:.2f} ms, {self.chat.lost:,} lost"
        )


def besiege(programs: Programs, cpus: Cpus, count: int, *, seconds: float) -> str:
    """Measure joins and chat for so long, and once more beside so many slow connections; returns what was felt.

    Raises:
        BenchError: the relay doesn't start, or doesn't relay.
        OSError: there aren't enough descriptors.

    """
    with running_relay(cpus.relay, LIMITS) as relay:
        peace = _feel(programs, relay, "peace", seconds)
        before_kib = resident_kib(relay.pid)
        with slow_crowd(relay.tcp_port, count, ADDRESSES, interval=1, rounds=max(9, round(seconds))) as slow:
            siege = _feel(programs, relay, "siege", seconds)
            during_kib = resident_kib(relay.pid) - before_kib
            ends = slow.await_connected().ends()
        after_kib = resident_kib(relay.pid) - before_kib
    return (
        f"in peace:  {peace}\n"
        f"besieged:  {siege}\n"
        f"All of {count:,} were closed {ends.last_closed_after_seconds:.1f} s after the last had connected. "
        f"The relay's memory: {during_kib:+,} KiB meanwhile, {after_kib:+,} KiB afterwards."
    )


def _feel(programs: Programs, relay: Target, prefix: str, seconds: float) -> Felt:
    members = join_members(relay.tcp_port, ROOMS, MEMBERS, prefix=prefix)
    with ThreadPoolExecutor(1) as threads:

        def converse() -> Result:
            return run_load(programs, relay, members, MEMBERS, rate=MESSAGES_A_SECOND, seconds=seconds)

        chat: Future[Result] = threads.submit(converse)
        return Felt(joins=_join_until(chat.done, relay.tcp_port, prefix), chat=chat.result())


def _join_until(done: Callable[[], bool], port: int, prefix: str) -> list[float]:
    """Create one room after the other; returns how long each took."""
    took: list[float] = []
    while not done() or len(took) < 2:
        start = time.monotonic()
        join_members(port, 1, 1, prefix=f"{prefix}-{len(took)}")
        took.append(time.monotonic() - start)
        time.sleep(PAUSE_SECONDS)
    return took
