"""Who runs when, and what is compared with what."""

from functools import partial

import pytest

from bench.contest import compete
from bench.programs import Result


def run(ran: list[str], who: str, delivered: int) -> Result:
    ran.append(who)
    return Result(
        sent=1, expected=delivered, delivered=delivered, duplicated=0, seconds=1.0, cpu_seconds=float(len(ran)),
        p50_us=1, p99_us=1, worst_us=1,
    )  # fmt: skip


def test_every_other_round_is_run_backwards() -> None:
    ran: list[str] = []
    figures = {"ours": 120, "a": 60, "b": 30}
    contestants = {who: partial(run, ran, who, delivered) for who, delivered in figures.items()}
    comparison = compete("a shape", contestants, 3)
    assert ran == ["ours", "a", "b", "b", "a", "ours", "ours", "a", "b"]
    assert list(comparison.results) == ["ours", "a", "b"]
    assert comparison.ratios("a") == pytest.approx([(120 / 1) / (60 / 2), (120 / 6) / (60 / 5), (120 / 7) / (60 / 8)])


def test_a_round_without_deliveries_has_no_ratio() -> None:
    comparison = compete("a shape", {"ours": partial(run, [], "ours", 9), "dead": partial(run, [], "dead", 0)}, 2)
    assert comparison.ratios("dead") == []
