"""The dashboard "Runbooks": a panel for each alert, with its section of docs/operations.md."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import Dashboard
from grafana_foundation_sdk.models.text import TextMode

from boards.board import board

UID: Final = "chat-runbooks"

_ROOT: Final = Path(__file__).parents[3]
_DOCUMENT: Final = "docs/operations.md"
_ALERTS: Final = re.compile(r"^## Alerts\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SECTION: Final = re.compile(r"^### (\w+)\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def build() -> Dashboard:
    """Build it: the panels' numbers are those that links name."""
    panels = [
        text.Panel()
        .title(alert)
        .description(f"The runbook of the alert {alert}, from {_DOCUMENT}.")
        .mode(TextMode.MARKDOWN)
        .content(about)
        .span(12)
        .height(12)
        for alert, about in _runbooks().items()
    ]
    return board(UID, "Runbooks", f"A runbook for each alert, from {_DOCUMENT}.", [("", panels)])


def link(alert: str) -> DashboardLink:
    """Link to the runbook of an alert.

    Raises:
        ValueError: there is no such alert.

    """
    number = _alerts().index(alert) + 1
    return DashboardLink(f"Runbook: {alert}").url(f"/d/{UID}/runbooks?viewPanel={number}")


def _runbooks() -> dict[str, str]:
    """Take the text on each alert out of the document, in the order of the rules; links become plain words."""
    (texts,) = _ALERTS.findall((_ROOT / _DOCUMENT).read_text(encoding="utf-8"))
    found = dict(_SECTION.findall(texts))
    return {alert: _LINK.sub(r"\1", found[alert].strip()) for alert in _alerts()}


@cache
def _alerts() -> list[str]:
    rules = yaml.safe_load((_ROOT / "deploy" / "prometheus" / "rules" / "alerts.yml").read_text(encoding="utf-8"))
    return [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
