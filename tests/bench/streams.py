"""Measure chats over streams, beside Redis where it is installed: `make bench-streams`; see docs/benchmarks.md."""

import argparse
import os
import select
import socket
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from bench.arguments import Parser, count, seconds
from bench.entry import begin, told
from bench.measures import SHAPES, Shape
from bench.peers import HOST, REDIS, Ear, connect, converse, find, running
from bench.peers import join as join_peer
from bench.place import Cpus
from bench.programs import (
    WINDOW_DELIVERIES,
    BenchError,
    Result,
    Target,
    compile_program,
    cpu_seconds,
    resident_kib,
    running_reference,
    running_relay,
)
from bench.tables import lay_out, spread
from chatproto import ClientTransaction, Feature, Operation, Request
from relay_server.tls.self_signed import write_self_signed

BATCH: Final = 1000
"""So many join at once: the more handshakes wait, the shorter the relay's pauses between them."""
CROWD: Final = 2000
CROWD_ROOM_MEMBERS: Final = 20
MOST_MEMBERS: Final = max(shape.rooms * shape.members for shape in SHAPES)
IDLE_ROUNDS: Final = 10
"""Idle members are watched as long as so many runs: by default two rounds of the relay's pings."""
ALONE: Final[Mapping[Shape, float]] = {
    Shape(1, 5): 50.0, Shape(1, 20): 50.0, Shape(1, 100): 50.0, Shape(20, 10): 200.0,
}  # fmt: skip
"""So few messages a second that each comes alone."""
STALLED: Final = Shape(1, 100)
STALLED_RATE: Final = 500.0
STALLED_BUFFER_BYTES: Final = 4096
"""The kernel takes no more for a reader that has stalled, so that the relay notices within a second."""
PING: Final = b'{"ping":1}\n'
PONG: Final = b'{"pong":0}\n'


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    cpus = begin("bench.streams", here=arguments.here)
    os.sched_setaffinity(0, {cpus.load})
    with told("bench.streams"), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(cpus, arguments, Path(folder))
        for part in arguments.only or PARTS:
            print(f"\n{PARTS[part](bench)}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench.streams", description="Measure what chats over streams cost the relay.")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part alone; may be repeated")
    parser.add_argument("--runs", type=count, default=3, metavar="N", help="runs of each in turn; default: 3")
    parser.add_argument("--seconds", type=seconds, default=3.0, metavar="S", help="of each run; default: 3")
    parser.add_argument("--window", type=count, default=WINDOW_DELIVERIES, metavar="N",
                        help=f"deliveries that are outstanding at most; default: {WINDOW_DELIVERIES}")  # fmt: skip
    parser.add_argument("--crowd", type=count, default=CROWD, metavar="N", help=f"idle members; default: {CROWD}")
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    return parser


class Bench:
    """The load, where it runs, and for how long."""

    def __init__(self, cpus: Cpus, arguments: argparse.Namespace, folder: Path) -> None:
        self.load = compile_program("stream_load", folder)
        self.reference = compile_program("reference_streams", folder)
        self.cpus = cpus
        self.runs: int = arguments.runs
        self.seconds: float = arguments.seconds
        self.window: int = arguments.window
        self.crowd: int = arguments.crowd
        self.folder = folder

    def saturate(self) -> str:
        """Keep relay and Redis busy in turn; returns the table of deliveries per CPU-second."""
        compares = find(REDIS) != ""
        rows: list[tuple[str, ...]] = [
            ("rooms x members", "us a copy", "relay/CPU-s", *(("Redis/CPU-s", "ratio") * 2 if compares else ()))
        ]
        for shape in SHAPES:
            ours: list[Result] = []
            theirs: dict[bool, list[Result]] = {False: [], True: []}
            for _ in range(self.runs):
                ours.append(self._run_relay(shape))
                for one_publisher, results in theirs.items() if compares else ():
                    results.append(self._run_redis(shape, one_publisher=one_publisher))
            per_second = _median(ours, "per_cpu_second")
            compared = [cell for results in theirs.values() if results for cell in _compared(ours, results)]
            rows.append((str(shape), f"{1e6 / per_second:.2f}", f"{per_second:,.0f}", *compared))
        note = (
            "Redis first with a connection for each member, which speaks by it, then with one that speaks for all."
            if compares else "redis-server isn't installed, so nothing is compared."
        )  # fmt: skip
        return f"{lay_out(rows)}\n{note}"

    def alone(self) -> str:
        """Say something now and then; returns the table of what a copy costs the relay, and the reference in turn."""
        rows: list[tuple[str, ...]] = [
            ("rooms x members", "us a copy", "us a message", "p50", "p99", "reference, us a copy", "ratio")
        ]
        for shape, rate in ALONE.items():
            ours, least = [], []
            for _ in range(self.runs):
                ours.append(self._run_relay(shape, rate))
                least.append(self._run_reference(shape, rate))
            cost, floor = (1e6 / _median(results, "per_cpu_second") for results in (ours, least))
            ratios = [its.per_cpu_second / our.per_cpu_second for our, its in zip(ours, least, strict=True)]
            message = f"{cost * (shape.members - 1):.0f}"
            rows.append((str(shape), f"{cost:.1f}", message, *_latencies(ours), f"{floor:.1f}", spread(ratios)))
        return lay_out(rows)

    def stalled(self) -> str:
        """Let one of a hundred not read; returns what that does to the others' latency."""
        reading, stalled = [], []
        for _ in range(self.runs):
            reading.append(self._run_relay(STALLED, STALLED_RATE))
            stalled.append(self._run_relay(STALLED, STALLED_RATE, deaf=1))
        ratios = [late.p99_us / early.p99_us for early, late in zip(reading, stalled, strict=True)]
        rows = [("of 100", "p50", "p99"), ("all read", *_latencies(reading)), ("one doesn't", *_latencies(stalled))]
        return f"{lay_out(rows)}\np99 of the others: {spread(ratios)} times as long"

    def idle(self) -> str:
        """Let a crowd say nothing; returns what its members cost, plain and by TLS."""
        rows: list[tuple[str, ...]] = [("members", "KiB a member", "joins/s", "CPU")]
        for name, tls in (("plain", False), ("TLS", True)):
            rows.append((f"{self.crowd:,} {name}", *self._idle(tls=tls)))
        return lay_out(rows)

    def _idle(self, *, tls: bool) -> tuple[str, ...]:
        settings, context = self._tls() if tls else ({}, None)
        with ExitStack() as stack:
            relay = stack.enter_context(self._running_relay(settings))
            join(relay, Shape(1, 2), stack, context, prefix="warm")  # what is imported once is no member's
            kib, began = resident_kib(relay.pid), time.monotonic()
            members = join(relay, Shape(self.crowd // CROWD_ROOM_MEMBERS, CROWD_ROOM_MEMBERS), stack, context)
            took = time.monotonic() - began
            _answer_pings(members, 1.0)
            kib, cpu = resident_kib(relay.pid) - kib, cpu_seconds(relay.pid)
            _answer_pings(members, idle_seconds := IDLE_ROUNDS * self.seconds)
            cpu = (cpu_seconds(relay.pid) - cpu) / idle_seconds
        return f"{kib / len(members):.1f}", f"{len(members) / took:,.0f}", f"{cpu:.2%}"

    def _tls(self) -> tuple[Mapping[str, str], ssl.SSLContext]:
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        if not certificate.exists():
            write_self_signed(self.folder, [HOST], days=1)
        settings = {"RELAY_TLS_CERT_FILE": str(certificate), "RELAY_TLS_KEY_FILE": str(key)}
        return settings, ssl.create_default_context(cafile=certificate)

    def _running_relay(self, settings: Mapping[str, str] | None = None) -> AbstractContextManager[Target]:
        streams = {"RELAY_STREAMS": "any", "RELAY_MAX_STREAMS": f"{max(MOST_MEMBERS, self.crowd) + 2}"}
        return running_relay(self.cpus.relay, {**streams, **(settings or {})})

    def _run_relay(self, shape: Shape, rate: float = 0.0, *, deaf: int = 0) -> Result:
        with ExitStack() as stack:
            relay = stack.enter_context(self._running_relay())
            members = join(relay, shape, stack)
            for ear in members[:deaf]:
                ear.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_BUFFER_BYTES)
            return self._converse("stream", relay.pid, members[deaf:], shape.members - deaf, rate)

    def _run_reference(self, shape: Shape, rate: float) -> Result:
        with ExitStack() as stack:
            relay = stack.enter_context(running_reference((str(self.reference), str(shape.members)), self.cpus.relay))
            members = []
            for number in range(shape.rooms * shape.members):
                connection = stack.enter_context(connect(relay.tcp_port))
                members.append(Ear(f"bench-{number // shape.members}", connection, connection))
            return self._converse("stream", relay.pid, members, shape.members, rate)

    def _run_redis(self, shape: Shape, *, one_publisher: bool = False) -> Result:
        with ExitStack() as stack:
            pid, port = stack.enter_context(running(REDIS, self.cpus.relay, self.folder))
            members = join_peer(REDIS, port, *shape, stack)
            if one_publisher:
                mouth = stack.enter_context(connect(port))
                members = [ear._replace(mouth=mouth) for ear in members]
            return self._converse("redis", pid, members, shape.members)

    def _converse(
        self, kind: str, pid: int, members: Sequence[Ear], members_per_room: int, rate: float = 0.0
    ) -> Result:  # fmt: skip
        return converse(
            self.load, kind, pid, members, members_per_room,
            seconds=self.seconds, rate=rate, window=self.window, first=rate > 0,
        )  # fmt: skip


PARTS: Final[Mapping[str, Callable[[Bench], str]]] = {
    "saturated": Bench.saturate, "alone": Bench.alone, "stalled": Bench.stalled, "idle": Bench.idle,
}  # fmt: skip


def join(
    relay: Target, shape: Shape, stack: ExitStack, context: ssl.SSLContext | None = None, *, prefix: str = "bench"
) -> list[Ear]:
    """Create the rooms and fill them by streams; returns the members room after room."""

    def enter(place: tuple[int, int]) -> Ear:
        room, member = f"{prefix}-{place[0]}", place[1]
        operation = Operation.JOIN if member else Operation.CREATE
        features = frozenset((Feature.NOTICES, Feature.RECEIPTS, Feature.RESUME))
        request = Request(f"user-{member}", json_reply=True, plain=False, stream=True, features=features)
        transaction, connection = ClientTransaction(operation, room, request), connect(relay.tcp_port)
        if context:
            connection = context.wrap_socket(connection, server_hostname=HOST)
        connection.sendall(transaction.request)
        _read_completion(transaction, connection)
        connection.sendall(PING)  # who never speaks loses its place
        return Ear(room, stack.enter_context(connection), connection)

    with ThreadPoolExecutor(BATCH) as pool:
        hosts = list(pool.map(enter, [(room, 0) for room in range(shape.rooms)]))
        places = [(room, place) for room in range(shape.rooms) for place in range(1, shape.members)]
        others = list(pool.map(enter, places))
    guests = shape.members - 1
    return [ear for room, host in enumerate(hosts) for ear in (host, *others[room * guests : (room + 1) * guests])]


def _read_completion(transaction: ClientTransaction, connection: socket.socket) -> None:
    while data := connection.recv(4096):
        if completion := transaction.feed(data):
            if not completion.stream:
                raise BenchError("The relay grants no stream.")
            return
    raise BenchError("The relay ended a connection before its answer.")


def _answer_pings(members: Sequence[Ear], seconds: float) -> None:
    """Do what idle clients do for so long."""
    by_descriptor = {ear.connection.fileno(): ear.connection for ear in members}
    poll, until = select.epoll(), time.monotonic() + seconds
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    while (left := until - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left):
            connection = by_descriptor[descriptor]
            if b'"ping"' in connection.recv(65_536):
                connection.sendall(PONG)


def _compared(ours: Sequence[Result], theirs: Sequence[Result]) -> tuple[str, str]:
    ratios = [our.per_cpu_second / their.per_cpu_second for our, their in zip(ours, theirs, strict=True)]
    return f"{_median(theirs, 'per_cpu_second'):,.0f}", spread(ratios)


def _latencies(results: Sequence[Result]) -> tuple[str, ...]:
    return tuple(f"{_median(results, name) / 1000:.2f} ms" for name in ("p50_us", "p99_us"))


def _median(results: Sequence[Result], name: str) -> float:
    return statistics.median(float(getattr(result, name)) for result in results)


if __name__ == "__main__":
    main()
