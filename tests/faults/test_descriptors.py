"""A relay whose file descriptors could run out (threat T3): chat and joins go on, or come back with the descriptors."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People, call
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from e2e.streaming import RefusedError, StreamMember
from faults.crowd import Crowd
from faults.relays import StartRelay
from faults.slow import slow_crowd

SPARE = 10
ADDRESSES = [f"127.0.7.{number}" for number in range(1, 21)]
MESSAGES_A_SECOND = 50.0
LOG_LINES = 100
TEN_MINUTES = "600"


def open_descriptors(own: OwnRelay) -> int:
    return len(list(Path(f"/proc/{own.process.pid}/fd").iterdir()))


@contextmanager
def crowd_of(own: OwnRelay) -> Iterator[tuple[People, Crowd]]:
    """Have members who talk, and who must have heard everything in the end."""
    with People(own.relay) as people:
        crowd = Crowd([people.create(b"demo", b"ann"), people.join(b"demo", b"bob"), people.join(b"demo", b"eve")])
        await_metrics(own, lambda now: now.total("relay_datagrams_accepted_total") == 3)
        yield people, crowd
        crowd.say_next()
        crowd.check_nothing_lost()


def check_log(own: OwnRelay, count: int) -> None:
    """Check that the log didn't grow with the attack."""
    assert own.said().count("\n") < min(LOG_LINES, count)


@pytest.mark.timeout(120)
def test_more_connections_than_descriptors_stop_nobody(start_relay: StartRelay) -> None:
    """The relay knows how many it may open, and lets the slowest go before it has none left."""
    limit = 600
    own = start_relay(
        ("sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"),
        RELAY_TRANSACTION_TIMEOUT_SECONDS=TEN_MINUTES,
        RELAY_COMPLETION_PAUSE_SECONDS="0",
    )
    assert "descriptors_few" in own.said()
    with crowd_of(own) as (people, crowd):
        with slow_crowd(own.relay.tcp_port, 3 * limit, ADDRESSES, interval=1, rounds=1) as slow:
            crowd.talk_until(lambda: slow.ended, MESSAGES_A_SECOND, 60)
            slow.await_connected()
            for number in range(20):
                crowd.say_next()
                people.join(b"demo", b"guest %d" % number).leave()
            assert open_descriptors(own) < limit
        await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
        assert "accept_failed" not in own.said()
    check_log(own, 3 * limit)


@pytest.mark.timeout(120)
def test_the_relay_survives_running_out_of_descriptors(start_relay: StartRelay) -> None:
    """The control: here they are taken away while it runs, and there is nothing left to accept with."""
    own = start_relay(RELAY_TRANSACTION_TIMEOUT_SECONDS=TEN_MINUTES, RELAY_COMPLETION_PAUSE_SECONDS="0")
    with crowd_of(own) as (people, crowd):
        limit = open_descriptors(own) + SPARE
        resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        with slow_crowd(own.relay.tcp_port, 3 * limit, ADDRESSES, interval=1, rounds=1) as slow:
            slow.await_connected()  # the kernel takes them all, the relay only a few
            crowd.talk_until(lambda: "accept_failed" in own.said(), MESSAGES_A_SECOND)
            with call(own.relay) as late:
                late.sendall(wire.frame(wire.JOIN, wire.REQUEST, b"demo", b"late"))
                for _ in range(int(MESSAGES_A_SECOND)):
                    crowd.say_next()
                late.setblocking(False)
                with pytest.raises(BlockingIOError):
                    late.recv(1)
        released_at = time.monotonic()
        people.join(b"demo", b"dave")
        print(f"joins came back {(time.monotonic() - released_at) * 1000:.0f} ms after the descriptors")
        await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
    check_log(own, 3 * limit)


def fill_with_streams(own: OwnRelay, held: ExitStack, count: int) -> int:
    """Let so many ask for a stream, from some addresses; returns how many got one."""
    granted = 0
    for number in range(count):
        source = ADDRESSES[number % len(ADDRESSES)]
        try:
            held.enter_context(StreamMember(own.relay, "demo", f"stream {number}", source=source))
        except RefusedError as refused:
            if refused.status != wire.TOO_MANY:
                raise
        else:
            granted += 1
    return granted


@pytest.mark.requirement("STR-07")
def test_more_streams_than_descriptors_stop_nobody(start_relay: StartRelay) -> None:
    """The relay grants no more streams than there are descriptors besides those for joins."""
    limit = 400
    own = start_relay(("sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"))
    assert "descriptors_few" in own.said()
    with crowd_of(own) as (people, crowd), ExitStack() as held:
        granted = fill_with_streams(own, held, limit)
        counted = scrape(own)
        assert 0 < granted == counted.value("relay_streams") == counted.value("relay_streams_limit") < limit
        for number in range(20):
            crowd.say_next()
            people.join(b"demo", b"guest %d" % number).leave()
        assert open_descriptors(own) < limit
        assert "accept_failed" not in own.said()
    check_log(own, limit)


@pytest.mark.timeout(120)
def test_streams_that_take_all_descriptors_keep_others_from_joining(start_relay: StartRelay) -> None:
    """The control: here the relay grants more of them than there are descriptors."""
    own = start_relay()
    with crowd_of(own) as (people, crowd):
        limit = open_descriptors(own) + SPARE
        resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        with ExitStack() as held:
            assert fill_with_streams(own, held, SPARE - 1) == SPARE - 1
            late = [held.enter_context(call(own.relay)) for _ in range(SPARE)]
            crowd.talk_until(lambda: "accept_failed" in own.said(), MESSAGES_A_SECOND)
            late[-1].setblocking(False)
            with pytest.raises(BlockingIOError):
                late[-1].recv(1)
        people.join(b"demo", b"dave")


def test_members_cost_no_descriptors(start_relay: StartRelay) -> None:
    own = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    limit = open_descriptors(own) + SPARE
    resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with People(own.relay) as people:
        people.create(b"demo", b"ann")
        for number in range(3 * SPARE):
            people.join(b"demo", b"member %d" % number)
        assert scrape(own).value("relay_members") == 3 * SPARE + 1
