"""Who takes part in a comparison, and in which order."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from bench.programs import Result

_COMMANDS: Final = (".venv/bin/relay-server", "bin/relay-server")
"""Where a checkout, or an environment, has its command."""
_PACKAGE: Final = "relay_server/__main__.py"
"""What a folder of packages has, as `pip install --target` makes it; its commands wouldn't find the folder."""


class Comparison(NamedTuple):
    """The runs of one shape, by who ran; the first one is what the others are compared with."""

    name: str
    results: Mapping[str, list[Result]]

    def ratios(self, other: str) -> list[float]:
        """Return for each round how many deliveries per CPU-second the first one has for one of the other."""
        first, *_ = self.results.values()
        return [
            ours.per_cpu_second / theirs.per_cpu_second
            for ours, theirs in zip(first, self.results[other], strict=True)
            if theirs.per_cpu_second
        ]


def compete(name: str, contestants: Mapping[str, Callable[[], Result]], runs: int) -> Comparison:
    """Let each run so many times: A B, B A, A B, ..., so that a machine that changes its speed favours none."""
    results: dict[str, list[Result]] = {each: [] for each in contestants}
    order = list(contestants)
    for _ in range(runs):
        for each in order:
            results[each].append(contestants[each]())
        order.reverse()
    return Comparison(name, results)


def relay_command(folder: str) -> tuple[str, ...]:
    """Return the command that starts the relay of another checkout, environment or folder of packages.

    It is an argument's type.

    Raises:
        argparse.ArgumentTypeError: there is none.

    """
    if Path(folder, _PACKAGE).is_file():
        return ("env", f"PYTHONPATH={Path(folder).absolute()}", sys.executable, "-m", "relay_server")
    for place in _COMMANDS:
        command = Path(folder, place).absolute()
        if command.is_file() and os.access(command, os.X_OK):
            return (str(command),)
    raise argparse.ArgumentTypeError(
        f"{folder!r} has no {_COMMANDS[0]}, no {_COMMANDS[1]} and no {_PACKAGE}: "
        "run `make install` in that checkout first"
    )
