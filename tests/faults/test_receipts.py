"""Answers to numbered messages as a mirror, and numbered messages sent again (threats N1 and N2)."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance import wire
from conformance.people import Listener, Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.conftest import Chance
from faults.pair import honest_pair
from faults.relays import StartRelay
from faults.weakened import answer_at_length, remember_no_numbers, trust_any_address

ROUNDS, ROUND = 200, 50
"""So many datagrams, in rounds that fit into any receive buffer."""
MORE_BYTES = 32
STRANGER = "127.0.7.7"
SPOOFED, BURST = 1_000_000, 1000
REPEATS = 1000


class Room:
    """Ann, who has receipts, bob, who listens, and a stranger who knows ann's token."""

    def __init__(self, own: OwnRelay, people: People, stranger: Listener) -> None:
        self.own, self.stranger = own, stranger
        self.ann = people.create(b"mirror", b"ann", features=["receipts", "notices"])
        self.bob = people.join(b"mirror", b"bob")
        self.ann.heard(after=self.bob)
        self.bob.waiting()

    def datagram(self, message: bytes) -> bytes:
        return wire.chat(self.ann.room, self.ann.token, message)

    def settle(self, datagrams: int) -> None:
        """Wait until the relay has judged all that was sent."""
        await_metrics(self.own, lambda now: now.value("relay_datagrams_received_total") >= datagrams)


@contextmanager
def room(own: OwnRelay) -> Iterator[Room]:
    with People(own.relay) as people, Listener((own.relay.host, own.relay.udp_port), STRANGER) as stranger:
        yield Room(own, people, stranger)


def messages(chance: Chance) -> Iterator[bytes]:
    """Yield numbered messages of all kinds: new and known numbers, short and long texts, what isn't relayed."""
    for number in itertools.count(1):
        known = chance.randint(1, number)
        yield from (b"/say %d" % number, b"/say %d hello" % known, b"/say %d \xff" % number, b"/say %d" % known)
        yield chance.choice([b"/say 4294967295", b"/say 0", b"/say %d " % number + bytes(3000)])


def send(sender: Listener, scene: Room, chance: Chance) -> tuple[list[bytes], list[bytes]]:
    """Send all of an attack; returns what was sent, and what the member heard of it."""
    sent, heard = list[bytes](), list[bytes]()
    before = scrape(scene.own).value("relay_datagrams_received_total")
    supply = messages(chance)
    for _ in range(ROUNDS):
        for message in itertools.islice(supply, ROUND):
            sent.append(scene.datagram(message))
            sender.send(sent[-1])
        scene.settle(int(before) + len(sent))
        heard += scene.ann.waiting()
    return sent, heard


def answers(heard: list[bytes]) -> list[bytes]:
    return [data for data in heard if b'said","n":' in data]


def is_mirror(sent: list[bytes], heard: list[bytes]) -> bool:
    """Tell whether more came back than RCP-04 allows."""
    return len(answers(heard)) > len(sent) or sum(map(len, answers(heard))) > sum(map(len, sent)) + 32 * len(sent)


def spoofed(scene: Room, chance: Chance) -> Iterator[bytes]:
    """Yield a thousand numbered messages again and again: with ann's token, or with one that nobody has."""
    known = list(itertools.islice(messages(chance), BURST))
    datagrams = [
        wire.chat(scene.ann.room, chance.choice([scene.ann.token, b"%022d" % number]), message)
        for number, message in enumerate(known)
    ]
    return itertools.cycle(datagrams)


@pytest.mark.timeout(300)
def test_a_million_numbered_messages_of_strangers_bring_no_byte(start_relay: StartRelay, chance: Chance) -> None:
    own = start_relay()
    with room(own) as scene, honest_pair(own) as pair:
        supply, before, heard = spoofed(scene, chance), scrape(own), pair.bytes_heard
        for _ in range(SPOOFED // BURST):
            for datagram in itertools.islice(supply, BURST):
                scene.stranger.send(datagram)
            pair.talk()  # so much fits into the receive buffer
        after = scrape(own)
        assert (scene.stranger.waiting(), scene.ann.waiting(), scene.bob.waiting()) == ([], [], [])
        assert (
            after.total("relay_bytes_sent_total") - before.total("relay_bytes_sent_total") == pair.bytes_heard - heard
        )
        for name in ("relay_notices_sent_total", "relay_receipts_total"):
            assert after.total(name) == before.total(name)
        dropped, lost = (
            after.total(name) - before.total(name)
            for name in ("relay_datagrams_dropped_total", "relay_kernel_drops_total")
        )
        assert dropped + lost == SPOOFED
        print(f"{dropped:,.0f} of {SPOOFED:,} reached the relay, {lost:,.0f} found its buffer full")


@pytest.mark.timeout(120)
def test_members_get_32_bytes_more_than_they_send_at_most(start_relay: StartRelay, chance: Chance) -> None:
    with room(start_relay()) as scene:
        sent, heard = send(scene.ann, scene, chance)
        assert len(answers(heard)) > ROUNDS * ROUND / 2
        assert not is_mirror(sent, heard)
        shortest = min(map(len, sent))
        assert max(map(len, answers(heard))) <= shortest + MORE_BYTES
        assert scene.stranger.waiting() == []


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_longer_answers_are_a_mirror(start_relay: StartRelay, chance: Chance) -> None:
    with room(start_relay.weakened(answer_at_length)) as scene:
        sent, heard = send(scene.ann, scene, chance)
        assert max(map(len, answers(heard))) > min(map(len, sent)) + MORE_BYTES


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_a_token_that_speaks_from_anywhere_brings_a_member_answers(
    start_relay: StartRelay, chance: Chance
) -> None:
    with room(start_relay.weakened(trust_any_address)) as scene:
        _, heard = send(scene.stranger, scene, chance)
        assert answers(heard)


def replay(scene: Room) -> list[bytes]:
    """Send a datagram again and again, early and late; returns what bob heard of it."""
    heard = list[bytes]()
    captured = scene.datagram(b"/say 1 captured")
    for number in range(2, 12):
        for _ in range(REPEATS // 10):
            scene.ann.send(captured)
            scene.ann.receive()
        say(scene.ann, number)
        heard += scene.bob.waiting()
    return [data for data in heard + scene.bob.heard(after=scene.ann) if data == b"ann: captured"]


def say(member: Member, number: int) -> None:
    member.say(b"/say %d another" % number)
    member.receive()


def test_a_captured_datagram_is_relayed_once(start_relay: StartRelay) -> None:
    with room(start_relay()) as scene:
        assert len(replay(scene)) == 1


@pytest.mark.parametrize("loop", ["uvloop"])
def test_control_without_a_window_it_is_relayed_each_time(start_relay: StartRelay) -> None:
    settings = {"RELAY_MESSAGE_RATE": "0", "RELAY_BYTE_RATE": "0"}
    with room(start_relay.weakened(remember_no_numbers, **settings)) as scene:
        assert len(replay(scene)) == REPEATS
