"""Thousands of connections that never ask for anything whole (threat T2): they go, and honest people come meanwhile."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance import wire
from conformance.people import People
from e2e.relay_metrics import await_metrics
from faults.burst import burst
from faults.crowd import Crowd
from faults.process import resident_kib
from faults.relays import StartRelay
from faults.slow import CLOSED_WITHIN_SECONDS, can_open, slow_crowd
from faults.test_passwords import VAULT, join

ADDRESSES = [f"127.0.7.{number}" for number in range(1, 61)]
PER_ADDRESS = 100
MESSAGES_A_SECOND = 50.0
WARM_UP = 8
RESIDENT_GROWTH_KIB = 24 * 1024
"""What some 2000 connections at once leave behind in an allocator, and room: far less than they cost meanwhile."""


@pytest.mark.timeout(150)
def test_slow_connections_are_closed_and_joins_go_on(start_relay: StartRelay) -> None:
    count, rounds, interval = 5000, 9, 1.0
    if not can_open(count):
        pytest.skip(f"the limit of open files (ulimit -Hn) allows no {count} connections")
    places = 2000
    own = start_relay(
        RELAY_MAX_TRANSACTIONS=str(places),
        RELAY_MAX_TRANSACTIONS_PER_ADDRESS=str(PER_ADDRESS),
        RELAY_TRANSACTION_TIMEOUT_SECONDS="5",
        RELAY_COMPLETION_PAUSE_SECONDS="0",
    )
    with People(own.relay) as people, guests(people) as joins:
        crowd = Crowd([people.create(b"demo", b"ann"), *(people.join(b"demo", b"bob %d" % n) for n in range(4))])
        people.create(VAULT, b"ann", password="secret")
        await_metrics(own, lambda now: now.total("relay_datagrams_accepted_total") == 7)
        with burst(own.relay, [join("bob", "no") for _ in range(WARM_UP)], ADDRESSES) as guesses:
            assert guesses.count()[wire.WRONG_PASSWORD]  # threads that have hashed keep their memory: it is no growth
        before_kib = resident_kib(own.process.pid)
        with slow_crowd(own.relay.tcp_port, count, ADDRESSES, interval=interval, rounds=rounds) as slow:
            crowd.talk_until(lambda: joins.one_more() and slow.ended, MESSAGES_A_SECOND, CLOSED_WITHIN_SECONDS)
            slow.await_connected()
            during_kib = resident_kib(own.process.pid) - before_kib
            secret = [join(f"guest {number}", "secret") for number in range(500)]
            with burst(own.relay, secret, ADDRESSES) as with_password:
                crowd.talk_until(lambda: joins.one_more() and slow.ended, MESSAGES_A_SECOND, 2 * CLOSED_WITHIN_SECONDS)
                answers = with_password.count()
            ends = slow.ends()
        assert (ends.closed, ends.still_open) == (count, 0)
        assert set(answers) <= {wire.OK, wire.BUSY}
        assert answers[wire.OK] > 0
        # All who were answered learned why: others needed the place, or the time was over.
        assert set(ends.answers) == {wire.BUSY, wire.MALFORMED}
        assert ends.answers[wire.MALFORMED] <= places
        crowd.check_nothing_lost()
        metrics = await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
        assert metrics.value("relay_kernel_drops_total") == 0
    after_kib = resident_kib(own.process.pid) - before_kib
    assert after_kib < RESIDENT_GROWTH_KIB
    print(f"{joins}; all closed {ends.last_closed_after_seconds:.1f} s after the last had connected;", end=" ")
    print(f"memory {during_kib:+,} KiB during, {after_kib:+,} KiB after")


def test_without_a_deadline_slow_connections_stay(start_relay: StartRelay) -> None:
    """The control: what closes them is the deadline, and what keeps them few is the cap."""
    count = 300
    own = start_relay(RELAY_MAX_TRANSACTIONS="0", RELAY_TRANSACTION_TIMEOUT_SECONDS="3600")
    with slow_crowd(own.relay.tcp_port, count, ADDRESSES, interval=0.25, rounds=12) as slow:
        slow.await_connected()
        await_metrics(own, lambda now: now.value("relay_tcp_connections") == count)
        ends = slow.ends()
    assert (ends.closed, ends.still_open) == (0, count)


class Guests:
    """Honest joins, one after the other, and how long each took."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._seconds: list[float] = []

    def one_more(self) -> bool:
        start = time.monotonic()
        guest = self._people.join(b"open", b"guest %d" % len(self._seconds))
        self._seconds.append(time.monotonic() - start)
        guest.leave()
        return True

    def __str__(self) -> str:
        p50, p99 = statistics.median(self._seconds), statistics.quantiles(self._seconds, n=100)[98]
        return f"{len(self._seconds)} joins meanwhile, p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"


@contextmanager
def guests(people: People) -> Iterator[Guests]:
    """Have a room where everybody may come in."""
    people.create(b"open", b"ann")
    yield Guests(people)


def test_replaced_connections_dont_count_towards_the_cap(start_relay: StartRelay) -> None:
    """However many were pushed out, the next one comes in: no place is lost on the way."""
    own = start_relay(RELAY_MAX_TRANSACTIONS="5")
    for _ in range(3):
        with slow_crowd(own.relay.tcp_port, 100, ADDRESSES, interval=0.01, rounds=1) as slow:
            slow.await_connected()
            await_metrics(own, lambda now: now.value("relay_tcp_connections") <= 5)
            with People(own.relay) as people:
                people.pair(b"demo")
    await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
