"""What a relay's /metrics says, and whether its books balance."""

import time
from collections.abc import Callable
from typing import Final, Protocol

from prometheus_client.parser import text_string_to_metric_families

DEADLINE_SECONDS: Final = 20.0
_CARRIED: Final = "relay_cluster_edge_datagrams_total"
Labels = frozenset[tuple[str, str]]


class HasOps(Protocol):
    """A relay whose ops port can be asked: a process, or a container."""

    def ops(self, path: str) -> str:
        """Get a page of it."""


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._values: dict[tuple[str, Labels], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    @property
    def series(self) -> set[tuple[str, Labels]]:
        """Name and labels of everything that is counted."""
        return set(self._values)

    def value(self, name: str, **labels: str) -> float:
        return self._values[name, frozenset(labels.items())]

    def total(self, name: str) -> float:
        """Add up a metric over all its labels."""
        values = [value for (found, _), value in self._values.items() if found == name]
        assert values, f"there is no metric {name}"
        return sum(values)

    def check_books(self) -> None:
        """Check that all datagrams, messages of streams and copies are accounted for (CON-01, CON-02, STR-08)."""
        for kind in ("relay_datagrams_", "relay_lobby_datagrams_", "relay_stream_messages_"):
            received, accepted, dropped = (
                self.total(f"{kind}{what}_total") for what in ("received", "accepted", "dropped")
            )
            carried = self._carried if kind == "relay_datagrams_" else 0
            assert received == accepted + carried + dropped, (
                f"{kind}: {received:.0f} != {accepted:.0f} + {carried:.0f} + {dropped:.0f}"
            )
        due, sent, failed = map(
            self.total, ("relay_fanout_members_sum", "relay_datagrams_sent_total", "relay_send_failures_total")
        )
        assert due == sent + failed, f"copies: {due:.0f} != {sent:.0f} + {failed:.0f}"
        due, sent, failed, waiting = map(
            self.total,
            ("relay_stream_fanout_members_sum", "relay_stream_copies_sent_total", "relay_stream_send_failures_total",
             "relay_stream_copies_waiting"),
        )  # fmt: skip
        assert due == sent + failed + waiting, f"streams: {due:.0f} != {sent:.0f} + {failed:.0f} + {waiting:.0f}"

    @property
    def _carried(self) -> float:
        """How many datagrams went on to rooms on other nodes (CLU-04)."""
        return self._values.get((_CARRIED, frozenset({("direction", "in")})), 0)


def scrape(relay: HasOps) -> Metrics:
    return Metrics(relay.ops("/metrics"))


def await_metrics(relay: HasOps, wanted: Callable[[Metrics], bool], seconds: float = DEADLINE_SECONDS) -> Metrics:
    """Scrape until something is true, and return that scrape."""
    deadline = time.monotonic() + seconds
    while not wanted(metrics := scrape(relay)):
        assert time.monotonic() < deadline, metrics.text
        time.sleep(0.05)
    return metrics
