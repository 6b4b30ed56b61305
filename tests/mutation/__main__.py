"""Ask whether the tests notice small changes to the sources: `make mutate`; see CONTRIBUTING.md."""

import argparse
import asyncio
import difflib
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.arguments import FAILED, INTERRUPTED, USAGE_ERROR, Parser, fail
from mutation.mutants import Mutant, find_mutants, sample_mutants
from mutation.trials import BrokenError, Copies, package_of

_MEMORY_BYTES: Final = 6 * 2**30
"""For each process of the tests: a mutant can collect for ever."""
_TOLD: Final = 10
"""After so many mutants each it is said how far it is."""


def main() -> None:
    """Run the command line; exits with 0, 1 (tests fail without any mutant) or 2 (asked wrongly)."""
    arguments = _parser().parse_args()
    everything = sorted(Path().glob("*/*/src/**/*.py"))
    sources: set[Path] = set()
    for package in arguments.package:
        found = {path for path in everything if _is_in(package_of(path), package)}
        if not found:
            fail("mutation", f"there is no package {package}.", USAGE_ERROR)
        sources |= found
    mutants = [mutant for path in sorted(sources) for mutant in find_mutants(path, path.read_text())]
    sample = sample_mutants(mutants, seed=arguments.seed, count=arguments.count)
    print(
        f"{len(sample)} of {len(mutants)} mutants; --seed {arguments.seed} chooses the same ones of the same sources."
    )
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
            asyncio.run(_try_out(sample, Path(folder)))
    except* BrokenError as broken:
        fail("mutation", str(broken.exceptions[0]), FAILED)
    except* asyncio.CancelledError:
        sys.exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="mutation", description="Try whether tests notice small changes.")
    parser.add_argument("--count", type=_natural, default=100, metavar="N", help="how many mutants; default: 100")
    parser.add_argument("--seed", type=_natural, default=int(time.time()), metavar="N", help="default: by time")
    parser.add_argument(
        "--package", nargs="+", default=[""], metavar="NAME", help="such as relay_server.core; default: all"
    )
    return parser


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return int(text)


def _is_in(package: str, wanted: str) -> bool:
    return not wanted or f"{package}.".startswith(f"{wanted}.")


async def _try_out(sample: list[Mutant], folder: Path) -> None:
    """Show how it goes, each mutant that nobody notices, and what each package's tests reach."""
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM):  # so that no tests go on when this ends
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console = Console()
    tried: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        copies = Copies(folder)
        bar = progress.add_task("tests as they are", total=None)
        await copies.measure({mutant.path for mutant in sample}, lambda: progress.advance(bar))
        progress.remove_task(bar)
        bar = progress.add_task("mutants", total=len(sample))

        def done(mutant: Mutant, was_noticed: bool) -> None:
            package = package_of(mutant.path)
            tried[package] += 1
            noticed[package] += was_noticed
            if not was_noticed:
                console.print(Text(f"survived: {mutant.path}:{mutant.line}", style="bold"), soft_wrap=True)
                console.print(Text(_difference(mutant)), soft_wrap=True)
            so_far = f"mutants, {tried.total() - noticed.total()} unnoticed"
            progress.update(bar, advance=1, description=so_far)
            if not console.is_terminal and not tried.total() % _TOLD:  # where no bar is drawn
                print(f"{tried.total()} of {len(sample)} {so_far}", flush=True)

        try:
            await copies.try_out(sample, done)
        finally:  # who stops it wants to know, too
            console.print(_table(tried, noticed))


def _difference(mutant: Mutant) -> str:
    before, after = mutant.original.splitlines(), mutant.source().splitlines()
    return "\n".join(list(difflib.unified_diff(before, after, n=1, lineterm=""))[3:])


def _table(tried: Counter[str], noticed: Counter[str]) -> Table:
    table = Table("package")
    for name in ("mutants", "noticed", "score"):
        table.add_column(name, justify="right")
    for package in sorted(tried):
        table.add_row(*_row(package, tried[package], noticed[package]))
    table.add_section()
    table.add_row(*_row("all", tried.total(), noticed.total()))
    return table


def _row(name: str, tried: int, noticed: int) -> tuple[str, ...]:
    return name, str(tried), str(noticed), f"{noticed / tried:.0%}" if tried else ""


if __name__ == "__main__":
    main()
