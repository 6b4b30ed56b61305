"""What a measurement found: as a table with a picture, on a terminal or in docs/benchmarks.md."""

import datetime as dt
import os
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.programs import BenchError
from bench.tables import lay_out

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
_COLUMNS: Final = 120
TITLES: Final = {
    "fanout": "Bars of the relay's deliveries per CPU-second beside the references'",
    "fanout-mixed": "The same bars with messages of different sizes",
    "profile": "Stacked bars of where the relay's CPU time for a delivery goes",
    "latency": "Bars of the p50 and p99 of the relay's latency beside those of other servers",
}
"""By a report's name: what its picture shows, for those who don't see it."""


class Report(NamedTuple):
    """Figures in rows, the first one of headings; ``picture`` is an SVG."""

    name: str
    method: str
    """How they were measured, after "One run of DATE on a machine with N cores, "."""
    rows: Sequence[Sequence[str]]
    picture: str
    details: Sequence[str] = ()
    """Sentences for the terminal alone."""
    notes: Sequence[str] = ()
    """Sentences for the document as well."""

    def __str__(self) -> str:
        return "\n".join([lay_out(self.rows), *self.details, *self.notes])


def write(report: Report, document: Path = DOCUMENT) -> list[Path]:
    """Put a report's table between its marks, and its picture into the folder of images; returns what is written."""
    text = with_report(document.read_text(encoding="utf-8"), report, dt.datetime.now().astimezone().date())
    picture = document.parent / "images" / f"bench-{report.name}.svg"
    picture.write_text(report.picture, encoding="utf-8")
    document.write_text(text, encoding="utf-8")
    return [document, picture]


def with_report(text: str, report: Report, day: dt.date) -> str:
    """Put a report between its marks in the text of the document.

    Raises:
        BenchError: it has no such marks.

    """
    marked = rf"(<!-- begin measured: {report.name} -->\n).*?(<!-- end measured: {report.name} -->)"
    written, count = re.subn(
        marked, lambda found: f"{found[1]}{_markdown(report, day)}{found[2]}", text, flags=re.DOTALL
    )
    if count != 1:
        raise BenchError(f"docs/benchmarks.md has no marks for the measured {report.name}.")
    return written


def _markdown(report: Report, day: dt.date) -> str:
    head, *rows = report.rows
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    paragraphs = [
        textwrap.fill(f"One run of {day} on a machine with {os.cpu_count()} cores: {report.method}.", _COLUMNS),
        f"![{TITLES[report.name]}](images/bench-{report.name}.svg)",
        table,
        *report.notes,
    ]
    return "\n\n".join(paragraphs) + "\n"
