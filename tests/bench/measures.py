"""What is measured: fan-out beside the reference, fixed loads, and mass joins."""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.joining import Membership, join_members
from bench.place import Cpus
from bench.programs import (
    MESSAGE_BYTES,
    BenchError,
    Programs,
    Result,
    cpu_seconds,
    resident_kib,
    run_load,
    running_reference,
    running_relay,
)
from bench.tables import Comparison, comparison_table, load_table

TOKEN_CHARACTERS: Final = 22
"""The reference's tokens are as long as the relay's, so that the datagrams are."""
JOIN_ROOM_MEMBERS: Final = 10


class Shape(NamedTuple):
    """So many rooms with so many members each."""

    rooms: int
    members: int

    def __str__(self) -> str:
        return f"{self.rooms} x {self.members}"


SHAPES: Final = (Shape(20, 20), Shape(4, 100), Shape(100, 5))
EXERCISE: Final = ((Shape(500, 10), 10_000.0), (Shape(1, 1000), 10.0))
"""The shapes and rates (messages a second in) that the relay is made for."""


def compare(
    programs: Programs, cpus: Cpus, shapes: Sequence[Shape],
    *, rate: float, seconds: float, runs: int, sizes: range,
) -> str:  # fmt: skip
    """Run relay and reference in turn; returns the table."""
    comparisons = []
    for shape in shapes:
        comparison = Comparison(str(shape), [], [])
        for _ in range(runs):
            comparison.relay.append(_run_relay(programs, cpus, shape, rate, seconds, sizes))
            comparison.reference.append(_run_reference(programs, cpus, shape, rate, seconds, sizes))
        comparisons.append(comparison)
    return comparison_table(comparisons)


def exercise(programs: Programs, cpus: Cpus, *, seconds: float) -> str:
    """Run the relay alone at the rates it is made for; returns the table."""
    return load_table((str(shape), _run_relay(programs, cpus, shape, rate, seconds)) for shape, rate in EXERCISE)


def join(cpus: Cpus, count: int) -> str:
    """Join so many members, in rooms of ten; returns what it took, in sentences.

    Raises:
        BenchError: the number doesn't fill rooms of ten.

    """
    if count % JOIN_ROOM_MEMBERS:
        raise BenchError(f"{count} members don't fill rooms of {JOIN_ROOM_MEMBERS}: use a multiple of it.")
    with running_relay(cpus.relay) as relay:
        join_members(relay.tcp_port, 1, 1)  # what the relay imports and builds once is no member's
        kib, cpu, started_at = resident_kib(relay.pid), cpu_seconds(relay.pid), time.monotonic()
        join_members(relay.tcp_port, count // JOIN_ROOM_MEMBERS, JOIN_ROOM_MEMBERS, prefix="crowd")
        seconds, cpu = time.monotonic() - started_at, cpu_seconds(relay.pid) - cpu
        kib = resident_kib(relay.pid) - kib
    return (
        f"{count:,} members joined in {seconds:.2f} s: {count / seconds:,.0f} a second, "
        f"{count / cpu:,.0f} per CPU-second of the relay.\n"
        f"The relay's memory grew by {kib:,} KiB: {kib / count:.2f} KiB a member."
    )


def _run_relay(
    programs: Programs, cpus: Cpus, shape: Shape, rate: float, seconds: float, sizes: range = MESSAGE_BYTES
) -> Result:  # fmt: skip
    with running_relay(cpus.relay) as relay:
        members = join_members(relay.tcp_port, *shape)
        return run_load(programs, relay, members, shape.members, rate=rate, seconds=seconds, sizes=sizes)


def _run_reference(
    programs: Programs, cpus: Cpus, shape: Shape, rate: float, seconds: float, sizes: range
) -> Result:  # fmt: skip
    members = [
        Membership(f"bench-{room}", f"{room * shape.members + member:0{TOKEN_CHARACTERS}}")
        for room in range(shape.rooms)
        for member in range(shape.members)
    ]
    with running_reference(programs, cpus.relay) as reference:
        return run_load(programs, reference, members, shape.members, rate=rate, seconds=seconds, sizes=sizes)
