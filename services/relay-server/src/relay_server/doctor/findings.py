"""The doctor's findings, as text and as JSON."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

WIDTH: Final = 100

_INDENT = " " * 9
_COLOURS = {"ok": "32", "note": "33", "problem": "1;31"}


class Mark(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check in a sentence, and what to do about it."""

    check: str
    mark: Mark
    says: str
    advice: str = ""


def as_text(findings: Sequence[Finding], *, colour: bool) -> str:
    """Write a line for each finding, its advice indented below, and a summary."""
    lines = []
    for finding in findings:
        mark = f"{finding.mark:<8}"
        if colour:
            mark = f"\033[{_COLOURS[finding.mark]}m{mark}\033[0m"
        lines.append(f"{mark} {finding.check.replace('_', ' ')}: {finding.says}")
        if finding.advice:
            lines.append(textwrap.fill(finding.advice, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))
    counts = {mark: sum(finding.mark is mark for finding in findings) for mark in Mark}
    problems, notes = (
        f"{counts[mark] or 'no'} {mark}{'s' * (counts[mark] != 1)}" for mark in (Mark.PROBLEM, Mark.NOTE)
    )
    return "\n".join([*lines, "", f"{problems.capitalize()}, {notes}.", ""])


def as_json(findings: Sequence[Finding]) -> str:
    """Write the findings as one JSON document; ``ok`` is false if one of them is a problem."""
    document = {"ok": is_well(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(document, indent=2) + "\n"


def is_well(findings: Sequence[Finding]) -> bool:
    """Return whether no finding is a problem."""
    return all(finding.mark is not Mark.PROBLEM for finding in findings)
