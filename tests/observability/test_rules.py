"""Every alert and every recording rule, in a real Prometheus that scrapes a real relay and bots."""

from functools import partial

import pytest

from observability.conftest import until
from observability.prometheus import Prometheus
from observability.queries import Query, rules

pytestmark = pytest.mark.needs("prometheus")

RULES = list(rules())
RECORDED = [query for kind, query in RULES if kind == "record"]
QUERIES = [query for _, query in RULES]


def test_prometheus_evaluates_all_of_them_without_a_fault(prometheus: Prometheus) -> None:
    def evaluated() -> list[str]:
        found = prometheus.rules()
        return [] if any(rule["health"] == "unknown" for rule in found) else [rule["name"] for rule in found]

    assert sorted(until(evaluated)) == sorted(query.place for query in QUERIES)
    assert [rule["name"] for rule in prometheus.rules() if rule["health"] != "ok"] == []


@pytest.mark.parametrize("query", RECORDED, ids=[query.place for query in RECORDED])
def test_recording_rules_have_data(query: Query, prometheus: Prometheus) -> None:
    assert until(lambda: prometheus.query(query.place)), f"no data: {query.expr}"


# An alert is quiet while all is well: what it looks at must be there all the same.
@pytest.mark.parametrize("query", QUERIES, ids=[query.place for query in QUERIES])
def test_all_metrics_in_it_are_there(query: Query, prometheus: Prometheus) -> None:
    for selector in query.selectors():
        assert until(partial(prometheus.query, selector)), f"no such series: {selector}"
