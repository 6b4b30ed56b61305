"""What the dashboards and the rules ask of Prometheus."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from observability.prometheus import CONFIGURATION, ROOT

DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"

_VARIABLES: Final = {"$instance": ".*"}
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_STRING: Final = re.compile(r'"(?:\\.|[^"\\])*"')
_SPAN: Final = re.compile(r"\[[^\]]*\]|\boffset\s+\S+")
_SELECTOR: Final = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b\s*(\{[^}]*\})?(?!\s*\()")
_WORDS: Final = {"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"} | {
    "inf",
    "Inf",
    "nan",
    "NaN",
    "offset",
}


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and where it stands."""

    place: str
    expr: str

    def at(self, rate_interval: str) -> str:
        """Put values in place of Grafana's variables."""
        expr = self.expr.replace("$__rate_interval", rate_interval).replace("$__range", rate_interval)
        for name, value in _VARIABLES.items():
            expr = expr.replace(name, value)
        assert "$" not in expr, f"{self.place} has a variable that is unknown here: {expr}"
        return expr

    def selectors(self) -> list[str]:
        """List the metrics that it reads, each with its labels if it names any."""
        return selectors(self.at("1m"))


def dashboards() -> dict[str, dict[str, Any]]:
    """Read the committed dashboards, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """List a dashboard's panels that ask something."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in {"row", "text"}]


def dashboard_queries() -> Iterator[Query]:
    """Yield every target of every panel."""
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield Query(f"{name}: {panel['title']}, {target['refId']}", target["expr"])


def rules() -> Iterator[tuple[str, Query]]:
    """Yield every rule, after its kind: ``alert`` or ``record``."""
    configuration = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    for pattern in configuration["rule_files"]:
        for path in sorted(CONFIGURATION.parent.glob(pattern)):
            for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
                for rule in group["rules"]:
                    kind = "alert" if "alert" in rule else "record"
                    yield kind, Query(rule[kind], rule["expr"])


def selectors(expr: str) -> list[str]:
    """List the metrics that an expression reads, each with its labels if it names any, once."""
    strings: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        strings.append(found[0])
        return f'"{len(strings) - 1}"'

    bare = _SPAN.sub("", _GROUPING.sub("", _STRING.sub(put_away, expr)))
    found = [
        re.sub(r'"(\d+)"', lambda number: strings[int(number[1])], name + labels)
        for name, labels in _SELECTOR.findall(bare)
        if name not in _WORDS
    ]
    return list(dict.fromkeys(found))


def metric(selector: str) -> str:
    """Return a selector's metric without its labels."""
    return selector.partition("{")[0]
