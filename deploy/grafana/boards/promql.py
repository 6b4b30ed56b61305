"""The few forms that queries of the dashboards have."""

from typing import Final

_LAST_MINUTE: Final = "1m"


def relay(name: str, *matchers: str) -> str:
    """Select a metric of the relays that are chosen at the top of the dashboard."""
    return _selected(name, 'job="relay"', 'instance=~"$instance"', *matchers)


def probe(name: str, *matchers: str) -> str:
    """Select a metric of the probe."""
    return _selected(name, 'job="probe"', *matchers)


def rate(selector: str) -> str:
    """Return how much a counter grows in a second, over the shortest span that Grafana knows to hold enough scrapes."""
    return f"rate({selector}[$__rate_interval])"


def last_minute(selector: str) -> str:
    """Return how much a counter grew in the last minute, for what happens too seldom for a rate."""
    return f"increase({selector}[{_LAST_MINUTE}])"


def total(expr: str, by: str = "") -> str:
    """Add up, for each value of a label if one is given."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def quantile(share: float, buckets: str) -> str:
    """Return the value of a histogram that a share of the lately observed values stays under."""
    return f"histogram_quantile({share}, {total(rate(buckets), 'le')})"


def _selected(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join(matchers)}}}"
