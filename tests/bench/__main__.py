"""Measure the relay beside the least that a UDP relay can do, another build, other servers: `make bench`.

See docs/benchmarks.md.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Final

from bench import measures
from bench.arguments import Parser, count, rate, seconds, shape
from bench.contest import relay_command
from bench.entry import begin, told
from bench.latency import RATE as LATENCY_RATE
from bench.latency import RUNS as LATENCY_RUNS
from bench.latency import SHAPE as LATENCY_SHAPE
from bench.latency import Latency
from bench.measures import SHAPES
from bench.place import Cpus
from bench.profiling import profile
from bench.programs import MESSAGE_BYTES, MIXED_BYTES, build
from bench.report import ROOT, Report, write
from bench.siege import besiege

RUN_SECONDS: Final = 3.0
RUNS: Final = 3
EXERCISE_SECONDS: Final = 60.0
SIEGE_SECONDS: Final = 9.0


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parse()
    cpus = begin("bench", here=arguments.here)
    with told("bench"):
        _run(arguments, cpus)


def _parse() -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args()
    if sentence := _contradiction(arguments):
        parser.error(sentence)
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bench", description="Measure the relay's fan-out beside a reference written in C.")
    parser.add_argument(
        "--shape", action="append", type=shape, metavar="RxM",
        help="R rooms of M members each; may be repeated; default: 20x20, 4x100, 100x5",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=rate, default=0.0, metavar="N", help="messages a second in; default: 0, as many as can be"
    )
    parser.add_argument("--runs", type=count, metavar="N", help="runs of each in turn; default: 3, with --latency 5")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="of each run; default: 3, with --exercise 60")
    parser.add_argument(
        "--against", type=relay_command, default=(), metavar="DIR",
        help="compare with the relay of another checkout or folder of packages as well",
    )  # fmt: skip
    parser.add_argument("--picture", type=_picture, metavar="FILE", help="draw the result into FILE, an SVG")
    parser.add_argument("--write", action="store_true", help="write table and picture into docs/benchmarks.md")
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
    presets.add_argument("--profile", action="store_true", help="the relay alone: where its CPU time goes")
    presets.add_argument(
        "--latency", action="store_true",
        help="latency at 1000 messages/s in 20x20, beside Redis, NATS and Mosquitto where they are installed",
    )  # fmt: skip
    presets.add_argument("--joins", type=count, metavar="N", help="join N members: how fast, in how much memory")
    return parser


def _contradiction(arguments: argparse.Namespace) -> str:
    """Say what can't be asked for together; empty if all can."""
    alone = arguments.exercise or arguments.siege or arguments.joins
    if arguments.against and (alone or arguments.profile or arguments.latency):
        return "--against compares fan-out only: leave the other measurement out"
    if alone and (arguments.write or arguments.picture):
        return "only fan-out, --profile and --latency have a picture"
    if arguments.write and (settings := sorted(name for name in os.environ if name.startswith("RELAY_"))):
        return f"the documents have the default settings: unset {', '.join(settings)}, or use --picture"
    if arguments.write and (arguments.shape or arguments.rate or arguments.against):
        return "the documents have the default shapes and rates of this build: use --picture, or leave the others out"
    if arguments.mixed and arguments.latency:
        return "--latency has messages of one size: leave --mixed out"
    if arguments.write and arguments.mixed and arguments.profile:
        return "the documents have the profile of messages of one size: leave --mixed out"
    return ""


def _run(arguments: argparse.Namespace, cpus: Cpus) -> None:
    found = _measure(arguments, cpus)
    print(found)
    if isinstance(found, str):
        return
    if arguments.picture:
        arguments.picture.write_text(found.picture, encoding="utf-8")
        print(f"{arguments.picture} is drawn.")
    if arguments.write:
        print(f"{' and '.join(str(path.relative_to(ROOT)) for path in write(found))} are written.")


def _measure(arguments: argparse.Namespace, cpus: Cpus) -> str | Report:
    os.sched_setaffinity(0, {cpus.load})
    if arguments.joins:
        return measures.join(cpus, arguments.joins)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        programs = build(folder)
        if arguments.exercise:
            return measures.exercise(programs, cpus, seconds=arguments.seconds or EXERCISE_SECONDS)
        if arguments.siege:
            return besiege(programs, cpus, arguments.siege, seconds=arguments.seconds or SIEGE_SECONDS)
        length = arguments.seconds or RUN_SECONDS
        if arguments.latency:
            latency = Latency(programs, cpus, folder, arguments.rate or LATENCY_RATE, length)
            return latency.measure(arguments.shape or [LATENCY_SHAPE], arguments.runs or LATENCY_RUNS)
        shapes, sizes = arguments.shape or SHAPES, MIXED_BYTES if arguments.mixed else MESSAGE_BYTES
        how = {"rate": arguments.rate, "seconds": length, "runs": arguments.runs or RUNS, "sizes": sizes}
        if arguments.profile:
            return profile(programs, cpus, folder, shapes, **how)
        return measures.compare(programs, cpus, shapes, **how, against=arguments.against)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix != ".svg" or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} must end in .svg, in a folder that exists")
    return path


if __name__ == "__main__":
    main()
