"""Shapes of metrics that several kinds of counts take."""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

Reason = TypeVar("Reason", bound=str)


def by_reason(
    name: str, text: str, reasons: Iterable[Reason], counts: Mapping[Reason, int], label: str = "reason"
) -> Metric:
    """Return a counter with a series for each reason, be it 0."""
    family = CounterMetricFamily(name, text, labels=(label,))
    for reason in reasons:
        family.add_metric((str(reason),), counts[reason])
    return family


def histogram(name: str, text: str, bounds: Iterable[float], buckets: list[int], total: float) -> Metric:
    """Return a histogram; ``buckets`` has the count of each bucket alone, the one without a bound last."""
    edges = [*(f"{bound:g}" if bound % 1 else f"{bound:.1f}" for bound in bounds), "+Inf"]
    cumulated = accumulate(buckets)
    return HistogramMetricFamily(name, text, buckets=list(zip(edges, cumulated, strict=True)), sum_value=total)
