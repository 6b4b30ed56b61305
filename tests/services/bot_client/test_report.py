"""Figures in words."""

import io

import pytest
from rich.console import Console

from bot_client.ledger import Tally
from bot_client.report import counted, one_line, report_table, span
from chatproto import EvictionReason

TALLY = Tally(sent=10, received=19, delivered=18, lost=2, late=1, duplicated=1, members=3, moves=4)
TALLY.joins.update({"ok": 3, "busy": 1})
TALLY.evictions[EvictionReason.SILENCE] += 1


def rendered(tally: Tally, percentiles: tuple[float, float] | None) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(report_table("Report", 12.34, tally, percentiles))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_report_has_all_figures() -> None:
    text = rendered(TALLY, (0.000321, 0.0123))
    for part in (
        "time 12.3 s",
        "sent 10",
        "received 19",
        "lost 2 10.000% of the copies owed to bots",
        "late 1",
        "duplicated 1",
        "latency p50 0.32 ms",
        "latency p99 12.30 ms",
        "joins 3 3 ok, 1 busy",
        "evictions 1 1 silence",
        "moves 4 to another server of a cluster",
    ):
        assert part in text


def test_a_run_without_any_message_has_a_report() -> None:
    text = rendered(Tally(), None)
    assert "latency p50 -" in text
    assert "lost 0 no copies were owed" in text
    assert "late " not in text
    assert "moves" not in text


def test_one_line_says_where_a_run_stands() -> None:
    assert one_line(60.2, TALLY, (0.001, 1.5)) == (
        "60 s: 3 members, sent 10, received 19, lost 2, duplicated 1, p50 1.00 ms, p99 1.50 s"
    )
    assert one_line(1, Tally(), None).endswith("duplicated 0")


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (0.00015, "0.15 ms"), (2, "2.00 s")])
def test_spans_have_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_counts_leave_out_what_did_not_happen() -> None:
    assert counted({"a": 1, "b": 0}) == "1 a"
    assert counted({}) == "0"
