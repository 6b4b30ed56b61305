"""Prometheus on both ends: the metrics that bots serve, and the relay's metrics that the demo reads."""

import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bot_client import __version__
from bot_client.ledger import Tally
from chatproto import EvictionReason, Status

_BUCKETS: Final = (
    0.0001, 0.00015, 0.0002, 0.0003, 0.0005, 0.00075,
    0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075,
    0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.2, 0.3, 0.5, 0.75,
    1.0, 1.5, 2.0, 3.0, 5.0,
)  # fmt: skip
"""Seconds. Each bound is at most two thirds larger than the one before, so that percentiles are accurate enough."""

JOIN_STATUSES = (*(status.reason for status in Status), "unreachable")


class BotMetrics(Collector):
    """A run's figures as metrics: sums are read at each scrape, latencies are observed as they occur."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.tally = Tally()
        self._round_trip = Histogram(
            "bot_round_trip_seconds",
            "One-way latency of messages, from a bot through the relay to another bot of this process.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(self)

    def observe_latency(self, seconds: float) -> None:
        """Observe the latency of one delivery."""
        self._round_trip.observe(seconds)

    def serve(self, host: str, port: int) -> WSGIServer:
        """Serve /metrics from a thread; returns the server, to be shut down.

        Raises:
            OSError: the address can't be used.

        """
        server, _ = start_http_server(port, host, self.registry)
        return server

    def collect(self) -> Iterator[Metric]:
        """Yield the current sums."""
        tally = self.tally
        for name, text, value in (
            ("sent", "Messages that bots sent.", tally.sent),
            ("received", "Messages that bots received, from any sender.", tally.received),
            ("delivered", "Copies due to bots of this process that arrived in time.", tally.delivered),
            ("lost", "Copies due to bots of this process that didn't arrive in time.", tally.lost),
            ("late", "Copies that arrived after they were counted as lost.", tally.late),
            ("duplicated", "Copies that a bot received more than once.", tally.duplicated),
        ):
            yield CounterMetricFamily(f"bot_messages_{name}", text, value)
        joins = CounterMetricFamily("bot_joins", "Attempts to join, by the relay's answer.", labels=["status"])
        for status in JOIN_STATUSES:
            joins.add_metric([status], tally.joins[status])
        yield joins
        evictions = CounterMetricFamily("bot_evictions", "Evictions of bots, by reason.", labels=["reason"])
        for reason in EvictionReason:
            evictions.add_metric([reason], tally.evictions[reason])
        yield evictions
        yield CounterMetricFamily("bot_moves", "Times that a bot's place moved to another server.", tally.moves)
        yield GaugeMetricFamily("bot_members", "Bots that are in a room or in the lobby.", tally.members)
        yield GaugeMetricFamily(
            "bot_locked_out", "Bots that want to be in a room or in the lobby but aren't.", tally.locked_out
        )
        info = GaugeMetricFamily(
            "bot_build_info", "Versions of bot-client and of Python.", labels=("version", "python")
        )
        info.add_metric((__version__, platform.python_version()), 1)
        yield info


@dataclass(frozen=True, slots=True)
class RelayFigures:
    """A relay's /metrics at one moment; counters are sums since its start."""

    rooms: int
    members: int
    lobby_clients: int
    datagrams_received: int
    datagrams_sent: int
    evictions: dict[str, int]
    """Evictions from rooms and the lobby by reason, without zeros."""
    rooms_closed: dict[str, int]
    """By reason, without zeros."""


def read_relay_figures(exposition: str) -> RelayFigures:
    """Read a relay's /metrics; missing ones count as 0.

    Raises:
        ValueError: it isn't in Prometheus' text format.

    """
    values: dict[str, dict[str, int]] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            by_reason = values.setdefault(sample.name, {})
            by_reason[sample.labels.get("reason", "")] = int(sample.value)

    def total(*names: str) -> int:
        return sum(sum(values.get(name, {}).values()) for name in names)

    def happened(*names: str) -> dict[str, int]:
        counts = Counter[str]()
        for name in names:
            counts.update(values.get(name, {}))
        return {reason: count for reason, count in sorted(counts.items()) if count}

    return RelayFigures(
        rooms=total("relay_rooms"),
        members=total("relay_members"),
        lobby_clients=total("relay_lobby_clients"),
        datagrams_received=total("relay_datagrams_received_total", "relay_lobby_datagrams_received_total"),
        datagrams_sent=total("relay_datagrams_sent_total", "relay_lobby_datagrams_sent_total"),
        evictions=happened("relay_evictions_total", "relay_lobby_evictions_total"),
        rooms_closed=happened("relay_rooms_closed_total"),
    )
