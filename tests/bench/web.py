"""Measure chats in browsers, and UDP chats beside them: `make bench-web`; see docs/benchmarks.md."""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from bench.arguments import Parser, count, rate, seconds
from bench.entry import begin, told
from bench.joining import join_members
from bench.measures import Shape
from bench.place import Cpus, coming_first
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
from bench.tables import spread
from ports import free_ports

TEXT_BYTES: Final = 100
UDP: Final = Shape(20, 20)
LAST: Final = "the last word"
What = TypeVar("What")
PATIENCE_SECONDS: Final = 60.0


class Heard(NamedTuple):
    """What one run of browsers brought."""

    deliveries: int
    cpu_microseconds: float
    """Of the relay, for each delivery."""
    p50_ms: float
    p99_ms: float
    """From the speaker's write to the reader's read; all browsers are one process, which takes time, too."""


class Pair(NamedTuple):
    """The same UDP chats twice: with nobody else there, and beside browsers."""

    alone: Result
    beside: Result

    @property
    def p99_ratio(self) -> float:
        return self.beside.p99_us / self.alone.p99_us


class Room:
    """A room of browsers, the first of which speaks."""

    def __init__(self, members: list[ClientConnection]) -> None:
        self._members = members
        self.latencies: list[float] = []

    async def converse(self, first_after: float, pause: float, over: asyncio.Event) -> None:
        """Say something after each pause, in seconds, until it is over; returns when all have heard all of it."""
        speaker, *readers = self._members
        hearing = [asyncio.ensure_future(self._hear(reader)) for reader in readers]
        answered = asyncio.ensure_future(_read_answers(speaker))
        clock = asyncio.get_running_loop().time
        due, number = clock() + first_after, 0
        while not over.is_set():
            await asyncio.sleep(due - clock())
            due, number = due + pause, number + 1
            await speaker.send(_said(f"{time.perf_counter():.9f}".ljust(TEXT_BYTES), number))
        await speaker.send(_said(LAST, number + 1))
        await asyncio.gather(*hearing)
        answered.cancel()

    async def _hear(self, reader: ClientConnection) -> None:
        while (text := json.loads(await reader.recv()).get("text")) != LAST:
            if text:
                self.latencies.append(time.perf_counter() - float(text))


class Bench:
    """The loads, where they run, and for how long."""

    def __init__(self, programs: Programs, cpus: Cpus, arguments: argparse.Namespace) -> None:
        self._programs = programs
        self._cpus = cpus
        self._shape = Shape(arguments.rooms, arguments.members)
        self._pause = 1 / arguments.rate
        self._udp_rate: float = arguments.udp_rate
        self._seconds: float = arguments.seconds

    async def browsers(self) -> Heard:
        """Let browsers converse."""
        async with self._running_relay() as (relay, web_port), asyncio.timeout(PATIENCE_SECONDS + self._seconds):
            with coming_first(relay.pid):
                heard, _ = await self._converse(relay, web_port, lambda: asyncio.sleep(self._seconds))
            return heard

    async def pair(self, *, alone_first: bool) -> Pair:
        """Let people converse over UDP, alone and beside browsers."""
        results = {beside: await self._udp(beside=beside) for beside in (not alone_first, alone_first)}
        return Pair(results[False], results[True])

    async def _udp(self, *, beside: bool) -> Result:
        async with self._running_relay() as (relay, web_port):

            def chat() -> Awaitable[Result]:
                return asyncio.to_thread(self._load, relay)

            if not beside:
                return await chat()
            _, result = await self._converse(relay, web_port, chat)
            return result

    def _load(self, relay: Target) -> Result:
        members = join_members(relay.tcp_port, *UDP)
        with coming_first(relay.pid):
            return run_load(self._programs, relay, members, UDP.members, rate=self._udp_rate, seconds=self._seconds)

    async def _converse(
        self, relay: Target, web_port: int, meanwhile: Callable[[], Awaitable[What]]
    ) -> tuple[Heard, What]:
        """Let browsers converse as long as something else goes on."""
        rooms, over = self._shape.rooms, asyncio.Event()
        async with AsyncExitStack() as ends:
            crowds = [Room(await self._enter(web_port, ends, f"room {room}")) for room in range(rooms)]
            before = cpu_seconds(relay.pid)
            # No two rooms speak at once.
            talks = [crowd.converse(self._pause * at / rooms, self._pause, over) for at, crowd in enumerate(crowds)]
            talking = asyncio.gather(*talks)
            result = await meanwhile()
            over.set()
            await talking
            used = cpu_seconds(relay.pid) - before
        return _heard([seconds for crowd in crowds for seconds in crowd.latencies], used), result

    async def _enter(self, port: int, ends: AsyncExitStack, room: str) -> list[ClientConnection]:
        """Let a room's browsers join, the first of which creates it."""
        members = []
        for place in range(self._shape.members):
            page = await ends.enter_async_context(
                connect(
                    f"ws://127.0.0.1:{port}/chat", origin=Origin(f"http://127.0.0.1:{port}"), compression=None,
                    proxy=None,
                )
            )  # fmt: skip
            await page.send(json.dumps({"join": {"room": room, "name": f"m{place}", "create": not place}}))
            answer = json.loads(await page.recv())
            if answer["status"]:
                raise BenchError(f"The relay refuses a browser: {answer['message']}")
            await page.send('{"ping":1}')  # who never speaks loses its place
            members.append(page)
        return members

    @asynccontextmanager
    async def _running_relay(self) -> AsyncIterator[tuple[Target, int]]:
        (web_port,) = free_ports(1)
        with running_relay(self._cpus.relay, web_port=web_port) as relay:
            yield relay, web_port


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    cpus = begin("bench.web", here=arguments.here)
    os.sched_setaffinity(0, {cpus.load})
    with told("bench.web"), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asyncio.run(_measure(Bench(build(Path(folder)), cpus, arguments), arguments.runs))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench.web", description="Measure what chats in browsers cost the relay, and others in it.")
    parser.add_argument("--rooms", type=count, default=20, metavar="N", help="of browsers; default: 20")
    parser.add_argument("--members", type=count, default=10, metavar="N", help="browsers in each room; default: 10")
    parser.add_argument("--rate", type=seconds, default=10.0, metavar="N",
                        help="messages a second in each room of browsers; default: 10")  # fmt: skip
    parser.add_argument("--udp-rate", type=rate, default=500.0, metavar="N",
                        help=f"messages a second over UDP, in {UDP} rooms x members; default: 500")  # fmt: skip
    parser.add_argument("--runs", type=count, default=5, metavar="N", help="runs of each in turn; default: 5")
    parser.add_argument("--seconds", type=seconds, default=5.0, metavar="S", help="of each run; default: 5")
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    return parser


async def _measure(bench: Bench, runs: int) -> None:
    heard, pairs = [], []
    for run in range(runs):
        heard.append(await bench.browsers())
        pairs.append(await bench.pair(alone_first=run % 2 == 0))
    print(_browsers_line(heard))
    print(_udp_line(pairs))


def _browsers_line(runs: list[Heard]) -> str:
    return (
        f"{sum(run.deliveries for run in runs)} deliveries to browsers: "
        f"{spread([run.cpu_microseconds for run in runs], '.1f')} us of CPU each, "
        f"latency p50 {spread([run.p50_ms for run in runs], '.1f')} ms, "
        f"p99 {spread([run.p99_ms for run in runs], '.1f')} ms"
    )


def _udp_line(pairs: list[Pair]) -> str:
    def milliseconds(results: Iterable[Result]) -> str:
        return spread([result.p99_us / 1000 for result in results])

    return (
        f"over UDP, {sum(pair.beside.lost + pair.alone.lost for pair in pairs)} lost: "
        f"p99 {milliseconds(pair.alone for pair in pairs)} ms alone, "
        f"{milliseconds(pair.beside for pair in pairs)} ms beside the browsers, "
        f"{spread([pair.p99_ratio for pair in pairs])} times as long"
    )


def _heard(latencies: list[float], cpu: float) -> Heard:
    percentiles = statistics.quantiles([seconds * 1000 for seconds in latencies], n=100)
    return Heard(len(latencies), cpu * 1e6 / len(latencies), percentiles[49], percentiles[98])


async def _read_answers(speaker: ClientConnection) -> None:
    """Read what the relay answers, as a page does."""
    async for _ in speaker:
        pass


def _said(text: str, number: int) -> str:
    return json.dumps({"say": text, "n": number})


if __name__ == "__main__":
    main()
