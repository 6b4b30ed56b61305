"""TLS on the TCP port (TCP-12): the same transactions, on the same port, under the same deadlines and caps."""

import json
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Listener, ask, call, status_of
from conformance.relays import Relay
from conformance.tls import Authority, HandMade, ask_secure, call_secure

pytestmark = [pytest.mark.requirement("TCP-12"), pytest.mark.level("extension")]

Start = Callable[..., Relay]
# Each set of settings is a process, so what doesn't get in each other's way is one set.
PATIENT = {"transaction_timeout_seconds": 3600, "completion_pause_seconds": 0.5}
STRICT = {"tls_required": "true", "tls_min_version": "1.2"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return authority.context()


@pytest.fixture(params=["uvloop", "asyncio"])
def start(request: pytest.FixtureRequest, start_relay: StartRelay, authority: Authority) -> Start:
    """Start a relay with a certificate, on each of the event loops."""
    common = {"event_loop": request.param, **PATIENT, **authority.settings}
    return lambda **settings: start_relay(**common | settings).relay


def create(room: bytes, payload: bytes = b"ann") -> bytes:
    return wire.frame(wire.CREATE, wire.REQUEST, room, payload)


def nowhere(payload: bytes = b"ann") -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, b"no such room, ever", payload)


def assert_cut(connection: socket.socket) -> None:
    """Check that the relay ends the connection, whatever it says before."""
    while connection.recv(65_536):
        pass


def test_tls_carries_the_same_frames_and_the_token_works_over_udp(
    start: Start, context: ssl.SSLContext, room: bytes
) -> None:
    relay = start()
    reply, completion = ask_secure(relay, context, create(room))
    assert reply == wire.Frame(wire.CREATE, wire.REPLY, room, bytes([wire.OK]))
    assert completion[:3] == (wire.CREATE, wire.COMPLETION, room)
    with Listener((relay.host, relay.udp_port), relay.host) as ann:
        ann.send(wire.chat(room, completion.payload))
        assert status_of(relay, create(room, b"bob")) == wire.ROOM_EXISTS  # and plain clients are served as ever
        (_, joined) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob"))
        ann.receive_until(lambda data: data == b"server: bob joined")
        with Listener((relay.host, relay.udp_port), relay.host) as bob:
            bob.send(wire.chat(room, joined.payload, b"hi ann"))
            ann.receive_until(lambda data: data == b"bob: hi ann")
        ann.send(wire.chat(room, completion.payload, b"/leave"))


def test_a_client_hello_may_arrive_byte_by_byte(start: Start, context: ssl.SSLContext) -> None:
    hand_made = HandMade(context)
    with call(start()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each byte in its own segment
        for byte in hand_made.hello():
            connection.sendall(bytes([byte]))
        finished = hand_made.shake_hands(connection)
        for byte in finished + hand_made.encrypt(nowhere()):
            connection.sendall(bytes([byte]))
        (reply,) = hand_made.read_frames(connection)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


def test_the_request_may_come_with_the_end_of_the_handshake(start: Start, context: ssl.SSLContext) -> None:
    hand_made = HandMade(context)
    with call(start()) as connection:
        connection.sendall(hand_made.hello())
        connection.sendall(hand_made.shake_hands(connection) + hand_made.encrypt(nowhere()))
        (reply,) = hand_made.read_frames(connection)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.requirement("TCP-08")
def test_each_frame_is_sent_in_its_own_tls_record(start: Start, context: ssl.SSLContext, room: bytes) -> None:
    with call_secure(start(), context) as connection:
        connection.sendall(create(room))
        assert connection.recv(4096) == wire.frame(wire.CREATE, wire.REPLY, room, bytes([wire.OK]))
        assert connection.recv(4096).startswith(bytes([len(room), wire.CREATE, wire.COMPLETION]))
        assert connection.recv(1) == b""


@pytest.mark.requirement("TCP-09", "LEN-02")
def test_two_bytes_of_port_are_taken_after_the_relay_ended_its_side(
    start: Start, context: ssl.SSLContext, room: bytes
) -> None:
    relay = start(provisional_address="true")
    with Listener((relay.host, relay.udp_port), relay.host) as ann, call_secure(relay, context) as connection:
        connection.sendall(create(room))
        _, completion = wire.read_frames(connection)  # up to close_notify
        connection.sendall(ann.udp.getsockname()[1].to_bytes(2, "big"))
        assert_cut_below(connection)  # it needn't linger any more, so it has taken the port
        ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob"))
        ann.receive_until(lambda data: data == b"server: bob joined")  # though it never sent a datagram
        ann.send(wire.chat(room, completion.payload, b"/leave"))


def assert_cut_below(connection: ssl.SSLSocket) -> None:
    """Check that TCP itself is ended, below a TLS that ended before."""
    with socket.socket(fileno=connection.detach()) as tcp:
        tcp.settimeout(wire.WAIT_SECONDS)
        assert_cut(tcp)


@pytest.mark.requirement("TCP-09")
def test_a_client_that_closes_without_reading_close_notify_stays_a_member(
    start: Start, context: ssl.SSLContext, room: bytes
) -> None:
    relay = start()
    with call_secure(relay, context) as connection:
        connection.sendall(create(room))
        wire.read_frame(connection)
        completion = wire.read_frame(connection)
        assert completion
        assert_readable(connection)  # close_notify: to close now is to reset
    for _ in range(2):  # the first connection may still be ending
        assert status_of(relay, create(room, b"bob")) == wire.ROOM_EXISTS
    with Listener((relay.host, relay.udp_port), relay.host) as ann:
        ann.send(wire.chat(room, completion.payload))
        ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob"))
        ann.receive_until(lambda data: data == b"server: bob joined")
        ann.send(wire.chat(room, completion.payload, b"/leave"))


def assert_readable(connection: socket.socket) -> None:
    """Wait until something has come that nobody has read."""
    assert select.select([connection], [], [], wire.WAIT_SECONDS)[0]


@pytest.mark.requirement("TCP-09")
def test_a_client_that_left_before_its_token_loses_its_membership(
    start: Start, context: ssl.SSLContext, room: bytes
) -> None:
    relay = start()
    with call_secure(relay, context) as connection:
        connection.sendall(create(room))
        wire.read_frame(connection)
    deadline = time.monotonic() + wire.WAIT_SECONDS
    while ask(relay, create(room, b"bob"))[0].payload != bytes([wire.OK]):
        assert time.monotonic() < deadline


def test_a_client_may_end_its_side_after_the_request(start: Start, context: ssl.SSLContext) -> None:
    hand_made = HandMade(context)
    with call(start()) as connection:
        connection.sendall(hand_made.hello())
        connection.sendall(hand_made.shake_hands(connection) + hand_made.encrypt(nowhere()))
        connection.shutdown(socket.SHUT_WR)
        (reply,) = hand_made.read_frames(connection)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.parametrize("payload", [b"ann", b'"ann"', b'{"username": "ann"}'])
def test_a_relay_that_requires_tls_refuses_plain_with_status_10(start: Start, room: bytes, payload: bytes) -> None:
    relay = start(**STRICT)
    assert ask(relay, create(room, payload)) == [wire.Frame(wire.CREATE, wire.REPLY, room, bytes([wire.NOT_SUPPORTED]))]


@pytest.mark.requirement("TCP-06")
def test_a_plain_json_request_is_refused_in_json_when_tls_is_required(
    start: Start, context: ssl.SSLContext, room: bytes
) -> None:
    relay = start(**STRICT)
    (reply,) = ask(relay, create(room, b'{"username": "ann", "password": "secret", "reply": "json"}'))
    told = json.loads(reply.payload)
    assert (told["status"], told["reason"]) == (wire.NOT_SUPPORTED, "not_supported")
    assert "TLS" in told["message"]
    (reply,) = ask_secure(relay, context, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob"))
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.requirement("TCP-03")
@pytest.mark.parametrize("cut", [2, 5, 100])
def test_half_a_client_hello_is_cut_at_the_deadline(start: Start, context: ssl.SSLContext, cut: int) -> None:
    with call(start(transaction_timeout_seconds=0.5)) as connection:
        connection.sendall(HandMade(context).hello()[:cut])
        assert_cut(connection)


@pytest.mark.requirement("TCP-03")
def test_a_handshake_that_stalls_is_cut_at_the_deadline(start: Start, context: ssl.SSLContext) -> None:
    hand_made = HandMade(context)
    with call(start(transaction_timeout_seconds=0.5)) as connection:
        connection.sendall(hand_made.hello())
        hand_made.shake_hands(connection)
        assert_cut(connection)


@pytest.mark.requirement("TCP-03")
def test_the_deadline_counts_from_the_connection_on_not_from_the_handshake(
    start: Start, context: ssl.SSLContext
) -> None:
    with call_secure(start(transaction_timeout_seconds=0.5), context) as connection:
        connection.sendall(nowhere()[:-1])
        (reply,) = wire.read_frames(connection)
    assert reply.payload == bytes([wire.MALFORMED])


def test_one_byte_of_a_client_hello_is_not_tls_yet(start: Start) -> None:
    with call(start(transaction_timeout_seconds=0.5)) as connection:
        connection.sendall(b"\x16")
        (reply,) = wire.read_frames(connection)
    assert reply.payload == bytes([wire.MALFORMED])


def test_a_request_with_a_room_name_of_22_bytes_is_not_taken_for_tls(start: Start) -> None:
    with call(start()) as connection:
        request = wire.frame(wire.JOIN, wire.REQUEST, b"a name of twenty-two b", b"ann")
        assert request[0] == 0x16
        connection.sendall(request[:1])
        connection.sendall(request[1:])
        (reply,) = wire.read_frames(connection)
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


@pytest.mark.requirement("ROOM-05")
def test_a_handshake_counts_as_a_transaction(start: Start, context: ssl.SSLContext) -> None:
    relay = start(max_transactions_per_address=2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(call(relay)).sendall(HandMade(context).hello()[:100])
        with call(relay) as connection:
            connection.sendall(HandMade(context).hello())
            (reply,) = wire.read_frames(connection)
    assert reply.payload == bytes([wire.BUSY])  # in plain: who comes isn't looked at


def test_bytes_that_begin_like_tls_but_are_not_are_cut_at_once(start: Start) -> None:
    with call(start()) as connection:
        connection.sendall(b"\x16\x03" + bytes(100))
        assert_cut(connection)


def test_plain_words_are_no_tls(start: Start, context: ssl.SSLContext) -> None:
    relay = start()
    with call_secure(relay, context) as connection, socket.socket(fileno=connection.detach()) as tcp:
        tcp.settimeout(wire.WAIT_SECONDS)
        tcp.sendall(nowhere())
        assert_cut(tcp)


def test_the_oldest_version_is_a_setting(start: Start, authority: Authority) -> None:
    old = authority.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        ask_secure(start(), old, nowhere())
    (reply,) = ask_secure(start(**STRICT), old, nowhere())
    assert reply.payload == bytes([wire.NO_SUCH_ROOM])


def test_a_relay_without_a_certificate_refuses_tls_like_any_wrong_request(
    start_relay: StartRelay, context: ssl.SSLContext
) -> None:
    (reply,) = ask(start_relay().relay, HandMade(context).hello())
    assert reply.payload == bytes([wire.PAYLOAD_TOO_LARGE])
