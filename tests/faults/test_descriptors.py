"""A relay whose file descriptors run out (threat T3): chat goes on, and joins come back with the descriptors."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance.people import People, call
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics
from faults.crowd import DEADLINE_SECONDS

SPARE, CONNECTIONS, MESSAGES = 10, 60, 50
LOG_LINES = 100

LOOPS = ["uvloop", "asyncio"]


@pytest.fixture
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRelay]:
    """Run a relay that may open a few descriptors more than it has open."""
    relay = OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": request.param})
    limit = open_descriptors(relay) + SPARE
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    yield relay
    relay.stop()


def open_descriptors(relay: OwnRelay) -> int:
    return len(list(Path(f"/proc/{relay.process.pid}/fd").iterdir()))


def await_descriptors(relay: OwnRelay, wanted: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while open_descriptors(relay) > wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("relay", LOOPS, indirect=True)
def test_running_out_of_descriptors_is_lived_through(relay: OwnRelay) -> None:
    before = open_descriptors(relay)
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        with ExitStack() as crowd:
            for _ in range(CONNECTIONS):  # the kernel takes them all, the relay only a few
                crowd.enter_context(call(relay.relay))
            for number in range(MESSAGES):
                ann.say(b"message %d" % number)
                assert bob.receive() == b"ann: message %d" % number
        await_descriptors(relay, before + SPARE // 2)
        eve = people.join(b"demo", b"eve")
        eve.heard(after=ann)
        ann.say(b"welcome")
        assert eve.hear() == b"ann: welcome"
        await_metrics(relay, lambda now: now.value("relay_tcp_connections") == 0).check_books()
    assert relay.stop() == 0
    assert relay.said().count("\n") < LOG_LINES


@pytest.mark.parametrize("relay", ["uvloop", "asyncio"], indirect=True)
def test_members_cost_no_descriptors(relay: OwnRelay) -> None:
    with People(relay.relay) as people:
        people.create(b"demo", b"ann")
        for number in range(3 * SPARE):
            people.join(b"demo", b"member %d" % number)
        await_metrics(relay, lambda now: now.value("relay_members") == 3 * SPARE + 1).check_books()
