"""Measure the relay's fan-out beside the least that a UDP relay can do: `make bench`; see docs/benchmarks.md."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench import measures
from bench.arguments import FAILED, INTERRUPTED, USAGE_ERROR, Parser, count, describe, fail, rate, seconds
from bench.measures import SHAPES, Shape
from bench.place import Cpus, choose_cpus, run_in_fresh_network, why_no_fresh_network
from bench.programs import MESSAGE_BYTES, MIXED_BYTES, BenchError, ToolMissingError, build
from bench.siege import besiege
from chatproto import ProtocolError

RUN_SECONDS: Final = 3.0
EXERCISE_SECONDS: Final = 60.0
SIEGE_SECONDS: Final = 9.0


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    if sys.platform != "linux":
        fail("bench", "The benchmark needs Linux, for recvmmsg and CPU affinity.", USAGE_ERROR)
    if not arguments.here:
        reason = why_no_fresh_network()
        if not reason:
            run_in_fresh_network([sys.executable, "-m", "bench", "--here", *sys.argv[1:]])
        print(f"This machine's packet filters count in the figures: {reason}.")
    cpus = choose_cpus()
    print(describe(cpus), flush=True)
    try:
        print(_measure(arguments, cpus))
    except ToolMissingError as error:
        fail("bench", str(error), USAGE_ERROR)
    except BenchError as error:
        fail("bench", str(error), FAILED)
    except (ProtocolError, OSError) as error:
        fail("bench", f"The measurement failed: {error}", FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench", description="Measure the relay's fan-out beside a reference written in C.")
    parser.add_argument(
        "--shape", action="append", type=_shape, metavar="RxM",
        help="R rooms of M members each; may be repeated; default: 20x20, 4x100, 100x5",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=rate, default=0.0, metavar="N", help="messages a second in; default: 0, as many as can be"
    )
    parser.add_argument(
        "--runs", type=count, default=3, metavar="N", help="runs of relay and reference in turn; default: 3"
    )
    parser.add_argument("--seconds", type=seconds, metavar="S", help="of each run; default: 3, with --exercise 60")
    parser.add_argument("--mixed", action="store_true", help="messages of 34 to 166 bytes, not all of 100")
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    presets = parser.add_mutually_exclusive_group()
    presets.add_argument(
        "--exercise", action="store_true",
        help="the relay alone: 500 rooms x 10 members x 2 messages/s each, then 1000 members in a room, 10 messages/s",
    )  # fmt: skip
    presets.add_argument(
        "--siege", type=count, metavar="N",
        help="joins and chat while nothing happens, then beside N connections that send a byte a second",
    )  # fmt: skip
    presets.add_argument("--joins", type=count, metavar="N", help="join N members: how fast, in how much memory")
    return parser


def _measure(arguments: argparse.Namespace, cpus: Cpus) -> str:
    os.sched_setaffinity(0, {cpus.load})
    if arguments.joins:
        return measures.join(cpus, arguments.joins)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        programs = build(Path(folder))
        if arguments.exercise:
            return measures.exercise(programs, cpus, seconds=arguments.seconds or EXERCISE_SECONDS)
        if arguments.siege:
            return besiege(programs, cpus, arguments.siege, seconds=arguments.seconds or SIEGE_SECONDS)
        return measures.compare(
            programs, cpus, arguments.shape or SHAPES,
            rate=arguments.rate, seconds=arguments.seconds or RUN_SECONDS, runs=arguments.runs,
            sizes=MIXED_BYTES if arguments.mixed else MESSAGE_BYTES,
        )  # fmt: skip


def _shape(text: str) -> Shape:
    rooms, cross, members = text.partition("x")
    if not (cross and rooms.isdecimal() and members.isdecimal() and int(rooms) > 0 and int(members) > 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: write rooms x members, such as 20x20")
    return Shape(int(rooms), int(members))


if __name__ == "__main__":
    main()
