"""A run's figures in words and tables."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bot_client.ledger import Tally
from chatproto import Status

Percentiles = tuple[float, float] | None


def one_line(seconds: float, tally: Tally, percentiles: Percentiles) -> str:
    """Say where a run stands in one line."""
    latency = "" if percentiles is None else f", p50 {span(percentiles[0])}, p99 {span(percentiles[1])}"
    return (
        f"{seconds:.0f} s: {tally.members} members, sent {tally.sent}, received {tally.received}, "
        f"lost {tally.lost}, duplicated {tally.duplicated}{latency}"
    )


def report_table(title: str, seconds: float, tally: Tally, percentiles: Percentiles) -> Table:
    """Lay out what happened in a run."""
    table = Table(title=title, title_style="bold", title_justify="left", box=SIMPLE_HEAD, show_header=False)
    table.add_column("figure", style="dim")
    table.add_column("value", justify="right", style="bold")
    table.add_column("remark", style="dim")
    p50, p99 = percentiles or (None, None)
    owed = tally.delivered + tally.lost
    for figure, value, remark in (
        ("time", f"{seconds:.1f} s", ""),
        ("sent", f"{tally.sent}", "messages that bots said"),
        ("received", f"{tally.received}", "by all bots together"),
        ("lost", f"{tally.lost}", _share(tally.lost, owed)),
        ("late", f"{tally.late}", "of the lost: came after all") if tally.late else ("", "", ""),
        ("duplicated", f"{tally.duplicated}", "copies that came again"),
        ("latency p50", span(p50), "from a bot through the relay to a bot"),
        ("latency p99", span(p99), ""),
        ("joins", f"{tally.joins[Status.OK.reason]}", counted(tally.joins)),
        ("evictions", f"{tally.evictions.total()}", counted(tally.evictions) if tally.evictions else ""),
        ("moves", f"{tally.moves}", "to another server of a cluster") if tally.moves else ("", "", ""),
    ):
        if figure:
            table.add_row(figure, value, remark)
    return table


def span(seconds: float | None) -> str:
    """Write a short time for people, with the unit that fits."""
    if seconds is None:
        return "-"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.2f} ms"


def counted(counts: Mapping[Any, int]) -> str:
    """Write counts by name, such as ``2 silence, 1 host left``."""
    parts = [f"{count} {str(name).replace('_', ' ')}" for name, count in counts.items() if count]
    return ", ".join(parts) or "0"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3%} of the copies owed to bots" if whole else "no copies were owed to bots"
