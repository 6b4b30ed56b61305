"""Measure the relay's fan-out beside the least that a UDP relay can do: `make bench`; see docs/benchmarks.md."""

import argparse
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Final, NoReturn

from bench import measures
from bench.measures import SHAPES, Shape
from bench.place import Cpus, choose_cpus, run_in_fresh_network, why_no_fresh_network
from bench.programs import MESSAGE_BYTES, MIXED_BYTES, BenchError, ToolMissingError, build
from bench.siege import besiege
from chatproto import ProtocolError

FAILED: Final = 1
USAGE_ERROR: Final = 2
INTERRUPTED: Final = 130
RUN_SECONDS: Final = 3.0
EXERCISE_SECONDS: Final = 60.0
SIEGE_SECONDS: Final = 9.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _fail(f"{message} (`--help` shows what can be said).", USAGE_ERROR)


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    if sys.platform != "linux":
        _fail("The benchmark needs Linux, for recvmmsg and CPU affinity.", USAGE_ERROR)
    if not arguments.here:
        reason = why_no_fresh_network()
        if not reason:
            run_in_fresh_network([sys.executable, "-m", "bench", "--here", *sys.argv[1:]])
        print(f"This machine's packet filters count in the figures: {reason}.")
    cpus = choose_cpus()
    print(_describe(cpus), flush=True)
    try:
        print(_measure(arguments, cpus))
    except ToolMissingError as error:
        _fail(str(error), USAGE_ERROR)
    except BenchError as error:
        _fail(str(error), FAILED)
    except (ProtocolError, OSError) as error:
        _fail(f"The measurement failed: {error}", FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bench", description="Measure the relay's fan-out beside a reference written in C.")
    parser.add_argument(
        "--shape", action="append", type=_shape, metavar="RxM",
        help="R rooms of M members each; may be repeated; default: 20x20, 4x100, 100x5",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_rate, default=0.0, metavar="N", help="messages a second in; default: 0, as many as can be"
    )
    parser.add_argument(
        "--runs", type=_count, default=3, metavar="N", help="runs of relay and reference in turn; default: 3"
    )
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="of each run; default: 3, with --exercise 60")
    parser.add_argument("--mixed", action="store_true", help="messages of 34 to 166 bytes, not all of 100")
    parser.add_argument("--here", action="store_true", help="stay in this network namespace, as root too")
    presets = parser.add_mutually_exclusive_group()
    presets.add_argument(
        "--exercise", action="store_true",
        help="the relay alone: 500 rooms x 10 members x 2 messages/s each, then 1000 members in a room, 10 messages/s",
    )  # fmt: skip
    presets.add_argument(
        "--siege", type=_count, metavar="N",
        help="joins and chat while nothing happens, then beside N connections that send a byte a second",
    )  # fmt: skip
    presets.add_argument("--joins", type=_count, metavar="N", help="join N members: how fast, in how much memory")
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


def _describe(cpus: Cpus) -> str:
    if cpus.relay == cpus.load:
        return f"Relay and load share CPU {cpus.relay}, the only one: compare nothing but the ratios."
    return f"The relay runs on CPU {cpus.relay}, the load on CPU {cpus.load}."


def _shape(text: str) -> Shape:
    rooms, cross, members = text.partition("x")
    if not (cross and rooms.isdecimal() and members.isdecimal() and int(rooms) > 0 and int(members) > 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: write rooms x members, such as 20x20")
    return Shape(int(rooms), int(members))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return value


def _seconds(text: str) -> float:
    value = _rate(text)
    if value == 0:
        raise argparse.ArgumentTypeError("a run can't be 0 seconds long")
    return value


def _fail(sentence: str, code: int) -> NoReturn:
    print(f"bench: {sentence}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
