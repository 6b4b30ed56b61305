"""One loop for all kinds: what a thing costs the relay, and what honest pairs feel while it is sent."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from bench.budget.pairs import Pairs
from bench.budget.stage import Stage, standing
from bench.place import Cpus
from bench.programs import cpu_seconds

ROUNDS: Final = 3
"""So often are the pairs measured while the thing is sent; in quiet before, between and after."""
PATIENCE_SECONDS: Final = 2.0
"""How long the relay may take to work off what it was sent; honest messages that take longer count as lost."""
_STEP_SECONDS: Final = 0.005
_NAP_SECONDS: Final = 0.001
"""At least so often the answers of TCP connections are read."""
_LATE_SECONDS: Final = 0.0005
"""Who should have spoken so long ago waits for their next turn."""
_LAG_SECONDS: Final = 0.05
"""Who sends makes up for no more than this: beyond it the rate falls, and the table says so."""
_WARMING_SECONDS: Final = 0.3
_SHORTEST_SECONDS: Final = 0.1
"""In less time too few honest messages go by to tell their p99."""
_OURSELVES: Final = 0
_FIRST: Final = -20
"""The most favoured that a process can be among its like."""

Send = Callable[[int], None]
"""Sends one of a kind; it is given how many were sent before."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that somebody may send."""

    who: str
    """stranger, visitor, member or host."""
    what: str
    rate: float
    """How many a second the relay's limits allow one address; without such a limit, how many we send."""
    ready: Callable[[Stage], Send]
    """Brings up who sends; returns how to send one."""
    unlimited: bool = False
    """No limit of the relay sets the rate."""
    tls: bool = False
    threads: bool = False
    """The relay has threads work on it, over which its loop must not be favoured."""
    settings: Mapping[str, str] = field(default_factory=dict)


class Cost(NamedTuple):
    """What was measured of one kind."""

    kind: Kind
    sent_a_second: float
    microseconds: float
    """Of the relay's CPU time for each that it received."""
    quiet_p99_us: float
    p50_ratio: float
    p99_ratio: float
    lost: int
    """Honest messages."""

    @property
    def share(self) -> float:
        """Which part of a core it takes at the kind's rate."""
        return self.microseconds * self.kind.rate / 1e6


class _Phase(NamedTuple):
    """A stretch of time with or without the kind."""

    seconds: float
    sent: int
    dropped: int
    cpu: float
    p50: float
    p99: float
    lost: int


def measure(kind: Kind, cpus: Cpus, folder: Path, *, seconds: float) -> Cost:
    """Send one kind to a fresh relay for about half of so many seconds, in turn with quiet.

    Raises:
        BenchError: the relay doesn't start.
        RefusedError: it doesn't let somebody in.
        OSError: it went away.

    """
    length = max(seconds / (2 * ROUNDS + 1), _SHORTEST_SECONDS)
    os.sched_setaffinity(0, {cpus.load})
    _favour(_OURSELVES, threads=False)
    with standing(cpus.relay, folder, kind.settings, tls=kind.tls) as stage:
        _favour(stage.relay.pid, threads=kind.threads)
        pairs = Pairs(stage)
        send = kind.ready(stage)
        run = _Run(stage, pairs, kind.rate)
        run.phase(min(_WARMING_SECONDS, length), None)
        quiet, loud = [run.phase(length, None)], []
        for _ in range(ROUNDS):
            loud.append(run.phase(length, send))
            quiet.append(run.phase(length, None))
    return _cost(kind, quiet, loud)


def _favour(pid: int, *, threads: bool) -> None:
    """Let a process run before what else does on its CPU, where the system allows it: that isn't to be measured."""
    with suppress(PermissionError):
        if threads:
            os.setpriority(os.PRIO_PROCESS, pid, _FIRST)
        else:
            os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def _cost(kind: Kind, quiet: Sequence[_Phase], loud: Sequence[_Phase]) -> Cost:
    quiet_share = statistics.median(phase.cpu / phase.seconds for phase in quiet)
    cpu = sum(phase.cpu - quiet_share * phase.seconds for phase in loud)
    received = sum(phase.sent - phase.dropped for phase in loud)
    # One stretch that something else on the machine disturbed would spoil a mean, or both rounds that it lies between.
    quiet_p50, quiet_p99 = _medians(quiet)
    loud_p50, loud_p99 = _medians(loud)
    return Cost(
        kind,
        sent_a_second=sum(phase.sent for phase in loud) / sum(phase.seconds for phase in loud),
        microseconds=max(0.0, cpu) / max(1, received) * 1e6,
        quiet_p99_us=quiet_p99 * 1e6,
        p50_ratio=loud_p50 / quiet_p50,
        p99_ratio=loud_p99 / quiet_p99,
        lost=sum(phase.lost for phase in loud),
    )


def _medians(phases: Sequence[_Phase]) -> tuple[float, float]:
    return statistics.median(phase.p50 for phase in phases), statistics.median(phase.p99 for phase in phases)


class _Run:
    """Drives everybody at a steady pace, from one thread."""

    def __init__(self, stage: Stage, pairs: Pairs, rate: float) -> None:
        self._stage = stage
        self._pairs = pairs
        self._interval = 1 / rate
        self._sent = 0

    def phase(self, seconds: float, send: Send | None) -> _Phase:
        """Have the pairs talk for so long, and send the kind meanwhile; waits until the relay has done all of it."""
        cpu, dropped, sent = cpu_seconds(self._stage.relay.pid), self._stage.dropped_datagrams(), self._sent
        took: list[float] = []
        self._talk(time.monotonic() + seconds, send)
        self._settle(took)
        lost = self._pairs.give_up()
        took += [PATIENCE_SECONDS] * lost
        cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [0.0] * 99
        return _Phase(
            seconds,
            self._sent - sent,
            self._stage.dropped_datagrams() - dropped,
            cpu_seconds(self._stage.relay.pid) - cpu,
            p50=cuts[49],
            p99=cuts[98],
            lost=lost,
        )

    def _talk(self, end: float, send: Send | None) -> None:
        now = time.monotonic()
        speak_at = send_at = now
        while now < end:
            if now - speak_at > _LATE_SECONDS:
                # What should have been said while we were busy isn't made up for: it would all be said at once,
                # and always right after something large.
                speak_at = now + self._pairs.pause()
            elif speak_at <= now:
                self._pairs.speak()
                speak_at = now + self._pairs.pause()
            if send and send_at <= now:
                send(self._sent)
                self._sent += 1
                send_at = max(send_at + self._interval, now - _LAG_SECONDS)
            next_at = min(speak_at, send_at) if send else speak_at
            self._stage.poll()
            if (pause := next_at - time.monotonic()) > 0:
                time.sleep(min(pause, _NAP_SECONDS))
            now = time.monotonic()

    def _settle(self, took: list[float]) -> None:
        """Wait until all honest messages came, and the relay has nothing to do."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pid = self._stage.relay.pid
        while time.monotonic() < deadline:
            cpu = cpu_seconds(pid)
            self._stage.poll()
            time.sleep(_STEP_SECONDS)
            took += self._pairs.read()
            idle = cpu_seconds(pid) - cpu < _STEP_SECONDS / 2
            if idle and not self._pairs.outstanding and not self._stage.is_awaiting():
                return
