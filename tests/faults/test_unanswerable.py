"""Datagrams from where nothing can be sent: their senders are nobody, and cost no copy that the kernel would refuse."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance import wire
from conformance.people import Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.relays import StartRelay
from faults.spoof import raw_socket_here, udp_packet
from faults.weakened import answer_everywhere

pytestmark = [
    pytest.mark.needs("namespaces"),  # raw sockets are root's, too
    pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"]),
]

HOME = "127.0.0.1"
ROOM = b"demo"
MANY = 20
MESSAGES = 10


def start(start_relay: StartRelay, *, guarded: bool) -> OwnRelay:
    settings = {"RELAY_COMPLETION_PAUSE_SECONDS": "0", "RELAY_PROVISIONAL_ADDRESS": "false"}
    return start_relay(**settings) if guarded else start_relay.weakened(answer_everywhere, **settings)


@contextmanager
def from_port_0() -> Iterator[socket.socket]:
    """Open a socket for packets of our own: no other sends from port 0."""
    with raw_socket_here() as raw:
        yield raw


def test_members_at_port_0_are_sent_nothing(start_relay: StartRelay, guarded: bool) -> None:
    own = start(start_relay, guarded=guarded)
    where = (HOME, own.relay.udp_port)
    with People(own.relay) as people, from_port_0() as raw:
        ann, bob = people.pair(ROOM)
        judged = "relay_datagrams_dropped_total" if guarded else "relay_datagrams_accepted_total"
        labels = {"reason": "unanswerable"} if guarded else {}
        before = scrape(own).value(judged, **labels)
        for number in range(MANY):
            with Member(own.relay, wire.JOIN, ROOM, b"nobody %d" % number) as nobody:
                raw.sendto(udp_packet((HOME, 0), where, wire.chat(ROOM, nobody.token)), where)
        await_metrics(own, lambda now: now.value(judged, **labels) == before + MANY)
        for number in range(MESSAGES):
            ann.say(b"message %d" % number)
            bob.receive_until(lambda data, said=number: data == b"ann: message %d" % said)  # type: ignore[misc]
        failures = scrape(own).total("relay_send_failures_total")
        assert failures == (0 if guarded else MANY * MESSAGES)


def test_a_source_port_of_0_doesnt_enter_the_lobby(start_relay: StartRelay, guarded: bool) -> None:
    own = start(start_relay, guarded=guarded)
    where = (HOME, own.relay.lobby_port)
    with from_port_0() as raw:
        raw.sendto(udp_packet((HOME, 0), where, wire.lobby(b"nobody", b"hello")), where)
        metrics = await_metrics(own, lambda now: now.total("relay_lobby_datagrams_received_total") == 1)
    assert metrics.value("relay_lobby_datagrams_dropped_total", reason="unanswerable") == guarded
    assert metrics.value("relay_lobby_clients") == (not guarded)


def test_a_lobby_drops_datagrams_from_its_own_address(start_relay: StartRelay, guarded: bool) -> None:
    """A forged datagram from the lobby's own address would have it hear, and repeat, whatever it says."""
    own = start(start_relay, guarded=guarded)
    where = (HOME, own.relay.lobby_port)
    with from_port_0() as raw, socket.socket(type=socket.SOCK_DGRAM) as ann:
        raw.sendto(udp_packet(where, where, wire.lobby(b"mia", b"")), where)
        ann.sendto(wire.lobby(b"ann", b"hello"), where)
        count = 2 if guarded else 3
        metrics = await_metrics(own, lambda now: now.total("relay_lobby_datagrams_received_total") >= count)
    assert metrics.value("relay_lobby_clients") == (1 if guarded else 2)
