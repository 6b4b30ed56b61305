"""Buckets: how much at once, how much in the long run, and how many of them are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.address import network_of, parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.limits import AROUND_FACTORS, MAX_TRACKED, Buckets, NetworkBuckets, SpeechLimit, TokenBucket
from services.relay_server.core.policies import unlimited


@pytest.mark.requirement("LIM-01")
def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=2.0, burst=3.0, now=0.0)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(1, 0.25)
    assert bucket.take(1, 0.5)
    assert [bucket.take(1, 100.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_given_back_can_be_taken_again_but_no_more_than_the_bucket_holds() -> None:
    bucket = TokenBucket(rate=1.0, burst=3.0, now=0.0)
    assert bucket.take(3, 0.0)
    bucket.give_back(2)
    assert not bucket.take(3, 0.0)
    assert bucket.take(2, 0.0)
    bucket.give_back(5)
    assert not bucket.take(4, 0.0)
    assert bucket.take(3, 0.0)


def test_a_refused_amount_takes_nothing() -> None:
    bucket = TokenBucket(rate=1.0, burst=5.0, now=0.0)
    assert not bucket.take(6, 0.0)
    assert bucket.take(5, 0.0)


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=200),
)
@pytest.mark.requirement("LIM-01")
def test_nobody_gets_more_than_burst_and_rate_allow(rate: int, burst: int, pauses: list[float]) -> None:
    bucket = TokenBucket(rate, burst, 0.0)
    now = 0.0
    granted = 0
    for pause in pauses:
        now += pause
        granted += bucket.take(1, now)
        assert granted <= burst + rate * now + 1e-6


@pytest.mark.requirement("LIM-01")
def test_networks_have_a_bucket_each() -> None:
    buckets = Buckets(rate=1.0, burst=1.0)
    assert buckets.take(b"a", 0.0)
    assert not buckets.take(b"a", 0.0)
    assert buckets.take(b"b", 0.0)
    assert buckets.take(b"a", 1.0)


def test_a_rate_of_zero_is_no_limit() -> None:
    buckets = Buckets(rate=0.0, burst=0.0)
    assert all(buckets.take(b"a", 0.0) for _ in range(100))
    assert not buckets._buckets


def test_buckets_of_spoofed_networks_are_bounded_and_the_longest_unused_goes_first() -> None:
    buckets = Buckets(rate=1.0, burst=1.0)
    buckets.take(b"first", 0.0)
    buckets.take(b"second", 0.0)
    for number in range(MAX_TRACKED - 2):
        buckets.take(b"%d" % number, 0.0)
    assert not buckets.take(b"first", 0.0)  # still known, and used just now
    buckets.take(b"one more", 0.0)
    assert len(buckets._buckets) == MAX_TRACKED
    assert not buckets.take(b"first", 0.0)
    assert buckets.take(b"second", 0.0)  # forgotten: a fresh bucket


@pytest.mark.requirement("LIM-01")
def test_messages_and_bytes_have_limits_of_their_own() -> None:
    limit = SpeechLimit(unlimited(message_rate=1.0, message_burst=2), 0.0)
    assert [limit.exceeded(10**6, 0.0) for _ in range(3)] == [None, None, DropReason.MESSAGE_RATE]
    limit = SpeechLimit(unlimited(byte_rate=10_000.0), 0.0)
    assert [limit.exceeded(10_000, 0.0) for _ in range(3)] == [None, None, DropReason.BYTE_RATE]
    assert limit.exceeded(0, 0.0) is None
    limit = SpeechLimit(unlimited(), 0.0)
    assert limit.exceeded(10**6, 0.0) is None


def test_a_slow_byte_rate_still_lets_the_largest_message_through() -> None:
    limit = SpeechLimit(unlimited(byte_rate=1.0), 0.0)
    assert limit.exceeded(4096, 0.0) is None


def taken(buckets: NetworkBuckets, *ips: str, now: float = 0.0) -> int:
    """Take from each as long as there is something; returns how much there was."""
    networks = [network_of(parse_ip(ip)) for ip in ips]
    return sum(buckets.take(network, now) for network in networks for _ in range(10))


@pytest.mark.requirement("LIM-01")
def test_ipv6_networks_draw_on_those_around_them_too() -> None:
    of_56, of_48 = AROUND_FACTORS
    buckets = NetworkBuckets(rate=1.0, burst=2.0)
    assert taken(buckets, "2001:db8:1::1") == 2
    assert taken(buckets, *(f"2001:db8:1:{number:x}::1" for number in range(1, 100))) == 2 * (of_56 - 1)
    assert taken(buckets, *(f"2001:db8:1:{number:x}00::1" for number in range(1, 100))) == 2 * (of_48 - of_56)
    assert taken(buckets, "2001:db8:2::1") == 2
    assert taken(buckets, *(f"192.0.2.{number}" for number in range(100))) == 200


@pytest.mark.requirement("LIM-01")
def test_a_network_that_has_nothing_left_takes_nothing_from_its_neighbours() -> None:
    buckets = NetworkBuckets(rate=1.0, burst=2.0)
    for _ in range(100):
        taken(buckets, "2001:db8:1:1::1")
    assert taken(buckets, "2001:db8:1:2::1") == 2


@pytest.mark.requirement("LIM-01")
def test_what_a_larger_network_refuses_is_not_taken_from_the_smaller_one() -> None:
    buckets = NetworkBuckets(rate=1.0, burst=2.0)
    taken(buckets, *(f"2001:db8:1:{number:x}::1" for number in range(1, 5)))
    assert taken(buckets, "2001:db8:1:5::1") == 0
    # After a second the /56 has 4 again, of which the fifth takes 2: its own bucket was full all the time.
    assert taken(buckets, "2001:db8:1:5::1", now=1.0) == 2


def test_no_rate_is_no_limit_for_networks() -> None:
    assert taken(NetworkBuckets(rate=0.0, burst=0.0), "2001:db8::1") == 10
