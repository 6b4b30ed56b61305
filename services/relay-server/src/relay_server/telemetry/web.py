"""Metrics of the web port; one that is off exports zeros."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from relay_server.core.counters import HandshakeRefusal, WebCounters
from relay_server.telemetry.families import by_reason


def web_metrics(counters: WebCounters) -> Iterator[Metric]:
    """Yield every metric."""
    answers = CounterMetricFamily(
        "relay_web_requests", "HTTP requests answered, by status; 101 opened a WebSocket", labels=("status",)
    )
    for status, count in counters.statuses.items():
        answers.add_metric((str(status),), count)
    yield answers
    yield by_reason(
        "relay_web_handshakes_refused", "WebSockets that pages asked for and didn't get (WEB-03)",
        HandshakeRefusal, counters.refusals,
    )  # fmt: skip
