"""The tables that documents take from the code; ``make docs`` writes them, a test compares them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import Metric

from relay_server.core.counters import Counters
from relay_server.settings import LoopKind
from relay_server.telemetry.metrics import RelayCollector, Tally

DOCS: Final = Path(__file__).parents[2] / "docs"


def settings_table() -> str:
    """Ask the relay for its settings, as a person would."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("RELAY_")}
    command = [sys.executable, "-m", "relay_server", "config", "show", "--format", "markdown"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8").stdout


def metrics_table() -> str:
    """List every metric of a relay with its type, its labels' values and its meaning."""
    collector = RelayCollector(Counters(), Counters(), Tally(), LoopKind.UVLOOP)
    rows = (
        f"| `{sample_name(metric)}` | {metric.type} | {'; '.join(_labels(metric))} | {metric.documentation} |\n"
        for metric in collector.collect()
    )
    return "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n" + "".join(rows)


def sample_name(metric: Metric) -> str:
    """Return what Prometheus calls the metric."""
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


# What only some systems or versions of Python need, so that not every machine has it to ask.
ELSEWHERE: Final = {
    "backports-tarfile": "MIT License",
    "importlib-metadata": "Apache-2.0",
    "jeepney": "MIT",
    "lazy-importer": "Apache-2.0",
    "pywin32-ctypes": "BSD-3-Clause",
    "secretstorage": "BSD-3-Clause",
    "zipp": "MIT",
}


def licences_table() -> str:
    """List the libraries that the programs need, by themselves or for a window, with their licences."""
    locked, everywhere = locked_versions("desktop"), locked_versions("runtime")
    licences = ELSEWHERE | installed_licences(locked)
    rows = (
        f"| {name} | {version} | {licences[name]} | {'' if name in everywhere else '`chat-desktop`'} |\n"
        for name, version in sorted(locked.items())
    )
    return "| library | version | licence | only for |\n| --- | --- | --- | --- |\n" + "".join(rows)


def installed_licences(names: Iterable[str]) -> dict[str, str]:
    """Ask those of the libraries that are installed for their licences."""
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--with-system",
        "--format",
        "json",
        "--packages",
        *names,
    ]
    said = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    return {normalised(library["Name"]): library["License"] for library in json.loads(said)}


def locked_versions(name: str) -> dict[str, str]:
    """Return the versions by library that a lock file pins."""
    text = (DOCS.parent / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)", text, re.MULTILINE))


def normalised(name: str) -> str:
    """Spell a library's name as lock files do."""
    return re.sub(r"[-_.]+", "-", name).lower()


TABLES: Final[dict[str, Callable[[], str]]] = {
    "settings": settings_table,
    "metrics": metrics_table,
    "licences": licences_table,
}
"""By the document's name without its suffix."""


def with_tables(text: str) -> str:
    """Put the tables between their marks."""

    def fill(found: re.Match[str]) -> str:
        return f"{found[1]}\n{TABLES[found[2]]()}{found[3]}"

    marked = r"(<!-- begin generated: (\w+) -->)\n(?:.*?)(<!-- end generated: \2 -->)"
    return re.sub(marked, fill, text, flags=re.DOTALL)


def main() -> None:
    """Write the tables into the documents."""
    for name in TABLES:
        path = DOCS / f"{name}.md"
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


def _labels(metric: Metric) -> Iterator[str]:
    values: dict[str, dict[str, None]] = {}
    for sample in metric.samples:
        for label, value in sample.labels.items():
            values.setdefault(label, {})[value] = None
    values.pop("le", None)  # a histogram's own
    for label, found in values.items():
        yield f"`{label}`" if metric.name.endswith("_info") else f"`{label}`: {_listed(found)}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    main()
