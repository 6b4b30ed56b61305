"""The budget in docs/limits.md has a row for every kind that is measured; what was measured, no test can know."""

import re

from bench.budget.kinds import KINDS
from bench.budget.table import budget_of, row_start
from docs.markdown import read

TABLE = budget_of(read("docs/limits.md"))


def test_every_kind_has_its_row() -> None:
    rows = re.findall(r"^\| (?:stranger|visitor|member|host) \| .+? \| ", TABLE, re.MULTILINE)
    assert rows == [row_start(kind) for kind in KINDS], "docs/limits.md is out of date: run `make budget`"


def test_every_row_has_its_figures() -> None:
    figures = r"[\d,]+\*? \| [\d,]+ \| [\d.]+(?:%| cores) \| [\d,.]+ x \| \**[\d,.]+ x\** \| \**[\d,]+\** \|"
    assert len(re.findall(rf"^\| \w+ \| .+? \| {figures}$", TABLE, re.MULTILINE)) == len(KINDS)
