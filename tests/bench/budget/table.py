"""The budget as people read it: on a terminal, and in docs/limits.md."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bench.budget.measuring import Cost, Kind

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "limits.md"
BEARABLE: Final = 2.0
"""So many times its quiet p99 may an honest message take."""
_RED: Final = "\033[31m"
_RESET: Final = "\033[0m"
_HEAD: Final = ("who", "what", "a second", "CPU us", "of a core", "p50", "p99", "lost")
_FIGURE: Final = 9
"""So wide is a column of figures."""
_COLUMNS: Final = (
    "who", "what", "a second", "CPU, µs each", "share of a core", "honest p50", "honest p99", "honest lost",
)  # fmt: skip
_MARKED: Final = re.compile(r"(<!-- begin measured: budget -->\n).*?(<!-- end measured: budget -->)", re.DOTALL)


def head_line(kinds: Iterable[Kind]) -> str:
    """Return the head of the table on a terminal."""
    return _line(_HEAD, kinds)


def cost_line(cost: Cost, kinds: Iterable[Kind], *, colours: bool) -> str:
    """Return a row of it; what is over is red, or has an exclamation mark where there are no colours."""
    line = _line(_cells(cost), kinds)
    if not is_over(cost):
        return line
    return f"{_RED}{line}{_RESET}" if colours else f"{line} !"


def markdown_table(costs: Iterable[Cost]) -> str:
    """Write the table of the document; what is over is bold."""
    lines: list[tuple[str, ...]] = [_COLUMNS, ("---", "---", *["---:"] * (len(_COLUMNS) - 2))]
    lines += [_emphasized(cost) for cost in costs]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_budget(text: str, costs: Iterable[Cost]) -> str:
    """Put the table between its marks."""
    table = markdown_table(costs)
    return _MARKED.sub(lambda found: f"{found[1]}{table}{found[2]}", text)


def budget_of(text: str) -> str:
    """Return what is between the marks, the marks included; empty without them."""
    found = _MARKED.search(text)
    return found[0] if found else ""


def row_start(kind: Kind) -> str:
    """Return how a kind's row begins in the document."""
    return f"| {kind.who} | {_escaped(kind.what)} | "


def is_over(cost: Cost) -> bool:
    """Tell whether honest people feel it too much."""
    return cost.p99_ratio > BEARABLE or cost.lost > 0


def _line(cells: Sequence[str], kinds: Iterable[Kind]) -> str:
    who, what, *figures = cells
    width = max(len(kind.what) for kind in kinds)
    return f"{who:8}  {what:{width}}  {'  '.join(f'{figure:>{_FIGURE}}' for figure in figures)}"


def _cells(cost: Cost) -> tuple[str, ...]:
    rate = f"{cost.sent_a_second:,.0f}{'*' if cost.kind.unlimited else ''}"
    share = f"{cost.share:.1%}" if cost.share < 1 else f"{cost.share:,.1f} cores"
    ratios = (f"{cost.p50_ratio:.1f} x", f"{cost.p99_ratio:.1f} x")
    return cost.kind.who, cost.kind.what, rate, f"{cost.microseconds:,.0f}", share, *ratios, f"{cost.lost:,}"


def _emphasized(cost: Cost) -> tuple[str, ...]:
    *first, p99, lost = _cells(cost)
    first[1] = _escaped(first[1])
    return *first, f"**{p99}**" if cost.p99_ratio > BEARABLE else p99, f"**{lost}**" if cost.lost else lost


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
