"""Builders of the dashboards' queries."""

from typing import Final

_LAST_MINUTE: Final = "1m"


def relay(name: str, *matchers: str) -> str:
    """Select a metric of the relays that are selected at the top of the dashboard."""
    return _selected(name, 'job="relay"', 'instance=~"$instance"', *matchers)


def probe(name: str, *matchers: str) -> str:
    """Select a metric of the probe."""
    return _selected(name, 'job="probe"', *matchers)


def rate(selector: str) -> str:
    """Return a counter's rate a second over Grafana's ``$__rate_interval``, which spans enough scrapes."""
    return f"rate({selector}[$__rate_interval])"


def last_minute(selector: str) -> str:
    """Return a counter's increase in the last minute, for events that are too rare for a rate."""
    return f"increase({selector}[{_LAST_MINUTE}])"


def total(expr: str, by: str = "") -> str:
    """Return the sum, for each value of a label if one is given."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def quantile(share: float, buckets: str) -> str:
    """Return a quantile of a histogram over ``$__rate_interval``."""
    return f"histogram_quantile({share}, {total(rate(buckets), 'le')})"


def _selected(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join(matchers)}}}"
