"""Fuzz what takes outside bytes: `make fuzz`; see docs/fuzzing.md."""

import argparse
import importlib.util
import shlex
import sys
import time
import traceback
from pathlib import Path
from typing import Final, NoReturn

from bench.arguments import FAILED, INTERRUPTED, USAGE_ERROR, Parser, fail
from fuzz.campaign import Bounds, Campaign, Figures
from fuzz.corpus import NAMES, load_harness

FOLDER: Final = Path("build/fuzz")


def main() -> None:
    """Run the command line; exits with 0, 1 (an input failed) or 2 (something is missing, or was asked wrongly)."""
    arguments = _parser().parse_args()
    names = arguments.names or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        _refuse(f"There is no harness {unknown[0]}: use some of {', '.join(NAMES)}.")
    try:
        if arguments.replay:
            sys.exit(_replay(names, arguments.replay))
        if not importlib.util.find_spec("atheris"):
            _refuse("atheris is missing: it is there for Linux on x86-64 and Python up to 3.13.")
        sys.exit(_fuzz(names, arguments))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fuzz", description="Feed harnesses inputs that lead ever deeper into the code.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"harnesses, in turn; default: all of {', '.join(NAMES)}"
    )
    parser.add_argument("--seconds", type=_natural, default=20, metavar="N", help="for each harness; default: 20")
    parser.add_argument(
        "--runs", type=_natural, default=0, metavar="N", help="inputs for each harness, however long it takes"
    )
    parser.add_argument("--seed", type=_natural, default=0, metavar="N", help="repeat a run's chance; default: by time")
    parser.add_argument("--keep", action="store_true", help="add what was found to tests/fuzz/corpus, minimised")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="give one input to one harness")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where found inputs stay; default: {FOLDER}")
    return parser


def _natural(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 2147483647")
    return int(text)


def _refuse(message: str) -> NoReturn:
    fail("fuzz", message, USAGE_ERROR)


def _fuzz(names: list[str], arguments: argparse.Namespace) -> int:
    bounds = Bounds(0 if arguments.runs else arguments.seconds, arguments.runs, arguments.seed)
    all_figures = []
    for number, name in enumerate(names, start=1):
        print(f"==> {name} ({number} of {len(names)})", flush=True)
        campaign = Campaign(name, arguments.folder)
        figures = campaign.run(bounds, lambda line: print(f"    {line}", flush=True))
        all_figures.append(figures)
        if figures.failing:
            _tell_failure(figures)
        elif arguments.keep:
            print(f"    {campaign.keep()} inputs are kept in tests/fuzz/corpus/{name}.hex")
    print(_table(all_figures))
    return FAILED if any(figures.failing for figures in all_figures) else 0


def _tell_failure(figures: Figures) -> None:
    print(figures.said, file=sys.stderr)
    for path in figures.failing:
        replay = shlex.quote(f"{figures.name} --replay {path}")
        print(f"An input fails {figures.name}. Replay it with: make fuzz ARGS={replay}", file=sys.stderr)


def _table(all_figures: list[Figures]) -> str:
    total = sum(figures.inputs for figures in all_figures)
    rows = [
        f"| {figures.name} | {figures.inputs:,} | {figures.seconds:.0f} | {figures.edges} | {figures.kept} |"
        for figures in all_figures
    ]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    head = ["| harness | inputs | seconds | places reached | inputs kept |", "| --- | --: | --: | --: | --: |"]
    return "\n".join([f"{total:,} inputs on {day}:", "", *head, *rows])


def _replay(names: list[str], path: Path) -> int:
    if len(names) != 1:
        _refuse("Name the one harness that the input is for.")
    try:
        data = path.read_bytes()
    except OSError as error:
        _refuse(f"The input {path} can't be read ({error.strerror}): name a file that can.")
    try:
        load_harness(names[0]).check(data)
    except Exception:  # noqa: BLE001 - whatever it is, it is what was to be seen
        traceback.print_exc()
        return FAILED
    print(f"{names[0]} passes these {len(data)} bytes.")
    return 0


if __name__ == "__main__":
    main()
