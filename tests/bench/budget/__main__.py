"""Measure what each thing that somebody may send costs the relay and others: `make budget`; see docs/benchmarks.md."""

import argparse
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.arguments import USAGE_ERROR, Parser, fail, seconds
from bench.budget.kinds import KINDS, chosen
from bench.budget.measuring import Cost, Kind, measure
from bench.budget.table import BEARABLE, DOCUMENT, cost_line, head_line, is_over, with_budget
from bench.entry import begin, told
from bench.place import Cpus

SECONDS: Final = 10.0  # in 3 s the p99 of what honest pairs say is of two or three messages, and chance


def main() -> None:
    """Run the command line; exits with 0 whatever the figures are, 1 (it failed) or 2 (asked wrongly, or not here)."""
    arguments = _parser().parse_args()
    kinds = chosen(arguments.only)
    if not kinds:
        fail("budget", f"No kind has {' or '.join(map(repr, arguments.only))} in its name.", USAGE_ERROR)
    cpus = begin("bench.budget", here=arguments.here)
    _allow_descriptors()
    with told("bench.budget"):
        costs = _measure(kinds, cpus, arguments.seconds)
    _sum_up(costs)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="budget", description="Measure what each thing that somebody may send costs the relay, and others feel."
    )
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], metavar="WORD,WORD",
        help="only kinds with one of these words in them; the document isn't written then",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=seconds, default=SECONDS, metavar="S",
        help=f"for each kind, quiet included; default: {SECONDS:g}",
    )  # fmt: skip
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    return parser


def _measure(kinds: list[Kind], cpus: Cpus, length: float) -> list[Cost]:
    """Measure one after the other, and show each when it is done.

    Those that are over are measured twice more when all others are done, for some are so because of what else the
    machine did just then; the one in the middle counts.
    """
    print(head_line(kinds), flush=True)
    with tempfile.TemporaryDirectory(prefix="budget-") as folder:

        def measure_and_show(kind: Kind) -> Cost:
            cost = measure(kind, cpus, Path(folder), seconds=length)
            print(cost_line(cost, kinds, colours=sys.stdout.isatty()), flush=True)
            return cost

        costs = [[measure_and_show(kind)] for kind in kinds]
        over = [measured for measured in costs if is_over(measured[0])]
        if over:
            print("Those over once more, and again:", flush=True)
        for measured in over * 2:
            measured.append(measure_and_show(measured[0].kind))
    return [sorted(measured, key=lambda cost: (cost.lost, cost.p99_ratio))[len(measured) // 2] for measured in costs]


def _sum_up(costs: list[Cost]) -> None:
    over = sum(map(is_over, costs))
    quiet = statistics.median(cost.quiet_p99_us for cost in costs)
    print(f"{over} of {len(costs)} kinds cost honest pairs more than {BEARABLE:g} times their quiet p99, or messages.")
    print(f"That was {quiet:,.0f} us in the median. A rate with * is what was sent: no limit of the relay sets it.")
    if len(costs) == len(KINDS):
        DOCUMENT.write_text(with_budget(DOCUMENT.read_text(encoding="utf-8"), costs), encoding="utf-8")
        print(f"{DOCUMENT.name} has the table.")


def _allow_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
