"""What browsers cost a relay: CPU time for each delivery, and latency: ``python -m bench.web``."""

import asyncio
import json
import os
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from bench.arguments import Parser, count
from bench.place import choose_cpus
from bench.programs import running_relay
from ports import free_ports

TEXT_BYTES: Final = 100
PAUSE_SECONDS: Final = 0.2
"""Between two messages of a room: each is a turn of its own for the relay."""
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    deliveries: int
    cpu_microseconds: float
    """Of the relay, for each delivery."""
    p50_ms: float
    p99_ms: float
    """From the speaker's write to the reader's read; all browsers are one process, which takes time, too."""

    def __str__(self) -> str:
        return (
            f"{self.deliveries} deliveries to browsers: {self.cpu_microseconds:.1f} us of CPU each, "
            f"latency p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"
        )


class Room:
    """A room of browsers, the first of which speaks."""

    def __init__(self, members: list[ClientConnection]) -> None:
        self._members = members
        self.latencies: list[float] = []

    async def converse(self, messages: int) -> None:
        """Say so many messages, each of which all others hear."""
        speaker, *readers = self._members
        hearing = [asyncio.ensure_future(self._hear(reader, messages)) for reader in readers]
        for number in range(1, messages + 1):
            text = f"{time.perf_counter():.9f}".ljust(TEXT_BYTES)
            await speaker.send(json.dumps({"say": text, "n": number}))
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.gather(*hearing)

    async def _hear(self, reader: ClientConnection, messages: int) -> None:
        heard = 0
        while heard < messages:
            found = json.loads(await reader.recv())
            if "text" in found:
                heard += 1
                self.latencies.append(time.perf_counter() - float(found["text"]))


async def _measure(pid: int, port: int, rooms: int, members: int, messages: int) -> Result:
    origin, process = Origin(f"http://127.0.0.1:{port}"), psutil.Process(pid)
    async with AsyncExitStack() as ends, asyncio.timeout(PATIENCE_SECONDS + messages * PAUSE_SECONDS):
        crowds = []
        for room in range(rooms):
            crowd = []
            for member in range(members):
                socket = await ends.enter_async_context(
                    connect(f"ws://127.0.0.1:{port}/chat", origin=origin, compression=None, proxy=None)
                )
                join = {"room": f"room {room}", "name": f"m{member}", "create": not member}
                await socket.send(json.dumps({"join": join}))
                assert json.loads(await socket.recv())["status"] == 0
                await socket.send('{"ping":1}')
                crowd.append(socket)
            crowds.append(Room(crowd))
        before = _cpu_seconds(process)
        await asyncio.gather(*[crowd.converse(messages) for crowd in crowds])
        used = _cpu_seconds(process) - before
    latencies = sorted(seconds * 1000 for crowd in crowds for seconds in crowd.latencies)
    percentiles = statistics.quantiles(latencies, n=100)
    return Result(len(latencies), used * 1e6 / len(latencies), percentiles[49], percentiles[98])


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(rooms: int, members: int, messages: int) -> Result:
    """Let browsers converse, through a relay of their own."""
    (web_port,) = free_ports(1)
    cpus = choose_cpus()
    os.sched_setaffinity(0, {cpus.load})
    with running_relay(cpus.relay, {"RELAY_LOG_LEVEL": "warning"}, web_port=web_port) as target:
        return asyncio.run(_measure(target.pid, web_port, rooms, members, messages))


def main() -> None:
    """Measure as the command line says."""
    parser = Parser(prog="bench.web", description=__doc__)
    parser.add_argument("--rooms", type=count, default=20)
    parser.add_argument("--members", type=count, default=10, help="browsers in each room")
    parser.add_argument("--messages", type=count, default=50, help="of each room's speaker, five a second")
    arguments = parser.parse_args()
    print(measure(arguments.rooms, arguments.members, arguments.messages))


if __name__ == "__main__":
    main()
