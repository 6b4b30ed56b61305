"""Prometheus on both ends: what the bots tell, and what the relay tells the demo."""

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
"""Seconds; from one to the next at most two thirds more, so that a percentile is no wild guess between two."""

JOIN_STATUSES = (*(status.reason for status in Status), "unreachable")


class BotMetrics(Collector):
    """A run's figures as metrics; sums are read when somebody asks, only latency is observed as it comes."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.tally = Tally()
        self._round_trip = Histogram(
            "bot_round_trip_seconds",
            "From a bot through the relay to another bot of this process.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(self)

    def observe_latency(self, seconds: float) -> None:
        """Take note of one delivery's time."""
        self._round_trip.observe(seconds)

    def serve(self, host: str, port: int) -> WSGIServer:
        """Serve /metrics from a thread; returns the server, to be shut down.

        Raises:
            OSError: the address can't be used.

        """
        server, _ = start_http_server(port, host, self.registry)
        return server

    def collect(self) -> Iterator[Metric]:
        """Yield the sums as they stand."""
        tally = self.tally
        for name, text, value in (
            ("sent", "Messages that bots said.", tally.sent),
            ("received", "Messages that reached bots, whoever said them.", tally.received),
            ("delivered", "Copies owed to bots of this process that arrived in time.", tally.delivered),
            ("lost", "Copies owed to bots of this process that didn't arrive in time.", tally.lost),
            ("late", "Copies that arrived after they counted as lost.", tally.late),
            ("duplicated", "Copies that reached a bot again.", tally.duplicated),
        ):
            yield CounterMetricFamily(f"bot_messages_{name}", text, value)
        joins = CounterMetricFamily("bot_joins", "Attempts to enter, by the relay's answer.", labels=["status"])
        for status in JOIN_STATUSES:
            joins.add_metric([status], tally.joins[status])
        yield joins
        evictions = CounterMetricFamily("bot_evictions", "Memberships that bots lost, by reason.", labels=["reason"])
        for reason in EvictionReason:
            evictions.add_metric([reason], tally.evictions[reason])
        yield evictions
        yield GaugeMetricFamily("bot_members", "Bots that are in a room or in the lobby now.", tally.members)
        yield GaugeMetricFamily(
            "bot_locked_out", "Bots that want to be in a room or in the lobby now and aren't.", tally.locked_out
        )
        info = GaugeMetricFamily("bot_build_info", "What runs.", labels=("version", "python"))
        info.add_metric((__version__, platform.python_version()), 1)
        yield info


@dataclass(frozen=True, slots=True)
class RelayFigures:
    """What a relay's /metrics say at one moment; counters are sums since its start."""

    rooms: int
    members: int
    lobby_clients: int
    datagrams_received: int
    datagrams_sent: int
    evictions: dict[str, int]
    """From rooms and the lobby by reason, only those that happened."""
    rooms_closed: dict[str, int]
    """By reason, only those that happened."""


def read_relay_figures(exposition: str) -> RelayFigures:
    """Read a relay's /metrics; what isn't in them counts as 0.

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
