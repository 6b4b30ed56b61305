"""Figures as people read them."""

import statistics
from collections.abc import Iterable, Sequence

from bench.contest import Comparison
from bench.programs import Result


def comparison_rows(comparisons: Iterable[Comparison]) -> list[tuple[str, ...]]:
    """Return a row of headings, and a line for each contestant in each shape."""
    rows: list[tuple[str, ...]] = [
        ("rooms x members", "", "deliveries/CPU-s", "ratio (min, max)", "p50", "p99", "lost", "duplicated")
    ]
    for comparison in comparisons:
        first, *_ = comparison.results
        for who, results in comparison.results.items():
            ratio = "" if who == first else spread(comparison.ratios(who) or [0.0])
            rows.append((comparison.name if who == first else "", who, *_figures(results, ratio)))
    return rows


def load_table(loads: Iterable[tuple[str, Result]]) -> str:
    """Lay out what the relay alone did at fixed rates."""
    rows: list[tuple[str, ...]] = [
        ("rooms x members", "in/s", "out/s", "p50", "p99", "worst", "lost", "duplicated", "CPU")
    ]
    for shape, result in loads:
        seconds = result.seconds or 1.0
        rows.append((
            shape, f"{result.sent / seconds:,.0f}", f"{result.delivered / seconds:,.0f}",
            milliseconds(result.p50_us), milliseconds(result.p99_us), milliseconds(result.worst_us),
            loss([result]), f"{result.duplicated:,}", f"{result.cpu_seconds / seconds:.0%}",
        ))  # fmt: skip
    return lay_out(rows)


def _figures(results: Sequence[Result], ratio: str) -> tuple[str, ...]:
    return (
        spread([result.per_cpu_second for result in results], ",.0f"),
        ratio,
        milliseconds(statistics.median(result.p50_us for result in results)),
        milliseconds(statistics.median(result.p99_us for result in results)),
        loss(results),
        f"{sum(result.duplicated for result in results):,}",
    )


def loss(results: Sequence[Result]) -> str:
    """Return how many deliveries are missing, and the share if any are."""
    lost, expected = sum(result.lost for result in results), sum(result.expected for result in results)
    return f"{lost:,} ({lost / expected:.3%})" if lost else "0"


def milliseconds(microseconds: float) -> str:
    """Return a latency as people read it."""
    return f"{microseconds / 1000:.2f} ms"


def spread(figures: Sequence[float], form: str = ".2f") -> str:
    """Return the median, and the lowest and the highest."""
    return f"{statistics.median(figures):{form}} ({min(figures):{form}}, {max(figures):{form}})"


def lay_out(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells, the first one of headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
