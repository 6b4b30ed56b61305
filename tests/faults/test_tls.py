"""TLS as a way to hurt a relay (threats T2 and T9): handshakes that stall, and more of them than there is time for."""

import contextlib
import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People, ask, call
from conformance.relays import OwnRelay, Relay
from conformance.tls import Authority, HandMade, ask_secure, secure
from e2e.relay_metrics import await_metrics
from faults.crowd import Crowd
from faults.records import Keys, TlsClient
from faults.relays import StartRelay, check_gone
from faults.weakened import count_no_records, write_after_the_end

ATTACKER = "127.0.0.2"
PLACES, STALLED, HONEST = 10, 40, 10
REQUEST = wire.frame(wire.JOIN, wire.REQUEST, b"nowhere", b"ann")
RATE = "0.4"
"""Joins a second, which is two handshakes at once."""
UPDATES = 2000
"""This number of records is over the limit of one connection, although the number of bytes isn't."""
FAILURES = "relay_tls_handshake_failures_total"
ABORTED = "relay_tcp_aborted_total"

pytestmark = pytest.mark.requirement("TCP-12")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def settings(authority: Authority, **others: str) -> dict[str, str]:
    return {f"RELAY_{name.upper()}": value for name, value in (authority.settings | others).items()}


def test_stalled_handshakes_dont_block_joins(start_relay: StartRelay, authority: Authority) -> None:
    limits = {"max_transactions": str(PLACES), "transaction_timeout_seconds": "3600"}
    relay = start_relay(**settings(authority, **limits))
    context = authority.context()
    with ExitStack() as stack:
        for number in range(STALLED):
            stalled = stack.enter_context(call(relay.relay, ATTACKER))
            stalled.sendall(HandMade(context).hello()[: 2 + number])
        for _ in range(HONEST):
            (reply,) = ask_secure(relay.relay, context, REQUEST)
            assert reply.payload == bytes([wire.NO_SUCH_ROOM])
    await_metrics(relay, lambda now: now.value("relay_tcp_connections") == 0)


def test_a_flood_of_handshakes_loses_no_message(start_relay: StartRelay, authority: Authority) -> None:
    relay = start_relay(**settings(authority, join_rate="5"))
    count = 5000
    with People(relay.relay) as people:
        crowd = Crowd([people.create(b"demo", b"ann"), people.join(b"demo", b"bob"), people.join(b"demo", b"eve")])
        flood = threading.Thread(target=shake_hands, args=(relay.relay, authority, count))
        flood.start()
        crowd.talk_until(lambda: not flood.is_alive(), rate=50, seconds=600)
        crowd.check_nothing_lost()
    metrics = await_metrics(
        relay,
        lambda now: now.value("relay_tls_handshakes_total") + now.total(FAILURES) + now.value(ABORTED) >= count,
    )
    assert metrics.value(FAILURES, reason="rate") > 0


def send_after_the_deadline(relay: Relay, late: bytes) -> None:
    """Begin a handshake, wait until the relay ends its side at the deadline, and go on then."""
    with call(relay, ATTACKER) as connection:
        connection.sendall(b"\x16\x03")
        assert connection.recv(1) == b""
        send_late(connection, late)


def ask_after_a_refused_handshake(relay: Relay, late: bytes) -> None:
    """Begin handshakes until the relay refuses one, and go on there in plain."""
    for _ in range(10):
        with call(relay, ATTACKER) as connection:
            connection.sendall(b"\x16\x03")
            connection.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                assert connection.recv(1) == b""
                send_late(connection, late)
                return
    raise AssertionError("no handshake was refused")


def send_late(connection: socket.socket, late: bytes) -> None:
    """Send this after the relay's end, and wait until it closes the connection; it says nothing more."""
    connection.settimeout(wire.WAIT_SECONDS)
    with contextlib.suppress(ConnectionError):
        connection.sendall(late)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


LATE = {
    "junk": (send_after_the_deadline, {"transaction_timeout_seconds": "0.3"}, b"\xff" * 16),
    "the rest of a hello": (send_after_the_deadline, {"transaction_timeout_seconds": "0.3"}, None),
    "a plain request": (ask_after_a_refused_handshake, {"join_rate": RATE}, REQUEST),
}


@pytest.mark.parametrize("late", LATE)
def test_bytes_after_the_relays_end_are_discarded(start_relay: StartRelay, authority: Authority, late: str) -> None:
    attack, limits, data = LATE[late]
    relay = start_relay(**settings(authority, **limits))
    attack(relay.relay, data or HandMade(authority.context()).hello()[2:])
    (reply,) = ask(relay.relay, REQUEST)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.parametrize("late", LATE)
def test_control_a_write_after_the_end_crashes_a_relay(
    start_relay: StartRelay, authority: Authority, late: str
) -> None:
    attack, limits, data = LATE[late]
    relay = start_relay.weakened(write_after_the_end, check_gone, **settings(authority, **limits))
    with contextlib.suppress(OSError, AssertionError):
        attack(relay.relay, data or HandMade(authority.context()).hello()[2:])
    await_end(relay)


def await_end(relay: OwnRelay) -> None:
    assert relay.process.wait(wire.WAIT_SECONDS) == 1
    assert "after write_eof" in relay.said()


@pytest.mark.parametrize("asking", [True, False], ids=["answered", "unanswered"])
def test_key_updates_without_end_are_cut(
    start_relay: StartRelay, authority: Authority, tmp_path: Path, asking: bool
) -> None:
    relay = start_relay(**settings(authority))
    assert ask_after_key_updates(relay.relay, authority, tmp_path, asking=asking) == b""
    (reply,) = ask_secure(relay.relay, authority.context(), REQUEST)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.parametrize("asking", [True, False], ids=["answered", "unanswered"])
def test_control_without_the_record_limit_key_updates_continue(
    start_relay: StartRelay, authority: Authority, tmp_path: Path, asking: bool
) -> None:
    relay = start_relay.weakened(count_no_records, **settings(authority))
    answer = ask_after_key_updates(relay.relay, authority, tmp_path, asking=asking)
    assert answer == wire.frame(wire.JOIN, wire.REPLY, b"nowhere", bytes([wire.NO_SUCH_ROOM]))


def ask_after_key_updates(relay: Relay, authority: Authority, folder: Path, *, asking: bool) -> bytes:
    """Send a request after a great many key updates on one connection; returns the answer, empty if it was cut."""
    keys = Keys(folder / "keys")
    client = TlsClient(keys.contexts(authority)[ssl.TLSVersion.TLSv1_3], keys)
    answer = b""
    with call(relay, ATTACKER) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(client.hello)
        while not client.ready:
            client.feed(connection.recv(65_536))
        updates = (client.key_update(asking=asking) for _ in range(UPDATES))
        connection.sendall(client.to_send + b"".join(updates) + client.encrypt(REQUEST))
        while data := connection.recv(65_536):
            answer += client.feed(data)
    return answer


def shake_hands(relay: Relay, authority: Authority, count: int) -> None:
    """Do nothing but handshakes; those over the rate are cut."""
    context = authority.context()
    for _ in range(count):
        with contextlib.suppress(OSError), call(relay, ATTACKER) as connection, secure(connection, context):
            pass
