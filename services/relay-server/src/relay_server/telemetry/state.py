"""Metrics of the state on disk; a relay without one exports zeros."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay_server.core.counters import StateCounters


@dataclass(frozen=True, slots=True)
class StateView:
    """The state on disk at a scrape."""

    counters: StateCounters = field(default_factory=StateCounters)
    size_bytes: int = 0
    is_current: bool = False


def state_metrics(view: StateView) -> Iterator[Metric]:
    """Yield every metric."""
    counters = view.counters
    yield CounterMetricFamily(
        "relay_state_writes", "Writes of changes to the state on disk; none is for a message (CONT-01)", counters.writes
    )
    yield CounterMetricFamily("relay_state_written_bytes", "Bytes written to the state on disk", counters.written_bytes)
    yield CounterMetricFamily(
        "relay_state_failures", "Writes of the state that failed; the chat goes on", counters.failures
    )
    yield CounterMetricFamily(
        "relay_state_renewals", "Times that the state was written anew, without what is over", counters.renewals
    )
    yield GaugeMetricFamily("relay_state_bytes", "Size of the state on disk", view.size_bytes)
    yield GaugeMetricFamily(
        "relay_state_current", "1 if the state on disk is current; 0 if it is off or can't be written", view.is_current
    )
    yield GaugeMetricFamily(
        "relay_state_restored_rooms", "Rooms that the relay had from before its start", counters.restored_rooms
    )
    yield GaugeMetricFamily(
        "relay_state_restored_members", "Members that the relay had from before its start", counters.restored_members
    )
