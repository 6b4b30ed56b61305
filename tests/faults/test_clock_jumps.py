"""The system's clock jumps by an hour, forth and back: nobody is evicted for it (threat R3)."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import Metrics, await_metrics, scrape
from libfaketime import find_libfaketime

pytestmark = pytest.mark.needs("faketime")

HOUR = 3600


def test_nobody_is_evicted(start_relay: Callable[..., OwnRelay], tmp_path: Path) -> None:
    library, clock = find_libfaketime(), tmp_path / "clock"
    assert library
    clock.write_text("+0")
    relay = start_relay(
        LD_PRELOAD=library, FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
        # What adjusts a system's clock never moves the monotonic one.
        FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1",
        RELAY_PENDING_TIMEOUT_SECONDS="1", RELAY_MESSAGE_RATE="20",
    )  # fmt: skip
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        for count, offset in enumerate((HOUR, -HOUR, 0), start=1):
            clock.write_text(f"{offset:+}")
            # Who joins and never speaks is evicted a second later: deadlines come when they are due, neither sooner
            # nor an hour late.
            with Member(relay.relay, wire.JOIN, b"demo", b"eve"):
                await_metrics(relay, lambda now: evicted(now) >= count)  # noqa: B023 - called at once
            ann.say(b"still here")
            assert bob.hear() == b"ann: still here"
            assert abs(last_record(relay) - time.time() - offset) < HOUR / 2  # the jump did happen
        metrics = scrape(relay)
        assert metrics.total("relay_evictions_total") == 3
        assert metrics.total("relay_datagrams_dropped_total") == 0


def evicted(metrics: Metrics) -> float:
    return metrics.value("relay_evictions_total", reason="never_connected")


def last_record(relay: OwnRelay) -> float:
    """Return the time of the log's last line, in seconds of the system's clock."""
    stamp = json.loads(relay.said().splitlines()[-1])["timestamp"]
    return datetime.fromisoformat(stamp).timestamp()
