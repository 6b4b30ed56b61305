"""One chat and one Prometheus for all queries."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from observability.chat import WatchedChat, watched_chat
from observability.prometheus import Prometheus, Series

_DEADLINE_SECONDS = 40.0
_POLL_SECONDS = 0.2

_Found = TypeVar("_Found")


@pytest.fixture(scope="session")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedChat]:
    with watched_chat(tmp_path_factory.mktemp("observability")) as chat:
        yield chat
        chat.check()


@pytest.fixture(scope="session")
def prometheus(chat: WatchedChat) -> Prometheus:
    """Wait until everything that dashboards and alerts are about has happened."""
    for happened in (
        'relay_evictions_total{reason="silence"} > 0',
        'relay_transactions_total{status="no_such_room"} > 0',
        'relay_datagrams_dropped_total{reason="malformed"} > 0',
        'relay_stream_cuts_total{reason="malformed"} > 0',
        'increase(bot_round_trip_seconds_count{job="probe"}[4s]) > 0',
    ):
        assert until(partial(chat.prometheus.query, happened)), f"not seen: {happened}"
    return chat.prometheus


def until(look: Callable[[], _Found]) -> _Found:
    """Look again and again until there is something to see; returns what was seen last."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return found


def values(series: list[Series]) -> list[float]:
    """Return all values that are numbers."""
    return [value for one in series for _, value in one.points if value == value]  # noqa: PLR0124 - NaN isn't itself
