"""Every query of the dashboards, asked of a real Prometheus that scrapes a real relay and bots."""

from functools import partial

import pytest

from observability.chat import WatchedChat
from observability.conftest import until, values
from observability.prometheus import Prometheus
from observability.queries import Query, dashboard_queries, dashboards

pytestmark = pytest.mark.needs("prometheus")

QUERIES = list(dashboard_queries())
RATE_INTERVAL = "4s"  # four times the test's scrape interval, as Grafana takes it


@pytest.mark.parametrize("query", QUERIES, ids=[query.place for query in QUERIES])
def test_it_has_data(query: Query, prometheus: Prometheus) -> None:
    expr = query.at(RATE_INTERVAL)
    assert until(lambda: values(prometheus.query(expr))), f"no data: {expr}"


@pytest.mark.parametrize("query", QUERIES, ids=[query.place for query in QUERIES])
def test_all_metrics_in_it_are_there(query: Query, prometheus: Prometheus) -> None:
    for selector in query.selectors():
        assert until(partial(prometheus.query, selector)), f"no such series: {selector}"


def test_the_choice_of_relays_finds_the_relay(chat: WatchedChat, prometheus: Prometheus) -> None:
    (variable,) = dashboards()["relay"]["templating"]["list"]
    selector, label = variable["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
    assert prometheus.label_values(label, selector) == [f"127.0.0.1:{chat.relay.ops_port}"]
