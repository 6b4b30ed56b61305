"""Members whose programs die: the living lose nothing, the dead are evicted, and the relay rests."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from conformance.people import People
from conformance.relays import OwnRelay, Relay
from e2e.relay_metrics import await_metrics, scrape
from faults.crowd import Crowd, close_abruptly
from faults.process import cpu_seconds
from faults.relays import StartRelay
from faults.spoof import entered, strange_network
from faults.weakened import blame_whoever_is_next

LIVING, DEAD = 10, 20
MESSAGES_A_SECOND = 20.0
AT_ONCE = 30
EVICTED_WITHIN_SECONDS = 20.0
IDLE_WINDOW_SECONDS = 3.0
IDLE_SHARE = 0.03
SUBNET = 120
MANY = 98
"""So many that the dead are two of a hundred."""


def test_live_members_lose_nothing_and_dead_ones_are_evicted(start_relay: StartRelay) -> None:
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


def test_dead_members_are_evicted_and_no_message_is_lost_when_many_send_at_once(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with amid_the_dead(relay) as crowd:
        deadline = time.monotonic() + 3 * EVICTED_WITHIN_SECONDS
        while evicted(relay) < DEAD:
            assert time.monotonic() < deadline, "they weren't evicted in time"
            speak_at_once(relay, crowd)
            crowd.check_nothing_lost()
        assert scrape(relay).value("relay_members") == LIVING


def test_control_a_relay_that_blames_the_next_member_loses_messages(start_relay: StartRelay) -> None:
    """Threat R12: a pending error about a dead member is returned for the next copy, whichever member that is for."""
    relay = start_relay.weakened(blame_whoever_is_next, RELAY_COMPLETION_PAUSE_SECONDS="0")
    with amid_the_dead(relay) as crowd:
        for accepted in range(LIVING + DEAD + 1, 2 * LIVING + DEAD + 1):
            crowd.say_next()  # on its own: several in one turn go to the dead first, and then to who speaks
            await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == accepted)  # noqa: B023
        lost = crowd.count_lost()
        assert 0 < lost <= scrape(relay).total("relay_send_failures_total")


@contextmanager
def amid_the_dead(relay: OwnRelay) -> Iterator[Crowd]:
    """Have members who live, each in the row after one whose program has just died."""
    with People(relay.relay) as people:
        living = [people.create(b"demo", b"living 0")]
        dead = []
        for number in range(DEAD):
            dead.append(people.join(b"demo", b"dead %d" % number))
            if len(living) < LIVING:
                living.append(people.join(b"demo", b"living %d" % len(living)))
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == LIVING + DEAD)
        close_abruptly(dead)
        yield Crowd(living)


def speak_at_once(relay: OwnRelay, crowd: Crowd) -> None:
    """Let members speak so that all of it waits for the relay's next look."""
    relay.process.send_signal(signal.SIGSTOP)
    for _ in range(AT_ONCE):
        crowd.say_next()
    relay.process.send_signal(signal.SIGCONT)


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


@pytest.mark.needs("namespaces")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("loop", ["uvloop"])
def test_dead_and_vanished_members_make_the_others_lose_nothing(start_relay: StartRelay) -> None:
    """One whose program died, one whose machine is gone from its network, and many who talk (threat R12)."""
    relay = start_relay(RELAY_HOST="::", RELAY_COMPLETION_PAUSE_SECONDS="0")
    where = relay.relay
    with strange_network(SUBNET) as far_away, People(where) as people, ExitStack() as stack:
        living = [people.create(b"demo", b"living 0")]
        living += [people.join(b"demo", b"living %d" % number) for number in range(1, MANY)]
        dead = people.join(b"demo", b"dead")
        with entered(far_away):
            there = Relay(far_away.gateway, where.tcp_port, where.udp_port, where.lobby_port)
            mute = stack.enter_context(People(there)).join(b"demo", b"mute")
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == MANY + 2)
        crowd = Crowd(living)
        close_abruptly([dead])
        far_away.run("ip", "address", "flush", "dev", "eth0")
        crowd.talk_until(lambda: evicted(relay) >= 1, MESSAGES_A_SECOND, 2 * EVICTED_WITHIN_SECONDS)
        crowd.check_nothing_lost()
        assert mute.waiting()[-1:] != [b"server: disconnected: unreachable"]
