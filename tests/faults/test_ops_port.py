"""Strangers at the operators' HTTP port: pages are served, joins go on, and the log stays as it is."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from conformance import wire
from conformance.people import People, call
from conformance.relays import OwnRelay
from e2e.containers.waiting import eventually
from e2e.relay_metrics import DEADLINE_SECONDS, scrape
from faults.relays import StartRelay, check_alive
from faults.test_descriptors import open_descriptors
from faults.weakened import answer_to_any_name, let_ops_connections_stay
from relay_server.net.descriptors import OPS_CONNECTIONS
from relay_server.net.http import REQUEST_SECONDS
from waiting import wait_until

SPARE = 30
"""Descriptors for some joins, and for connections that are just being opened and closed."""
BEGINNINGS = (b"", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
BAD = (
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
)

guarded_or_not = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])


@contextmanager
def to_ops_port(own: OwnRelay, count: int = 1, beginning: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open so many connections that send this."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", own.ops_port), DEADLINE_SECONDS)
            opened.append(stack.enter_context(connection))
            connection.sendall(beginning)
        yield opened


def answer_to(own: OwnRelay, request: bytes) -> bytes:
    """Return the first line of the answer to a request on a connection of its own."""
    with to_ops_port(own, beginning=request) as (connection,), connection.makefile("rb") as answer:
        first = answer.readline()
        answer.read()
    return first


@guarded_or_not
@pytest.mark.parametrize("beginning", BEGINNINGS, ids=["silent", "half"])
def test_idle_ops_connections_take_no_descriptors_from_joins(
    start_relay: StartRelay, guarded: bool, beginning: bytes
) -> None:
    settings = {"RELAY_COMPLETION_PAUSE_SECONDS": "0"}
    own = (
        start_relay(**settings) if guarded else start_relay.weakened(let_ops_connections_stay, check_alive, **settings)
    )
    limit = open_descriptors(own) + OPS_CONNECTIONS + SPARE
    resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with People(own.relay) as people:
        ann, bob = people.pair(b"demo")
        with to_ops_port(own, 3 * limit, beginning):
            if guarded:
                for number in range(10):
                    people.join(b"demo", b"guest %d" % number).leave()
                    assert scrape(own).value("relay_members") >= 2
                assert "accept_failed" not in own.said()
            else:
                eventually(lambda: "accept_failed" in own.said(), own.said)  # the relay takes few connections a turn
                with call(own.relay) as late:
                    late.sendall(wire.frame(wire.JOIN, wire.REQUEST, b"demo", b"late"))
                    late.settimeout(1)
                    with pytest.raises(TimeoutError):
                        late.recv(1)
            ann.say(b"hello")
            bob.receive_until(lambda data: data == b"ann: hello")


@guarded_or_not
def test_an_incomplete_ops_request_is_closed_at_its_deadline(start_relay: StartRelay, guarded: bool) -> None:
    own = start_relay() if guarded else start_relay.weakened(let_ops_connections_stay)
    with to_ops_port(own, beginning=BEGINNINGS[1]) as (connection,):
        connection.settimeout(DEADLINE_SECONDS if guarded else 1.5 * REQUEST_SECONDS)
        if guarded:
            assert connection.recv(1) == b""
        else:
            with pytest.raises(TimeoutError):
                connection.recv(1)


@guarded_or_not
def test_a_web_page_with_another_host_name_cant_read_the_metrics(start_relay: StartRelay, guarded: bool) -> None:
    """DNS rebinding: a web page's own name is pointed at this machine, and its browser asks by that name."""
    own = start_relay() if guarded else start_relay.weakened(answer_to_any_name)
    asked = b"GET /metrics HTTP/1.1\r\nHost: %s:9100\r\nConnection: close\r\n\r\n"
    assert answer_to(own, asked % b"evil.example").split()[1] == (b"421" if guarded else b"200")
    for name in (b"localhost", b"127.0.0.1", b"[::1]", b"relay"):
        assert answer_to(own, asked % name).split()[1] == b"200"


def test_bad_ops_requests_are_not_logged(start_relay: StartRelay) -> None:
    own = start_relay()
    wait_until(lambda: '"listening"' in own.said())  # which is written aside, perhaps after it is ready
    before = own.said()
    for number in range(300):
        status = answer_to(own, BAD[number % len(BAD)]).split()[1]
        assert status in {b"200", b"400", b"421"}
    assert own.said() == before
