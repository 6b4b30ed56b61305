"""All members of a node that was killed ask another one for their seats at the same moment (risk R10)."""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from clusters import NodeProcess, cluster
from conformance import wire
from conftest import Figures
from talkers import percentiles

MEMBERS: Final = 20
"""Of each room."""
FEATURES: Final = ("follow", "resume", "notices")
AT_ONCE: Final = 100
PATIENCE_SECONDS: Final = 60.0
"""Longer than any answer takes; how long the longest took is among the figures."""


@dataclass
class Seat:
    """What somebody has who is in a room."""

    room: bytes
    name: str
    host: bool
    ticket: str


@dataclass
class Return:
    """How somebody got its seat again."""

    seconds: float
    tries: int
    longest: float
    """So many seconds its longest request took."""


@pytest.mark.repeated(1)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("loop", ["uvloop"])
def test_everybody_gets_a_seat_again_and_each_request_an_answer(
    tmp_path: Path, loop: str, chance: random.Random, figures: Figures, crowd: int
) -> None:
    with cluster(tmp_path, "ann", "ben", RELAY_EVENT_LOOP=loop, RELAY_LOG_LEVEL="warning") as nodes:
        killed, other = nodes.nodes.values()
        seats = asyncio.run(settle(killed, crowd))
        killed.kill()
        since = time.monotonic()
        back = asyncio.run(storm(other, seats, chance, since))
        assert other.count("relay_members") == crowd
        assert other.count("relay_rooms") == crowd // MEMBERS
        figures(f"in again {percentiles(sorted(one.seconds for one in back))}, "
                f"{sum(one.tries for one in back) / crowd:.1f} requests each, "
                f"the longest answer took {max(one.longest for one in back):.2f} s")  # fmt: skip


async def settle(node: NodeProcess, crowd: int) -> list[Seat]:
    """Let so many create rooms and join them."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def come(operation: int, room: bytes, name: str) -> Seat:
        async with turn:
            told = await ask(node, operation, room, name)
        return Seat(room, name, told["host"], told["resume"])

    rooms = [b"room-%d" % number for number in range(crowd // MEMBERS)]
    hosts = await asyncio.gather(*(come(wire.CREATE, room, "member-0") for room in rooms))
    guests = (come(wire.JOIN, room, f"member-{number}") for room in rooms for number in range(1, MEMBERS))
    return [*hosts, *await asyncio.gather(*guests)]


async def storm(node: NodeProcess, seats: list[Seat], chance: random.Random, since: float) -> list[Return]:
    """Let all ask for their seats until they have them."""

    async def resume(seat: Seat) -> Return:
        tries, longest = 0, 0.0
        while True:
            begun = time.monotonic()
            told = await ask(node, wire.JOIN, seat.room, seat.name, resume=seat.ticket)
            tries, longest = tries + 1, max(longest, time.monotonic() - begun)
            if told["status"] != wire.BUSY:
                break
            await asyncio.sleep(chance.uniform(0.25, 0.5))
        assert (told["status"], told["host"]) == (wire.OK, seat.host), told
        return Return(time.monotonic() - since, tries, longest)

    return await asyncio.gather(*map(resume, seats))


async def ask(node: NodeProcess, operation: int, room: bytes, name: str, **more: str) -> dict[str, Any]:
    """Ask a node; returns what it tells, at the latest with the completion."""
    asked = {"username": name, "reply": "json", "features": FEATURES, **more}
    reader, writer = await asyncio.open_connection(node.relay.host, node.relay.tcp_port)
    writer.write(wire.frame(operation, wire.REQUEST, room, json.dumps(asked).encode()))
    async with asyncio.timeout(PATIENCE_SECONDS):
        data = await reader.read()
    writer.close()
    told: dict[str, Any] = {}
    while data:
        size = int.from_bytes(data[3:32], "big")
        start = 32 + data[0]
        payload, data = data[start : start + size], data[start + size :]
        told |= json.loads(payload) if payload.startswith(b"{") else {"status": payload[0]}  # it isn't even read
    return told
