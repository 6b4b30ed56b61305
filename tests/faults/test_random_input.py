"""Random input by the million, over UDP and TCP, while two people talk: they lose nothing, and the relay lives on.

The receive buffer is the default of 4 MiB (RELAY_RECEIVE_BUFFER_BYTES), as far as the kernel grants it. The
attackers wait before they would fill it, so that the kernel has no reason to drop anything (CON-04), and each
datagram is the relay's to judge.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from conformance.people import People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.conftest import Chance
from faults.crowd import Crowd
from faults.planting import PLANTED, check_ended
from faults.relays import StartRelay, check_sound
from faults.vandals import Callers, Vandals

MESSAGES_A_SECOND = 100.0
SECONDS = 900.0
"""What the attack may take on the busiest machine."""
MINUTE = pytest.mark.timeout(SECONDS + 60)


@contextmanager
def honest_talk(relay: OwnRelay, people: People) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Let ann and bob talk while something else happens; at the end neither has lost a word."""
    crowd = Crowd(people.pair(b"honest"))

    def talk_during(attack: Callable[[], None]) -> None:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(attack)
            crowd.talk_until(running.done, MESSAGES_A_SECOND, SECONDS)
            running.result()

    yield talk_during
    crowd.check_nothing_lost()
    assert scrape(relay).value("relay_kernel_drops_total") == 0


@MINUTE
def test_random_datagrams(start_relay: StartRelay, chance: Chance) -> None:
    count = 1_000_000
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with (
        People(relay.relay) as people,
        honest_talk(relay, people) as talk_during,
        Vandals(relay, people, chance) as vandals,
    ):
        talk_during(lambda: vandals.attack(count))
    metrics = scrape(relay)
    received = sum(metrics.total(f"relay_{kind}datagrams_received_total") for kind in ("", "lobby_"))
    assert received >= vandals.sent == count
    for reason in ("malformed", "unknown_token", "invalid_utf8", "oversized"):
        assert metrics.value("relay_datagrams_dropped_total", reason=reason) > 0, f"no datagram was {reason}"
    check_no_errors(relay)


@MINUTE
def test_broken_sessions(start_relay: StartRelay, chance: Chance) -> None:
    count = 50_000
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    callers = Callers(relay, chance)
    with People(relay.relay) as people, honest_talk(relay, people) as talk_during:
        talk_during(lambda: callers.attack(count))
        metrics = await_metrics(relay, lambda now: now.value("relay_tcp_connections") == 0)
    assert callers.sessions == count
    assert metrics.value("relay_tcp_aborted_total") > 0
    check_no_errors(relay)


def check_no_errors(relay: OwnRelay) -> None:
    """Check that the relay found nothing to complain about."""
    records = [json.loads(line) for line in relay.said().splitlines()]
    assert {record["level"] for record in records} <= {"info"}, relay.said()


# The controls: what these tests look at does show when something is wrong.


def test_a_stalled_relay_is_detected(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_RECEIVE_BUFFER_BYTES="4096")
    with People(relay.relay) as people:
        crowd = Crowd(people.pair(b"honest"))
        relay.process.send_signal(signal.SIGSTOP)
        for _ in range(300):
            crowd.say_next()
        relay.process.send_signal(signal.SIGCONT)
        await_metrics(relay, lambda now: now.value("relay_kernel_drops_total") > 0)
        with pytest.raises(AssertionError, match="message"):
            crowd.check_nothing_lost(within_seconds=1)


def test_an_exception_is_detected(start_relay: StartRelay) -> None:
    relay = start_relay.buggy("relay_server.core.lobby:parse_lobby", error="IndexError", check=check_ended)
    check_no_errors(relay)
    relay.break_()
    with People(relay.relay) as people:
        stranger = people.listener(relay.relay.lobby_port, people.local)
        deadline = time.monotonic() + SECONDS
        while relay.process.poll() is None and time.monotonic() < deadline:
            stranger.send(b"\x04here")
            time.sleep(0.05)
    assert PLANTED in relay.said()
    with pytest.raises(AssertionError):
        check_no_errors(relay)
    with pytest.raises(AssertionError):
        check_sound(relay)
