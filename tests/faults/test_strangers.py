"""Datagrams that prove no membership are never answered, whatever their content and source (CON-03, threats U2, U3)."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from conformance import wire
from conformance.people import Member, People
from conformance.relays import OwnRelay, Relay
from e2e.namespaces import Namespace
from e2e.relay_metrics import Metrics, await_metrics, scrape
from faults.pair import Pair, honest_pair
from faults.relays import StartRelay
from faults.spoof import Answers, entered, raw_socket, strange_network
from faults.strangers import TO_LOBBY, TO_ROOMS, Scene, packets
from faults.weakened import answer_strangers, trust_any_address

VARIANTS = 40
BURST = 1000
"""So many datagrams fit into the receive buffer, whatever their size, with those of the honest."""
SUBNET = 100
ACCEPTED_SO_FAR = 6
"""Four people's first words, and two who leave."""
SETTINGS = {"RELAY_HOST": "::", "RELAY_PENDING_TIMEOUT_SECONDS": "3"}


class Attack:
    """A relay with a scene of members, spoofed datagrams for it, and what comes back."""

    def __init__(self, relay: OwnRelay, network: Namespace, scene: Scene, subnet: int) -> None:
        self.relay = relay
        self.scene = scene
        self.network = network
        target = Relay(network.gateway, relay.relay.tcp_port, relay.relay.udp_port, relay.relay.lobby_port)
        self._packets = list(packets(scene, target, subnet, random.Random(4), VARIANTS))
        random.Random(5).shuffle(self._packets)

    def send(self, count: int, pair: Pair) -> Counter[str]:
        """Send so many while two honest people talk; returns how many of each kind."""
        sent: Counter[str] = Counter()
        supply = itertools.islice(itertools.cycle(self._packets), count)
        with raw_socket(self.network) as raw:
            while burst := list(itertools.islice(supply, BURST)):
                for name, packet in burst:
                    raw.sendto(packet, (self.network.gateway, 0))
                    sent[name] += 1
                pair.talk()
        return sent


@contextmanager
def attack_on(relay: OwnRelay, subnet: int) -> Iterator[Attack]:
    """Let people join from a network of their own, some go again, and the rest be attacked from there."""
    where = relay.relay
    with strange_network(subnet) as network, People(where) as near, ExitStack() as stack:
        far_relay = Relay(network.gateway, where.tcp_port, where.udp_port, where.lobby_port)
        with entered(network):
            far = stack.enter_context(People(far_relay))
            member = far.create(b"attacked", b"eve")
            left, closed = far.join(b"attacked", b"left"), far.create(b"closed", b"zoe")
            left.leave()
            closed.leave()
            never_used = stack.enter_context(Member(far_relay, wire.JOIN, b"attacked", b"never"))
        await_metrics(relay, lambda now: (now.value("relay_rooms"), now.value("relay_members")) == (1, 1))
        other = near.create(b"another", b"ann")
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == ACCEPTED_SO_FAR)
        member.waiting()
        scene = Scene(member, network.address, other, left.token, closed.token, never_used.token)
        yield Attack(relay, network, scene, subnet)


def spent(after: Metrics, before: Metrics, name: str) -> float:
    return after.total(name) - before.total(name)


one_loop = pytest.mark.parametrize("loop", ["uvloop"])
"""Each test has a network of its own, so it runs once."""


@pytest.mark.needs("namespaces")
@pytest.mark.timeout(300)
@one_loop
def test_a_million_spoofed_datagrams_get_no_answer(start_relay: StartRelay) -> None:
    relay = start_relay(**SETTINGS)
    with attack_on(relay, SUBNET) as attack, honest_pair(relay) as pair, Answers(attack.network) as answers:
        before = scrape(relay)
        said, heard = pair.said, pair.bytes_heard
        sent = attack.send(1_000_000, pair)
        assert len(sent) == len(TO_ROOMS) + len(TO_LOBBY) == 30
        after = scrape(relay)
        assert answers.packets() == []
        assert spent(after, before, "relay_bytes_sent_total") == pair.bytes_heard - heard
        assert spent(after, before, "relay_datagrams_sent_total") == pair.said - said
        for silent in (
            "relay_notices_sent_total",
            "relay_lobby_datagrams_sent_total",
            "relay_lobby_notices_sent_total",
        ):
            assert spent(after, before, silent) == 0
        check_reasons(sent, after, before)
        assert attack.scene.member.waiting() == []


def check_reasons(sent: Counter[str], after: Metrics, before: Metrics) -> None:
    """Check that every datagram was dropped for the reason of its kind, but those the kernel had no room for."""
    lost = after.value("relay_kernel_drops_total") - before.value("relay_kernel_drops_total")
    for kinds, prefix in ((TO_ROOMS, "relay_"), (TO_LOBBY, "relay_lobby_")):
        due: Counter[str] = Counter()
        for name, kind in kinds.items():
            due[kind.reason] += sent[name]
        dropped = {
            reason: after.value(f"{prefix}datagrams_dropped_total", reason=reason)
            - before.value(f"{prefix}datagrams_dropped_total", reason=reason)
            for reason in (*due, "guessing", "too_many")
        }
        # From one address, and in the lobby from all, datagrams over the rate aren't parsed.
        dropped["unknown_token"] = dropped.get("unknown_token", 0) + dropped.pop("guessing")
        dropped["reserved_name"] = dropped.get("reserved_name", 0) + dropped.pop("too_many")
        missing = {reason: due[reason] - count for reason, count in dropped.items() if due[reason] != count}
        assert all(count > 0 for count in missing.values())
        assert sum(missing.values()) <= lost
    assert sum(sent.values()) == lost + sum(
        spent(after, before, f"{prefix}datagrams_dropped_total") for prefix in ("relay_", "relay_lobby_")
    )


@pytest.mark.needs("namespaces")
@one_loop
def test_control_answers_to_strangers_are_detected(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(answer_strangers, **SETTINGS)
    with attack_on(relay, SUBNET + 4) as attack, honest_pair(relay) as pair, Answers(attack.network) as answers:
        before = scrape(relay)
        attack.send(BURST, pair)
        assert answers.packets()
        assert spent(scrape(relay), before, "relay_notices_sent_total") > 0


@pytest.mark.needs("namespaces")
@one_loop
def test_control_without_the_address_check_a_stolen_token_works(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(trust_any_address, **SETTINGS)
    with attack_on(relay, SUBNET + 8) as attack, honest_pair(relay) as pair:
        before = scrape(relay)
        attack.send(BURST, pair)
        after = scrape(relay)
        assert spent(after, before, "relay_datagrams_accepted_total") > pair.said
        assert after.value("relay_rooms") < before.value("relay_rooms")  # "/leave", in the host's name
