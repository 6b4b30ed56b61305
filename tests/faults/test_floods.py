"""Floods that somebody sends from an address of their own: guesses, garbage, and too many messages."""

import random
import socket
import time
from collections.abc import Iterator

import pytest

from conformance import wire
from conformance.people import DISCONNECTED, People
from e2e.relay_metrics import await_metrics, scrape
from faults.crowd import Crowd
from faults.pair import honest_pair
from faults.relays import StartRelay
from faults.weakened import move_at_once, short_tokens
from relay_server.parts import new_token

BURST = 1000
"""So many small datagrams fit into the receive buffer with those of the honest."""
GUESSES_A_SECOND = 20
"""The rate at which an address's guesses are looked up, and its burst."""
GARBAGE_A_SECOND, HONEST_A_SECOND = 50_000, 100.0
FLOOD_A_SECOND = 10_000
RATE, SPARE = 20, 40
"""Messages a second, and at once, that a member may say by default."""
LIMITS = {"RELAY_MESSAGE_RATE": str(RATE), "RELAY_MESSAGE_BURST": str(SPARE)}
STRIKE_SECONDS = 30
"""A member that floods for this long is evicted."""
SLACK_SECONDS = 60.0


def bursts(total: int) -> Iterator[int]:
    """Yield how many to send at once, so that it comes to so many."""
    for start in range(0, total, BURST):
        yield min(BURST, total - start)


@pytest.mark.timeout(300)
def test_a_million_guessed_tokens_are_all_dropped(start_relay: StartRelay) -> None:
    """Guesses are dropped, but members can still send, even behind the guesser's address (threat U6)."""
    relay = start_relay()
    chance, count = random.Random(6), 1_000_000
    with honest_pair(relay) as pair, People(relay.relay) as people:
        eve, bob = people.create(b"near", b"eve", source="127.0.0.9"), people.join(b"near", b"bob")
        bob.heard(after=eve)
        guesser = people.listener(relay.relay.udp_port, "127.0.0.9")
        before, said, start = scrape(relay), pair.said, time.monotonic()
        for size in bursts(count):
            for _ in range(size):
                guesser.send(wire.chat(b"near", b"%022x" % chance.getrandbits(88), b"open"))
            pair.talk()
        eve.say(b"still here")
        assert bob.hear() == b"eve: still here"
        seconds, after = time.monotonic() - start, scrape(relay)
        accepted = "relay_datagrams_accepted_total"
        assert after.total(accepted) - before.total(accepted) == pair.said - said + 1
        looked_up, passed_over = (
            after.value("relay_datagrams_dropped_total", reason=reason) for reason in ("unknown_token", "guessing")
        )
        assert 0 < looked_up <= GUESSES_A_SECOND * (seconds + 1) + 1
        assert looked_up + passed_over == count - after.value("relay_kernel_drops_total")
        assert guesser.waiting() == []


def test_control_tokens_of_one_byte_are_guessed(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(short_tokens)
    with People(relay.relay) as people:
        eve, bob = people.create(b"near", b"eve"), people.join(b"near", b"bob")
        bob.heard(after=eve)
        guesser = people.listener(relay.relay.udp_port, people.local)
        for token in range(256):
            guesser.send(wire.chat(b"near", b"%02x" % token, b"open"))
        assert bob.hear() == b"eve: open"


def test_tokens_are_unique() -> None:
    count = 1_000_000
    tokens = {new_token() for _ in range(count)}
    assert len(tokens) == count
    assert {len(token) for token in tokens} == {22}  # 128 bits, six to a character


@pytest.mark.timeout(300)
def test_garbage_loses_no_honest_message(start_relay: StartRelay) -> None:
    """The kernel counts all datagrams that overflow its buffer; with time to read, none is lost (threat U14)."""
    relay, seconds, sent = start_relay(), 60, 0
    chance = random.Random(7)
    garbage = [chance.randbytes(chance.randrange(200)) for _ in range(BURST)]
    with People(relay.relay) as people, socket.socket(type=socket.SOCK_DGRAM) as vandal:
        crowd = Crowd([people.create(b"honest", b"ann"), people.join(b"honest", b"bob")])
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == 2)
        vandal.connect((relay.relay.host, relay.relay.udp_port))
        start = time.monotonic()

        def flood() -> bool:
            nonlocal sent
            elapsed = time.monotonic() - start
            due = min(BURST, int(elapsed * GARBAGE_A_SECOND) - sent)
            for datagram in garbage[:due]:
                vandal.send(datagram)
            sent += due
            return elapsed > seconds

        crowd.talk_until(flood, HONEST_A_SECOND, seconds + SLACK_SECONDS)
        lost = crowd.count_lost()
        after = scrape(relay)
        kernel_drops = after.value("relay_kernel_drops_total")
        assert lost <= kernel_drops
        assert after.total("relay_datagrams_dropped_total") <= sent
        assert after.total("relay_datagrams_received_total") + kernel_drops == 2 + crowd.said + sent


def test_control_garbage_fills_a_small_buffer(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_RECEIVE_BUFFER_BYTES="4096")
    with socket.socket(type=socket.SOCK_DGRAM) as vandal:

        def is_full() -> bool:
            for _ in range(BURST):
                vandal.sendto(b"garbage", (relay.relay.host, relay.relay.udp_port))
            return scrape(relay).value("relay_kernel_drops_total") > 0

        deadline = time.monotonic() + SLACK_SECONDS
        while not is_full():
            assert time.monotonic() < deadline


@pytest.mark.timeout(300)
def test_a_flooded_room_doesnt_disturb_other_rooms(start_relay: StartRelay) -> None:
    """The flooder's room hears what the bucket lets through, other rooms lose nothing (threat U12)."""
    relay = start_relay(**LIMITS)
    seconds, sent, heard = STRIKE_SECONDS + 10, 0, 0
    with honest_pair(relay) as pair, People(relay.relay) as people:
        flooder, victim = people.pair(b"flooded")
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            for _ in range(BURST):
                flooder.say(b"flood %d" % sent)
                sent += 1
            pair.talk()
            heard += sum(data.startswith(b"ann: flood") for data in victim.waiting())
            time.sleep(max(0.0, start + sent / FLOOD_A_SECOND - time.monotonic()))  # no faster than the flood is to be
        pair.talk()
        elapsed = time.monotonic() - start
        heard += sum(data.startswith(b"ann: flood") for data in victim.waiting())
        assert SPARE <= heard <= SPARE + RATE * elapsed + 1
        told = flooder.waiting()
        assert sum(b"slow down" in data for data in told) <= elapsed + 1
        assert DISCONNECTED + b"abuse" in told
        assert scrape(relay).value("relay_evictions_total", reason="abuse") == 1


def test_control_without_a_limit_the_room_hears_the_whole_flood(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_MESSAGE_RATE="0")
    with People(relay.relay) as people:
        flooder, victim = people.pair(b"flooded")
        for number in range(BURST):
            flooder.say(b"flood %d" % number)
            assert victim.hear() == b"ann: flood %d" % number


def quarrel(people: People, seconds: float) -> float:
    """Let two ports use one token in turn, while somebody speaks; returns how long it took.

    Every message arrives at one of the two, and once.
    """
    ann, eve = people.create(b"demo", b"ann"), people.join(b"demo", b"eve")
    ann.heard(after=eve)
    thief = people.listener(people.relay.udp_port, people.local)
    keep_alive = wire.chat(b"demo", eve.token)
    heard: list[bytes] = []
    said = 0
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        for port in (thief, eve):
            port.send(keep_alive)
        ann.say(b"message %d" % said)
        said += 1
        deadline = time.monotonic() + SLACK_SECONDS
        while not (news := [*eve.waiting(), *thief.waiting()]):
            assert time.monotonic() < deadline, f"message {said - 1} is lost"
        heard += news
    assert heard == [b"ann: message %d" % number for number in range(said)]
    return time.monotonic() - start


@pytest.mark.timeout(120)
def test_two_competing_ports_move_a_member_once_a_second(start_relay: StartRelay) -> None:
    relay = start_relay()
    with People(relay.relay) as people:
        elapsed = quarrel(people, 20)
        changes = scrape(relay).value("relay_address_changes_total")
        assert 1 <= changes <= elapsed + 1


def test_control_without_that_limit_a_member_moves_all_the_time(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(move_at_once)
    with People(relay.relay) as people:
        elapsed = quarrel(people, 2)
        assert scrape(relay).value("relay_address_changes_total") > elapsed + 1
