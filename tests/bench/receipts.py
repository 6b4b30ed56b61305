"""Measure what receipts cost: `make bench-receipts`; see docs/benchmarks.md.

Two ports of one process take turns, which differ in one thing only: whether members number what they say. So both meet
the same moods of a machine, and a thousand turns of each tell more than a few seconds of one after the other.
"""

import asyncio
import os
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count as count_from
from typing import Final

from bench.arguments import Parser, count, shape
from bench.decisions import POLICY
from bench.entry import begin, told
from bench.measures import Shape
from bench.place import Cpus
from bench.programs import BenchError
from bench.tables import lay_out, spread
from chatproto import encode_datagram
from chatproto.receipts import encode_numbered
from relay_server.core.address import parse_ip
from relay_server.core.judge import Judge
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import locate
from relay_server.net.sockets import bind_udp
from relay_server.net.udp import UdpPort

TURNS: Final = 1000
PARTS: Final = 20
"""The lowest and the highest ratio are those of so many parts of the run."""
SAID: Final = 5
"""Messages of each room in a turn: 20 x 20 kept busy by `make bench` has as many."""
TEXT: Final = b"x" * 100
LOOPBACK: Final = "127.0.0.1"
BUFFER_BYTES: Final = 2**24
AT_ONCE: Final = 50
"""So many join in one turn: what each of them causes has to fit into their buffers."""


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (it was asked wrongly)."""
    parser = Parser(prog="bench.receipts", description="Measure what receipts cost, turn by turn of two ports.")
    parser.add_argument("--shape", type=shape, default=Shape(20, 20), metavar="RxM", help="default: 20x20")
    parser.add_argument("--turns", type=count, default=TURNS, metavar="N", help=f"of each port; default: {TURNS}")
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    arguments = parser.parse_args()
    cpus = begin("bench.receipts", here=arguments.here)
    with told("bench.receipts"):
        print(asyncio.run(measure(arguments.shape, arguments.turns, cpus)))


async def measure(full: Shape, turns: int, cpus: Cpus) -> str:
    """Let both ports have their turns; returns the table."""
    os.sched_setaffinity(0, {cpus.relay})
    with ExitStack() as stack:
        mouths = [stack.enter_context(_mouth()) for _ in range(full.rooms * full.members)]
        plain, numbered = Town(mouths, full, numbered=False), Town(mouths, full, numbered=True)
        stack.callback(plain.port.close)
        stack.callback(numbered.port.close)
        times = [(plain.turn(), numbered.turn()) for _ in range(turns)]
    step = max(1, turns // PARTS)
    ratios = [_median(part, 0) / _median(part, 1) for part in (times[i : i + step] for i in range(0, turns, step))]
    said = full.rooms * SAID
    rows = [("", "us a message", "deliveries/CPU-s", "ratio (min, max)")]
    for place, who in enumerate(("without receipts", "with receipts")):
        seconds = _median(times, place) / said
        ratio = spread(ratios) if place else ""
        rows.append((who, f"{seconds * 1e6:.1f}", f"{(full.members - 1) / seconds:,.0f}", ratio))
    return f"{full}, {SAID} messages of each room in a turn, {turns:,} turns each:\n{lay_out(rows)}"


class Town:
    """A port with full rooms, whose members speak and hear by sockets that they share with another town's."""

    def __init__(self, mouths: Sequence[socket.socket], full: Shape, *, numbered: bool) -> None:
        nonces = count_from()
        self._registry = Registry(POLICY, lambda _: None, lambda: f"{next(nonces):016x}", locate)
        relay = Relay(self._registry, POLICY, Judge(self._registry, POLICY))
        sock = bind_udp("::", 0, BUFFER_BYTES)
        self._where = (LOOPBACK, sock.getsockname()[1])
        self.port = UdpPort(
            sock, relay.handle_datagram, self._registry, time.monotonic, pinned=True, receipts=relay.receipts
        )
        self._mouths = mouths
        self._shape = full
        self._numbered = numbered
        self._spoken = 0
        self._numbers = count_from(1)
        self._headers = [self._enter(number) for number in range(len(mouths))]
        self._arrive()

    def turn(self) -> float:
        """Let some in each room speak; returns the CPU seconds that the port took for it.

        Raises:
            BenchError: somebody didn't hear all.

        """
        rooms, members = self._shape
        for place in range(self._spoken, self._spoken + SAID):
            for room in range(rooms):
                number = room * members + place % members
                text = encode_numbered(next(self._numbers), TEXT) if self._numbered else TEXT
                self._mouths[number].sendto(self._headers[number] + text, self._where)
        self._spoken += SAID
        began = time.thread_time()
        self.port._turn()
        took = time.thread_time() - began
        heard, due = _hear_all(self._mouths), rooms * SAID * (members - 1 + self._numbered)
        if heard != due:
            raise BenchError(f"{heard} datagrams were heard instead of {due}.")
        return took

    def _enter(self, number: int) -> bytes:
        name, token = b"room-%d" % (number // self._shape.members), b"%022d" % number
        enter = self._registry.join_room if number % self._shape.members else self._registry.create_room
        member = enter(name, f"m{number % self._shape.members:02}", token, parse_ip(LOOPBACK), time.monotonic())
        if self._numbered:
            member.session.said = SaidNumbers()
        return encode_datagram(name, token)

    def _arrive(self) -> None:
        """Let the port learn where everybody is."""
        self.port.start()
        for first in range(0, len(self._mouths), AT_ONCE):
            for mouth, header in list(zip(self._mouths, self._headers, strict=True))[first : first + AT_ONCE]:
                mouth.sendto(header, self._where)
            self.port._turn()
            _hear_all(self._mouths)
        self.port.finish()
        _hear_all(self._mouths)


def _mouth() -> socket.socket:
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mouth.bind((LOOPBACK, 0))
    mouth.setblocking(False)
    return mouth


def _hear_all(mouths: Sequence[socket.socket]) -> int:
    """Take all that has come out of the sockets; returns how many datagrams it was."""
    heard = 0
    for mouth in mouths:
        try:
            while mouth.recv(4096):
                heard += 1
        except BlockingIOError:
            continue
    return heard


def _median(times: Sequence[tuple[float, float]], place: int) -> float:
    return statistics.median(each[place] for each in times)


if __name__ == "__main__":
    main()
