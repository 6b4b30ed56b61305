"""What is measured: fan-out beside the references and another build, fixed loads, and mass joins."""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from bench.contest import Comparison, compete
from bench.joining import Membership, join_members
from bench.pictures import Bar, draw
from bench.place import Cpus
from bench.programs import (
    MESSAGE_BYTES,
    OUR_RELAY,
    BenchError,
    Programs,
    Result,
    cpu_seconds,
    resident_kib,
    run_load,
    running_reference,
    running_relay,
)
from bench.report import Report
from bench.tables import comparison_rows, load_table

TOKEN_CHARACTERS: Final = 22
"""The reference's tokens are as long as the relay's, so that the datagrams are."""
JOIN_ROOM_MEMBERS: Final = 10
OURS: Final = "relay"
OTHER: Final = "other build"
REFERENCE: Final = "reference"
GSO_REFERENCE: Final = "reference, GSO"
LEGEND: Final = (OURS, "others; bars show medians, lines the lowest and the highest")


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
    *, rate: float, seconds: float, runs: int, sizes: range, against: Sequence[str] = (),
) -> Report:  # fmt: skip
    """Run the relay, the references and the build that ``against`` starts, if any, in turn; returns what came of it."""
    comparisons = []
    for shape in shapes:
        run: dict[str, Callable[[], Result]] = {
            OURS: partial(_run_relay, programs, cpus, shape, rate, seconds, sizes),
            **({OTHER: partial(_run_relay, programs, cpus, shape, rate, seconds, sizes, against)} if against else {}),
            REFERENCE: partial(_run_reference, programs, cpus, shape, rate, seconds, sizes),
            GSO_REFERENCE: partial(_run_reference, programs, cpus, shape, rate, seconds, sizes, gso=True),
        }
        comparisons.append(compete(str(shape), run, runs))
    return Report(
        name="fanout" if sizes == MESSAGE_BYTES else "fanout-mixed",
        method=f"medians of {runs} rounds of {seconds:g} s with messages of {_range(sizes)} bytes, the lowest and the "
        "highest; the ratio is the relay's deliveries per CPU-second for one of the other's, round by round",
        rows=comparison_rows(comparisons),
        picture=_draw(comparisons),
        details=_details(comparisons),
    )


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


def _range(sizes: range) -> str:
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _draw(comparisons: Sequence[Comparison]) -> str:
    groups = []
    for comparison in comparisons:
        bars = []
        for who, results in comparison.results.items():
            figures = [result.per_cpu_second / 1000 for result in results]
            middle = statistics.median(figures)
            parts = [middle] if who == OURS else [0.0, middle]  # the others are of the second colour
            bars.append(Bar(who, parts, f"{middle:,.0f}", (min(figures), max(figures))))
        groups.append((comparison.name, bars))
    return draw("Thousands of deliveries per CPU-second", LEGEND, groups)


def _details(comparisons: Sequence[Comparison]) -> list[str]:
    return [
        f"{comparison.name}, {OURS} / {who}, round by round: {' '.join(f'{each:.2f}' for each in ratios)}"
        for comparison in comparisons
        for who in list(comparison.results)[1:]
        if (ratios := comparison.ratios(who))
    ]


def _run_relay(
    programs: Programs, cpus: Cpus, shape: Shape, rate: float, seconds: float, sizes: range = MESSAGE_BYTES,
    command: Sequence[str] = OUR_RELAY,
) -> Result:  # fmt: skip
    with running_relay(cpus.relay, command=command) as relay:
        members = join_members(relay.tcp_port, *shape)
        return run_load(programs, relay, members, shape.members, rate=rate, seconds=seconds, sizes=sizes)


def _run_reference(
    programs: Programs, cpus: Cpus, shape: Shape, rate: float, seconds: float, sizes: range, *, gso: bool = False
) -> Result:  # fmt: skip
    members = [
        Membership(f"bench-{room}", f"{room * shape.members + member:0{TOKEN_CHARACTERS}}")
        for room in range(shape.rooms)
        for member in range(shape.members)
    ]
    with running_reference(programs.reference_command(gso=gso), cpus.relay) as reference:
        return run_load(programs, reference, members, shape.members, rate=rate, seconds=seconds, sizes=sizes)
