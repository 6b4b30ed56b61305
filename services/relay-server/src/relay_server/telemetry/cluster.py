"""The metrics of a node: what it knows of its cluster, and what it does for the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay_server.core.counters import (
    DIRECTORY_BOUNDS,
    AdoptionOutcome,
    ClusterCounters,
    DirectoryError,
    IgnoredRecord,
    Move,
    Way,
)
from relay_server.telemetry.families import by_reason, histogram


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What a node knows at a scrape; a relay that is alone has this one."""

    connected: bool = False
    nodes: int = 0
    rooms: int = 0
    homes: int = 0
    edge_members: int = 0
    counters: ClusterCounters = field(default_factory=ClusterCounters)


def cluster_metrics(view: ClusterView) -> Iterator[Metric]:
    """Yield the metrics of a node."""
    for name, text, value in (
        ("connected", "Whether the directory of the cluster can be asked; 0 for a relay that is alone", view.connected),
        ("nodes", "Living nodes of the cluster that this node knows, with itself; 0 for a relay alone", view.nodes),
        ("rooms", "Rooms of all nodes in the directory, as this node knows it", view.rooms),
        ("homes", "Of these rooms, those that this node holds", view.homes),
        ("edge_members", "Members that this node carries to their rooms on other nodes (CLU-04)", view.edge_members),
    ):
        yield GaugeMetricFamily(f"relay_cluster_{name}", text, value)
    yield from _counters(view.counters)


def _counters(counters: ClusterCounters) -> Iterator[Metric]:
    yield by_reason(
        "relay_cluster_joins_elsewhere", "Joins of rooms on other nodes: told where, or carried there",
        Way, counters.joins_elsewhere, label="way",
    )  # fmt: skip
    yield by_reason(
        "relay_cluster_adoptions", "Attempts to become the home of a room whose home seemed gone, by outcome",
        AdoptionOutcome, counters.adoptions, label="outcome",
    )  # fmt: skip
    yield by_reason(
        "relay_cluster_moves", "Rooms that moved from this node to another one (CLU-05)", Move, counters.moves
    )
    datagrams = CounterMetricFamily(
        "relay_cluster_edge_datagrams",
        "Datagrams carried to homes and from them, and those that the kernel refused to send",
        labels=("direction",),
    )
    for direction, count in (("in", counters.edge_in), ("out", counters.edge_out), ("failed", counters.edge_failed)):
        datagrams.add_metric((direction,), count)
    yield datagrams
    yield by_reason(
        "relay_cluster_records_ignored", "Records of the directory that this node can't use",
        IgnoredRecord, counters.records_ignored,
    )  # fmt: skip
    yield histogram(
        "relay_cluster_directory_seconds", "How long the directory took to answer a request",
        DIRECTORY_BOUNDS, counters.directory.buckets, counters.directory.total_seconds,
    )  # fmt: skip
    yield by_reason(
        "relay_cluster_directory_errors", "Requests that the directory didn't carry out",
        DirectoryError, counters.directory_errors,
    )  # fmt: skip
    yield CounterMetricFamily(
        "relay_cluster_links_refused",
        "Links to this node without proof of the cluster's key, or with a malformed first line",
        counters.links_refused,
    )
