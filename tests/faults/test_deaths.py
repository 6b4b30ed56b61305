"""Members whose programs die: the living lose nothing, the dead are evicted, and the relay rests."""

import time

from conformance.people import People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.conftest import StartRelay
from faults.crowd import Crowd, close_abruptly
from faults.process import cpu_seconds

LIVING, DEAD = 10, 20
MESSAGES_A_SECOND = 20.0
EVICTED_WITHIN_SECONDS = 20.0
IDLE_WINDOW_SECONDS = 3.0
IDLE_SHARE = 0.03


def test_the_living_lose_nothing_and_the_dead_are_evicted(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with People(relay.relay) as people:
        living = [people.create(b"demo", b"living 0")]
        living += [people.join(b"demo", b"living %d" % number) for number in range(1, LIVING)]
        dead = [people.join(b"demo", b"dead %d" % number) for number in range(DEAD)]
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == LIVING + DEAD)
        crowd = Crowd(living)
        start = time.monotonic()
        crowd.talk_until(lambda: time.monotonic() > start + 1, MESSAGES_A_SECOND)
        close_abruptly(dead)
        crowd.talk_until(lambda: evicted(relay) == DEAD, MESSAGES_A_SECOND, EVICTED_WITHIN_SECONDS)
        crowd.talk_until(lambda: scrape(relay).value("relay_members") == LIVING, MESSAGES_A_SECOND)
        crowd.say_next()
        crowd.check_nothing_lost()
        told = sorted(b"server: dead %d was disconnected: unreachable" % number for number in range(DEAD))
        for member in living:
            assert sorted(notice for notice in crowd.notices[member] if b"unreachable" in notice) == told
        check_it_rests(relay)
        again = people.join(b"demo", b"dead 0")
        again.heard(after=living[0])
        living[0].say(b"welcome back")
        assert again.hear() == b"living 0: welcome back"


def evicted(relay: OwnRelay) -> int:
    metrics = scrape(relay)
    unreachable = metrics.value("relay_evictions_total", reason="unreachable")
    assert metrics.total("relay_evictions_total") == unreachable, "somebody was evicted for another reason"
    return int(unreachable)


def check_it_rests(relay: OwnRelay) -> None:
    """Measure the CPU time of a relay that nobody speaks to: what spins uses all of it."""
    pid = relay.process.pid
    cpu, start = cpu_seconds(pid), time.monotonic()
    time.sleep(IDLE_WINDOW_SECONDS)
    assert cpu_seconds(pid) - cpu < IDLE_SHARE * (time.monotonic() - start)
