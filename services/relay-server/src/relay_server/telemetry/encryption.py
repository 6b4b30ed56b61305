"""The metrics of TLS on the TCP port (TCP-12)."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay_server.tls.counts import HandshakeFailure, ReloadResult, TlsCounts


def tls_metrics(counts: TlsCounts) -> Iterator[Metric]:
    """Yield them, every label value included, whether TLS is set up or not."""
    yield CounterMetricFamily("relay_tls_handshakes", "TLS handshakes done", counts.handshakes)
    failures = CounterMetricFamily(
        "relay_tls_handshake_failures", "TLS connections whose handshake was never done", labels=("reason",)
    )
    for reason in HandshakeFailure:
        failures.add_metric((reason,), counts.failures[reason])
    yield failures
    reloads = CounterMetricFamily(
        "relay_tls_reloads", "Times that the certificate was read anew (SIGHUP)", labels=("result",)
    )
    for result in ReloadResult:
        reloads.add_metric((result,), counts.reloads[result])
    yield reloads
    yield GaugeMetricFamily(
        "relay_tls_certificate_expiry_timestamp_seconds",
        "When the certificate in use expires (Unix time); 0 = there is none",
        counts.certificate_expires_at,
    )
