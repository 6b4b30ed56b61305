"""What the benchmarks' command lines have in common."""

import argparse
import math
import sys
from typing import Final, NoReturn

from bench.measures import Shape
from bench.place import Cpus

FAILED: Final = 1
USAGE_ERROR: Final = 2
INTERRUPTED: Final = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit with it."""
        fail(self.prog, f"{message} (`--help` shows what can be said).", USAGE_ERROR)


def describe(cpus: Cpus) -> str:
    """Say where relay and load run."""
    if cpus.relay == cpus.load:
        return f"Relay and load share CPU {cpus.relay}, the only one: compare nothing but the ratios."
    return f"The relay runs on CPU {cpus.relay}, the load on CPU {cpus.load}."


def count(text: str) -> int:
    """Read a number from 1 up."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def shape(text: str) -> Shape:
    """Read how many rooms of how many members there are."""
    rooms, cross, members = text.partition("x")
    if not (cross and rooms.isdecimal() and members.isdecimal() and int(rooms) > 0 and int(members) > 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: write rooms x members, such as 20x20")
    return Shape(int(rooms), int(members))


def rate(text: str) -> float:
    """Read a number from 0 up."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return value


def seconds(text: str) -> float:
    """Read how long a run is."""
    value = rate(text)
    if value == 0:
        raise argparse.ArgumentTypeError("a run can't be 0 seconds long")
    return value


def fail(prog: str, sentence: str, code: int) -> NoReturn:
    """Exit with a sentence."""
    print(f"{prog}: {sentence}", file=sys.stderr)
    sys.exit(code)
