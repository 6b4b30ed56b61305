"""Counts go on in the next process as they were, of each family."""

import json
from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import pytest

from chatproto import Command, EvictionReason, Operation, Status
from relay_server.core.counters import ClusterCounters, Counters, StateCounters, StreamCounters, WebCounters
from relay_server.handover.counts import dump, load
from relay_server.passwords import Outcome
from relay_server.telemetry.metrics import Component, Tally
from relay_server.telemetry.past import Past
from relay_server.tls.server import HandshakeFailure, ReloadResult, TlsCounts

FAMILIES = [Counters, StreamCounters, ClusterCounters, WebCounters, StateCounters, Tally, TlsCounts, Past]
OPEN: dict[str, Any] = {
    "fanout": {3: 0, 40: 0},
    "transactions": {(operation, status): 0 for operation in (*Operation, None) for status in Status},
    "evictions": EvictionReason, "lobby_evictions": EvictionReason, "rooms_closed": EvictionReason,
    "commands": Command, "unexpected_errors": Component, "passwords": Outcome,
    "failures": HandshakeFailure, "reloads": ReloadResult,
}  # fmt: skip
"""The keys that a dictionary may have which has none at first."""


def fill(counts: Any, start: int = 1) -> int:
    """Give every count another value; returns the next one."""
    for each in fields(counts):
        found = getattr(counts, each.name)
        if is_dataclass(found):
            start = fill(found, start)
        elif isinstance(found, dict):
            for key in list(found) or OPEN[each.name]:
                found[key], start = start, start + 1
        elif isinstance(found, list):
            found[:] = range(start, start + len(found))
            start += len(found)
        elif isinstance(found, int | float):
            setattr(counts, each.name, start)
            start += 1
    return start


def values(counts: Any) -> dict[str, Any]:
    """Return all counts to compare; what is no count is left out."""
    found = {each.name: getattr(counts, each.name) for each in fields(counts) if each.name != "lag"}
    return {name: values(value) if is_dataclass(value) else value for name, value in found.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_all_counts_of_a_family_come_back(family: type[Any]) -> None:
    counts, again = family(), family()
    assert fill(counts) > len(fields(counts)) - 1
    load(again, json.loads(json.dumps(dump(counts))))
    assert values(again) == values(counts)


def test_counts_are_set_in_place_for_whoever_else_has_them() -> None:
    outcomes: Counter[Outcome] = Counter()
    tally, before = Tally(passwords=outcomes), Tally()
    fill(before)
    buckets = tally.duration_buckets
    load(tally, dump(before))
    assert (outcomes, buckets) == (before.passwords, before.duration_buckets)


@dataclass
class _Other:
    """Counts as another version has them."""

    accepted: int = 5
    unheard_of: int = 6
    buckets: list[int] = field(default_factory=lambda: [1, 2])
    dropped: dict[str, int] = field(default_factory=lambda: {"GUESSING": 7, "UNHEARD_OF": 8})


def test_what_another_version_counts_is_left_out() -> None:
    counts = Counters()
    load(counts, dump(_Other()))
    assert (counts.accepted, sum(counts.dropped.values())) == (5, 7)
    cluster = ClusterCounters()
    load(cluster, {"directory": {"buckets": [1, 2], "total_seconds": 0.5}})
    assert (sum(cluster.directory.buckets), cluster.directory.total_seconds) == (0, 0.5)
