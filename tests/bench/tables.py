"""Figures as people read them."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.programs import Result


class Comparison(NamedTuple):
    """The runs of one shape: the relay's, and the reference's beside each."""

    shape: str
    relay: list[Result]
    reference: list[Result]

    @property
    def ratios(self) -> list[float]:
        return [
            ours.per_cpu_second / theirs.per_cpu_second
            for ours, theirs in zip(self.relay, self.reference, strict=True)
            if theirs.per_cpu_second
        ]


def comparison_table(comparisons: Iterable[Comparison]) -> str:
    """Lay out relay and reference, two lines a shape."""
    rows: list[tuple[str, ...]] = [
        ("rooms x members", "", "deliveries/CPU-s", "ratio (min, max)", "p50", "p99", "lost", "duplicated")
    ]
    for comparison in comparisons:
        ratios = comparison.ratios or [0.0]
        rows.append((comparison.shape, "relay", *_figures(comparison.relay, spread(ratios))))
        rows.append(("", "reference", *_figures(comparison.reference, "")))
    return lay_out(rows)


def load_table(loads: Iterable[tuple[str, Result]]) -> str:
    """Lay out what the relay alone did at fixed rates."""
    rows: list[tuple[str, ...]] = [
        ("rooms x members", "in/s", "out/s", "p50", "p99", "worst", "lost", "duplicated", "CPU")
    ]
    for shape, result in loads:
        seconds = result.seconds or 1.0
        rows.append((
            shape, f"{result.sent / seconds:,.0f}", f"{result.delivered / seconds:,.0f}",
            _milliseconds(result.p50_us), _milliseconds(result.p99_us), _milliseconds(result.worst_us),
            _loss([result]), f"{result.duplicated:,}", f"{result.cpu_seconds / seconds:.0%}",
        ))  # fmt: skip
    return lay_out(rows)


def _figures(results: Sequence[Result], ratio: str) -> tuple[str, ...]:
    return (
        f"{statistics.median(result.per_cpu_second for result in results):,.0f}",
        ratio,
        _milliseconds(statistics.median(result.p50_us for result in results)),
        _milliseconds(statistics.median(result.p99_us for result in results)),
        _loss(results),
        f"{sum(result.duplicated for result in results):,}",
    )


def _loss(results: Sequence[Result]) -> str:
    lost, expected = sum(result.lost for result in results), sum(result.expected for result in results)
    return f"{lost:,} ({lost / expected:.3%})" if lost else "0"


def _milliseconds(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f} ms"


def spread(figures: Sequence[float], form: str = ".2f") -> str:
    """Return the median, and the lowest and the highest."""
    return f"{statistics.median(figures):{form}} ({min(figures):{form}}, {max(figures):{form}})"


def lay_out(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells, the first one of headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
