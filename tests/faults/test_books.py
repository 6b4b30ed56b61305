"""The control of all that ends with a look at the books: of a relay that miscounts they don't balance."""

import socket

import pytest

from conformance.relays import OwnRelay
from e2e.streaming import StreamMember
from faults.pair import honest_pair
from faults.relays import StartRelay, check_sound
from faults.weakened import (
    count_no_copies,
    count_no_drops,
    count_no_stream_copies,
    count_no_stream_drops,
)
from faults.weakening import Weakness

MISCOUNTS = [count_no_drops, count_no_copies, count_no_stream_drops, count_no_stream_copies]


def check_miscounted(relay: OwnRelay) -> None:
    """Check that the check fails that other relays end with."""
    with pytest.raises(AssertionError, match=r"!= \d+"):
        check_sound(relay)


@pytest.mark.parametrize("weakness", MISCOUNTS)
def test_a_relay_that_miscounts_is_detected(start_relay: StartRelay, weakness: Weakness) -> None:
    relay = start_relay.weakened(weakness, check_miscounted)
    with honest_pair(relay) as pair, StreamMember(relay.relay, "honest", "eve") as eve:
        eve.send(say="x" * 5000)  # which is too long
        eve.speak_up()
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"garbage", (relay.relay.host, relay.relay.udp_port))
        pair.talk()
        assert [eve.hear("text")["text"] for _ in range(2)] == ["message 0", "message 1"]
