"""How long a message takes through the relay, and through other servers that are installed."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from bench import peers
from bench.contest import Comparison, compete
from bench.joining import join_members
from bench.measures import Shape
from bench.peers import PEERS, Peer
from bench.pictures import Bar, draw
from bench.place import Cpus
from bench.programs import MESSAGE_BYTES, Programs, Result, compile_program, run_load, running_relay
from bench.report import Report
from bench.streams import join as join_by_streams
from bench.tables import loss, spread

SHAPE: Final = Shape(20, 20)
RATE: Final = 1000.0
RUNS: Final = 5


class Latency:
    """The load, where it runs, and for how long."""

    def __init__(self, programs: Programs, cpus: Cpus, folder: Path, rate: float, seconds: float) -> None:
        self._programs = programs
        self._stream_load = compile_program("stream_load", folder)
        self._cpus = cpus
        self._folder = folder
        self._rate = rate
        self._seconds = seconds

    def measure(self, shapes: Sequence[Shape], runs: int) -> Report:
        """Let all that are installed have their turns; returns their latencies, and in words what isn't installed."""
        installed = {name: peer for name, peer in PEERS.items() if peers.find(peer)}
        comparisons = []
        for shape in shapes:
            contestants: dict[str, Callable[[], Result]] = {
                "relay, UDP": partial(self._run_udp, shape),
                "relay, streams": partial(self._run_streams, shape),
                **{name: partial(self._run_peer, peer, shape) for name, peer in installed.items()},
            }
            comparisons.append(compete(str(shape), contestants, runs))
        return Report(
            name="latency",
            method=f"medians of {runs} runs of {self._seconds:g} s each, the lowest and the highest, with "
            f"{self._rate:g} messages of {MESSAGE_BYTES[0]} bytes a second in",
            rows=_rows(comparisons),
            picture=_draw(comparisons),
            notes=missing(),
        )

    def _run_udp(self, shape: Shape) -> Result:
        with running_relay(self._cpus.relay) as relay:
            members = join_members(relay.tcp_port, *shape)
            return run_load(self._programs, relay, members, shape.members, rate=self._rate, seconds=self._seconds)

    def _run_streams(self, shape: Shape) -> Result:
        settings = {"RELAY_STREAMS": "any", "RELAY_MAX_STREAMS": f"{shape.rooms * shape.members}"}
        with running_relay(self._cpus.relay, settings) as relay, ExitStack() as stack:
            members = join_by_streams(relay, shape, stack)
            return self._converse("stream", relay.pid, members, shape)

    def _run_peer(self, peer: Peer, shape: Shape) -> Result:
        with peers.running(peer, self._cpus.relay, self._folder) as (pid, port), ExitStack() as stack:
            members = peers.join(peer, port, *shape, stack)
            return self._converse(peer.kind, pid, members, shape)

    def _converse(self, kind: str, pid: int, members: Sequence[peers.Ear], shape: Shape) -> Result:
        return peers.converse(
            self._stream_load, kind, pid, members, shape.members, seconds=self._seconds, rate=self._rate
        )


def missing() -> list[str]:
    """Say of each server that isn't installed what would install it."""
    return [
        f"{name} isn't measured: {peer.program} isn't installed (package {peer.package})."
        for name, peer in PEERS.items()
        if not peers.find(peer)
    ]


def _rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("rooms x members", "", "p50, ms", "p99, ms", "lost", "CPU us a delivery")]
    for comparison in comparisons:
        for place, (who, results) in enumerate(comparison.results.items()):
            rows.append((
                "" if place else comparison.name, who,
                spread([result.p50_us / 1000 for result in results]),
                spread([result.p99_us / 1000 for result in results]),
                loss(results),
                f"{statistics.median(result.cpu_seconds / max(1, result.delivered) * 1e6 for result in results):.1f}",
            ))  # fmt: skip
    return rows


def _draw(comparisons: Sequence[Comparison]) -> str:
    groups = [
        (comparison.name, [_bar(who, results) for who, results in comparison.results.items()])
        for comparison in comparisons
    ]
    return draw("Latency in milliseconds", ["p50", "p99"], groups)


def _bar(who: str, results: Sequence[Result]) -> Bar:
    p50, p99 = (statistics.median(getattr(result, name) for result in results) / 1000 for name in ("p50_us", "p99_us"))
    return Bar(who, [p50, p99 - p50], f"{p50:.2f}, {p99:.2f}")
