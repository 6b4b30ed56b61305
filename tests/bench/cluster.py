"""Measure what being a node of a cluster costs a relay: `make bench-cluster`; see docs/benchmarks.md."""

import argparse
import json
import os
import secrets
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count as count_up
from pathlib import Path
from typing import Final

from bench.arguments import Parser, count, seconds
from bench.entry import begin, told
from bench.joining import join_members
from bench.measures import Shape
from bench.place import Cpus
from bench.programs import (
    BenchError,
    Programs,
    Result,
    Target,
    build,
    cpu_seconds,
    run_load,
    running_relay,
)
from bench.tables import lay_out
from chatproto import RefusedError
from clusters import Bus
from ports import free_ports

SHAPE: Final = Shape(20, 20)
EDGE_SHAPE: Final = Shape(20, 5)
EDGE_RATE: Final = 2000.0
JOINS: Final = 500
RUNS: Final = 7
IDLE_SECONDS: Final = 10.0
START_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.1


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    cpus = begin("bench.cluster", here=arguments.here)
    os.sched_setaffinity(0, {cpus.load})
    with told("bench.cluster"), tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        bench = Bench(build(Path(folder)), cpus, arguments, Path(folder), stack)
        for measure in (bench.compare, bench.rest, bench.watch_directory, bench.carry):
            print(f"\n{measure()}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench.cluster", description="Measure what being a node of a cluster costs a relay.")
    parser.add_argument("--runs", type=count, default=RUNS, metavar="N", help=f"runs of each in turn; default: {RUNS}")
    parser.add_argument("--seconds", type=seconds, default=3.0, metavar="S", help="of each run; default: 3")
    parser.add_argument("--idle", type=seconds, default=IDLE_SECONDS, metavar="S",
                        help=f"how long a node at rest is watched; default: {IDLE_SECONDS:g}")  # fmt: skip
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    return parser


class Bench:
    """The load, a directory, and for how long."""

    def __init__(
        self, programs: Programs, cpus: Cpus, arguments: argparse.Namespace, folder: Path, stack: ExitStack
    ) -> None:
        self._programs, self._cpus = programs, cpus
        self._runs: int = arguments.runs
        self._seconds: float = arguments.seconds
        self._idle: float = arguments.idle
        self._key = secrets.token_hex(32)
        (self._monitor,) = free_ports(1)
        self._bus = Bus(folder, ["-m", str(self._monitor)])
        stack.callback(self._bus.kill)

    def compare(self) -> str:
        """Run a relay alone and a node beside an idle one in turn; returns the table."""
        alone, clustered = [], []
        for _ in range(self._runs):
            with running_relay(self._cpus.relay) as relay:
                alone.append(self._load(relay, SHAPE))
            with self._node("idle", self._cpus.load), self._node("busy", self._cpus.relay) as node:
                clustered.append(self._load(node, SHAPE))
        ratios = [ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in zip(clustered, alone, strict=True)]
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}, {max(ratios):.3f})"
        rows = [("rooms x members", "", "deliveries/CPU-s", "ratio (min, max)", "lost")]
        for name, results, shown in (("alone", alone, ""), ("a node", clustered, ratio)):
            figure = statistics.median(result.per_cpu_second for result in results)
            rows.append((str(SHAPE), name, f"{figure:,.0f}", shown, f"{sum(result.lost for result in results):,}"))
        return lay_out(rows)

    def rest(self) -> str:
        """Let two nodes rest; returns what it costs, in a sentence."""
        with self._node("one", self._cpus.relay) as node, self._node("two", self._cpus.load):
            cpu, since = cpu_seconds(node.pid), time.monotonic()
            before = self._messages()
            time.sleep(self._idle)
            spent = time.monotonic() - since
            share, messages = (cpu_seconds(node.pid) - cpu) / spent, (self._messages() - before) / spent
        return (
            f"A node at rest takes {share:.2%} of a core; the directory's server gets {messages:.1f} messages a second."
        )

    def watch_directory(self) -> str:
        """Let a node be as busy as can be; returns what the directory's server notices, in a sentence."""
        with self._node("one", self._cpus.relay) as node, self._node("two", self._cpus.load):
            members = join_members(node.tcp_port, *SHAPE)
            before, since = self._messages(), time.monotonic()
            result = run_load(self._programs, node, members, SHAPE.members, rate=0, seconds=self._seconds)
            messages = (self._messages() - before) / (time.monotonic() - since)
        return (
            f"While {result.delivered / result.seconds:,.0f} copies a second are relayed, "
            f"the directory's server gets {messages:.1f} messages a second."
        )

    def carry(self) -> str:
        """Let all members of rooms come by another node; returns in two sentences what that costs."""
        with self._node("home", self._cpus.load) as home, self._node("edge", self._cpus.relay) as edge:
            _patiently(
                lambda tried: join_members(edge.tcp_port, 1, 2, prefix=f"{tried} by it", home_port=home.tcp_port)
            )
            joining = _cost_of_joins(edge, home)
            members = join_members(edge.tcp_port, EDGE_SHAPE.rooms, 1 + EDGE_SHAPE.members, home_port=home.tcp_port)
            result = run_load(self._programs, edge, members, EDGE_SHAPE.members, rate=EDGE_RATE, seconds=self._seconds)
        datagrams = result.sent + result.delivered
        return (
            f"An edge takes {1e6 * result.cpu_seconds / datagrams:.1f} us for each of {datagrams:,} datagrams, "
            f"lost {result.lost:,}, p50 {result.p50_us / 1000:.2f} ms. {joining}"
        )

    def _load(self, relay: Target, shape: Shape) -> Result:
        members = join_members(relay.tcp_port, *shape)
        return run_load(self._programs, relay, members, shape.members, rate=0, seconds=self._seconds)

    @contextmanager
    def _node(self, name: str, cpu: int) -> Iterator[Target]:
        link, tcp, udp = free_ports(3)
        settings: Mapping[str, str] = {
            "RELAY_CLUSTER_URL": self._bus.url,
            "RELAY_CLUSTER_KEY": self._key,
            "RELAY_NODE_NAME": name,
            "RELAY_NODE_ADDRESS": f"127.0.0.1:{tcp}:{udp}",
            "RELAY_LINK_PORT": str(link),
            "RELAY_LOG_LEVEL": "error",
        }
        with running_relay(cpu, settings, ports=(tcp, udp)) as node:
            _patiently(lambda tried: join_members(node.tcp_port, 1, 1, prefix=f"{tried} at {name} {link}"))
            yield node

    def _messages(self) -> int:
        """Return how many messages came to the directory's server so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/varz", timeout=5) as answer:
            return int(json.load(answer)["in_msgs"])


def _cost_of_joins(edge: Target, home: Target) -> str:
    before = [cpu_seconds(node.pid) for node in (edge, home)]
    joins = len(join_members(edge.tcp_port, 1, 1 + JOINS, prefix="joins", home_port=home.tcp_port))
    at_edge, at_home = (
        1000 * (cpu_seconds(node.pid) - cpu) / joins for node, cpu in zip((edge, home), before, strict=True)
    )
    return f"A join takes {at_edge:.2f} ms of its processor, and {at_home:.2f} ms of the home's."


def _patiently(join: Callable[[int], object]) -> None:
    """Join where the directory may not be reached yet, or not know all nodes; how often it was tried is in the name."""
    deadline = time.monotonic() + START_SECONDS
    for tried in count_up():
        with suppress(RefusedError):
            join(tried)
            return
        if time.monotonic() > deadline:
            raise BenchError("The node doesn't reach the directory.")
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
