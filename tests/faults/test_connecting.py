"""Connections by the hundred from one address, which cost the relay more than what they ask for (threat T2)."""

import contextlib

import pytest

from conformance import wire
from conformance.people import ask, call
from conformance.relays import Relay
from e2e.relay_metrics import await_metrics
from faults.relays import StartRelay
from faults.weakened import count_no_connections
from relay_server.core.admission import CONNECTIONS_AT_ONCE

ATTACKER, ELSEWHERE = "127.0.0.2", "127.0.0.3"
OVER = 100
"""So many more than may come at once; on the slowest machine a few of them are due meanwhile, at two a second."""
RATE = "1"
REQUEST = wire.frame(wire.JOIN, wire.REQUEST, b"nowhere", b"ann")

pytestmark = pytest.mark.requirement("LIM-01")


def answered(relay: Relay) -> int:
    """Connect and ask again and again; returns how many were answered, be it that they ask too often."""
    count = 0
    for _ in range(CONNECTIONS_AT_ONCE + OVER):
        with contextlib.suppress(ConnectionError), call(relay, ATTACKER) as connection:
            connection.sendall(REQUEST)
            count += bool(wire.read_frames(connection))
    return count


def test_endless_connections_are_closed_without_an_answer_and_others_are_served(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_JOIN_RATE=RATE)
    count = answered(relay.relay)
    assert CONNECTIONS_AT_ONCE <= count < CONNECTIONS_AT_ONCE + OVER
    (reply,) = ask(relay.relay, REQUEST, ELSEWHERE)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])
    closed = CONNECTIONS_AT_ONCE + OVER - count
    await_metrics(relay, lambda now: now.value("relay_tcp_aborted_total") == closed)


def test_control_without_the_limit_each_connection_is_heard(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(count_no_connections, RELAY_JOIN_RATE=RATE)
    assert answered(relay.relay) == CONNECTIONS_AT_ONCE + OVER
