"""Browsers that never ask for anything whole (threat N12): they go, and honest people join meanwhile."""

import contextlib
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from conformance.people import People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.relays import StartRelay
from ports import free_ports

COUNT: Final = 1000
ADDRESSES: Final = [f"127.0.8.{number}" for number in range(1, 21)]
JOINS: Final = 100
HANDSHAKE: Final = (
    "GET /chat HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def start(start_relay: StartRelay, timeout_seconds: str) -> tuple[OwnRelay, int]:
    """Start a relay with a web port; returns that, too."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < COUNT + 200:
        pytest.skip(f"the limit of open files (ulimit -n) allows no {COUNT} connections")
    (port,) = free_ports(1)
    own = start_relay(
        RELAY_WEB_PORT=str(port),
        RELAY_TRANSACTION_TIMEOUT_SECONDS=timeout_seconds,
        RELAY_COMPLETION_PAUSE_SECONDS="0",
        RELAY_MAX_TRANSACTIONS_PER_ADDRESS="100",
    )
    return own, port


@contextmanager
def slow_browsers(port: int) -> Iterator[list[socket.socket]]:
    """Begin requests that never become whole; every second one opens a WebSocket and begins a message."""
    host = f"127.0.0.1:{port}"
    begun = [b"GET / HTTP/1.1\r\nX-Slow: ", HANDSHAKE.format(host=host).encode() + b"\x81\xfe\x7f\xff"]
    with ExitStack() as ends:
        browsers = []
        for number in range(COUNT):
            browser = ends.enter_context(socket.socket())
            browser.bind((ADDRESSES[number % len(ADDRESSES)], 0))
            browser.connect(("127.0.0.1", port))
            browser.sendall(begun[number % 2])
            browser.setblocking(False)
            browsers.append(browser)
        yield browsers


def drip(browsers: list[socket.socket]) -> None:
    """Send one more byte on each."""
    for browser in browsers:
        with contextlib.suppress(OSError):
            browser.send(b"x")


def join_all(own: OwnRelay, browsers: list[socket.socket]) -> list[float]:
    """Let people join one after the other, while the browsers go on; returns how long each took, in milliseconds."""
    took = []
    with People(own.relay) as people:
        people.create(b"demo", b"ann")
        for number in range(JOINS):
            began = time.perf_counter()
            people.join(b"demo", b"bob %d" % number)
            took.append((time.perf_counter() - began) * 1000)
            if number % 10 == 0:
                drip(browsers)
    return took


@pytest.mark.timeout(120)
def test_a_thousand_slow_browsers_delay_no_join(start_relay: StartRelay) -> None:
    own, port = start(start_relay, "3")
    with slow_browsers(port) as browsers:
        took = join_all(own, browsers)
        metrics = await_metrics(own, lambda now: now.value("relay_web_connections") == 0, 60)
        assert metrics.value("relay_web_chats") == 0
        assert metrics.total("relay_unexpected_errors_total") == 0
    print(f"joins beside {COUNT} slow browsers: p99 {statistics.quantiles(took, n=100)[98]:.0f} ms")


@pytest.mark.timeout(120)
def test_without_a_deadline_they_would_stay(start_relay: StartRelay) -> None:
    own, port = start(start_relay, "3600")
    with slow_browsers(port) as browsers:
        join_all(own, browsers)
        assert scrape(own).value("relay_web_connections") == COUNT
