"""The budget: what it measures comes out as a table, and the document is written only if it is of everything."""

import re
from itertools import pairwise

import pytest

from bench.budget.kinds import KINDS, chosen
from bench.budget.measuring import Cost
from bench.budget.table import DOCUMENT, budget_of, cost_line, with_budget
from bench.calling import bench, needs_linux

TEXT = "# Limits\n\n<!-- begin measured: budget -->\nold\n<!-- end measured: budget -->\n\nMore.\n"


def cost(p99_ratio: float, *, lost: int = 0) -> Cost:
    (kind,) = chosen(["an unknown command"])
    return Cost(kind, 1279.6, 37.4, 200.0, 1.04, p99_ratio, lost)


@needs_linux
def test_measuring_two_kinds_leaves_the_document_unchanged() -> None:
    before = DOCUMENT.read_bytes()
    done = bench("--here", "--only", "of no room,Unknown Command", "--seconds", "0.7", module="bench.budget")
    assert (done.returncode, done.stderr) == (0, "")
    figures = r"[\d,]+\*? +[\d,]+ +[\d.]+(%| cores) +[\d,.]+ x +[\d,.]+ x +[\d,]+( !)?"
    rows = re.findall(rf"^(visitor|member) +(\S.*?)  +{figures}$", done.stdout, re.MULTILINE)
    kinds = [("visitor", "joins of no room"), ("member", "an unknown command")]
    assert [row[:2] for row in rows[:2]] == kinds  # what seems to be over in so short a time is measured again
    assert "of 2 kinds" in done.stdout
    assert DOCUMENT.read_bytes() == before


@needs_linux
def test_an_unknown_kind_gets_a_sentence() -> None:
    done = bench("--only", "carrier pigeons", module="bench.budget")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "budget: No kind has 'carrier pigeons' in its name.\n"


@needs_linux
def test_a_relay_that_does_not_start_is_reported_with_its_own_message() -> None:
    arguments = ("--here", "--only", "an unknown command")
    done = bench(*arguments, module="bench.budget", RELAY_MESSAGE_BURST="none")
    assert done.returncode == 1
    assert "RELAY_MESSAGE_BURST" in done.stderr
    assert "Traceback" not in done.stderr


def test_kinds_are_unique() -> None:
    names = sorted((kind.who, kind.what) for kind in KINDS)
    assert all(one != other for one, other in pairwise(names))


def test_the_table_is_put_between_its_marks() -> None:
    written = with_budget(TEXT, [cost(1.96)])
    assert written.startswith("# Limits\n\n<!-- begin measured: budget -->\n| who | what | ")
    assert "\n| member | an unknown command | 1,280 | 37 | 4.8% | 1.0 x | 2.0 x | 0 |\n<!-- end" in written
    assert written.endswith("<!-- end measured: budget -->\n\nMore.\n")
    assert with_budget(written, [cost(1.96)]) == written
    assert budget_of("# Limits\n") == ""


@pytest.mark.parametrize(("over", "end"), [(cost(2.1), "| **2.1 x** | 0 |"), (cost(1.0, lost=7), "| 1.0 x | **7** |")])
def test_rows_over_the_budget_are_marked(over: Cost, end: str) -> None:
    assert end in with_budget(TEXT, [over])
    plain = cost_line(over, KINDS, colours=False)
    assert plain.endswith(" !")
    assert cost_line(over, KINDS, colours=True) == f"\033[31m{plain.removesuffix(' !')}\033[0m"
    assert cost_line(cost(1.0), KINDS, colours=True).endswith(" 0")
