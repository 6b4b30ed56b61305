"""Forged ICMP errors (threat U9): who only claims that somebody is gone gets nobody evicted, and costs no message."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from conformance import wire
from conformance.people import NOTICE, Listener, Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from faults.crowd import Crowd
from faults.relays import StartRelay
from faults.weakened import believe_path_mtus, believe_quotations
from relay_server.core.reachability import FAILING_SECONDS

pytestmark = pytest.mark.needs("namespaces")

UNHEARD_SECONDS = 2.0
"""Before that a relay asks nobody whether they are there."""
ATTACK_SECONDS = UNHEARD_SECONDS + FAILING_SECONDS + 2.0
"""Longer than errors must come for before a relay believes them."""
EVICTED_WITHIN_SECONDS = 40.0
MESSAGES_A_SECOND = 20.0
MANY = 100_000
LOCALHOST = socket.inet_aton("127.0.0.1")
DESTINATION_UNREACHABLE = 3
CODES = range(14)
"""All reasons for it: 3 is the port, 4 that the datagram must be cut (threat U10)."""
FRAGMENTATION_NEEDED = 4
NARROW_BYTES = 552
"""How wide a path is at most, if one believes the forger."""
LARGE = b"x" * 4000
VICTIM = "127.0.0.77"
"""An address of its own: a kernel that believes remembers it for ten minutes."""
CHALLENGE = b"can you hear me? /here "


def forge(code: int, relay_port: int, victim_port: int, quoted: bytes, victim: bytes = LOCALHOST) -> bytes:
    """Lay out an ICMP error about a datagram from the relay to a victim."""
    udp = struct.pack("!HHHH", relay_port, victim_port, 8 + len(quoted), 0) + quoted
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0, LOCALHOST, victim)
    unsummed = struct.pack("!BBHHH", DESTINATION_UNREACHABLE, code, 0, 0, NARROW_BYTES) + ip + udp
    return unsummed[:2] + struct.pack("!H", checksum(unsummed)) + unsummed[4:]


def checksum(data: bytes) -> int:
    """Add up 16-bit words as RFC 1071 does."""
    padded = data + bytes(len(data) % 2)
    total = sum(int.from_bytes(padded[start : start + 2], "big") for start in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass
class Forger:
    """Forges errors about members, quoting what was said last, what was never said, and guessed challenges."""

    raw: socket.socket
    relay_port: int
    victims: list[int]
    sent: int = 0

    def claim(self, newest: bytes, count: int) -> None:
        """Send so many errors about each victim in turn, for every reason."""
        quotations = (newest, newest + b"?", NOTICE + CHALLENGE + b"%016x" % self.sent)
        packets = [
            forge(code, self.relay_port, port, quoted)
            for quoted in quotations
            for port in self.victims
            for code in CODES
        ]
        for number in range(count):
            self.raw.sendto(packets[number % len(packets)], ("127.0.0.1", 0))
        self.sent += count


@contextmanager
def forger(relay_port: int, *victims: Listener) -> Iterator[Forger]:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        yield Forger(raw, relay_port, [int(victim.udp.getsockname()[1]) for victim in victims])


@dataclass
class Scene:
    """Two who talk, and one who only listens."""

    crowd: Crowd
    talkers: list[Member]
    silent: Member

    def talk_amid(self, attack: Callable[[bytes], None], done: Callable[[], bool], seconds: float) -> None:
        """Talk until something is true, while each message is followed by an attack that knows it."""

        def attack_and_look() -> bool:
            deliveries = self.crowd.deliveries
            attack(deliveries[-1] if deliveries else b"server: eve joined")
            return done()

        self.crowd.talk_until(attack_and_look, MESSAGES_A_SECOND, seconds)


@contextmanager
def scene(relay: OwnRelay) -> Iterator[Scene]:
    with People(relay.relay) as people:
        talkers = [people.create(b"demo", b"ann"), people.join(b"demo", b"bob")]
        silent = people.join(b"demo", b"eve")
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == 3)
        yield Scene(Crowd(talkers), talkers, silent)


def after_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


@pytest.mark.timeout(180)
def test_forged_errors_evict_no_member_and_lose_no_message(start_relay: StartRelay) -> None:
    """A hundred thousand of them, about who talks and about who only listens."""
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    heard: list[bytes] = []
    with scene(relay) as chat, forger(relay.relay.udp_port, chat.talkers[1], chat.silent) as attacker:
        a_time = int(MANY / ATTACK_SECONDS / MESSAGES_A_SECOND) + 1
        enough = after_seconds(ATTACK_SECONDS)

        def attack(newest: bytes) -> None:
            attacker.claim(newest, a_time)
            heard.extend(chat.silent.waiting())

        chat.talk_amid(attack, lambda: enough() and attacker.sent >= MANY, 150.0)
        lost = chat.crowd.count_lost()
        metrics = scrape(relay)
        assert metrics.total("relay_evictions_total") == metrics.total("relay_send_failures_total") == 0
        heard += chat.silent.waiting()
        messages = [data for data in heard if not data.startswith(NOTICE)]
        assert len(set(messages)) == len(messages)
        lost += len(set(chat.crowd.deliveries) - set(messages))
        # Errors wait in the receive buffer as well: a relay that gets no processor for a second may have it full.
        assert lost <= 2 * metrics.value("relay_kernel_drops_total")
        challenges = [data for data in heard if CHALLENGE in data]
        assert 1 <= len(challenges) <= 4  # after 0, 5, 15 and 35 s: all that the victim sees of it
        assert not any(CHALLENGE in notice for notices in chat.crowd.notices.values() for notice in notices)


@pytest.mark.timeout(180)
def test_a_listener_that_answers_challenges_is_never_evicted_by_forged_errors(start_relay: StartRelay) -> None:
    """An attacker on the path, who sees the challenges, can't evict who answers them."""
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with scene(relay) as chat, forger(relay.relay.udp_port, chat.silent) as attacker:
        challenges = []

        def attack(newest: bytes) -> None:
            attacker.claim(newest, 100)
            for heard in chat.silent.waiting():
                if CHALLENGE in heard:
                    challenges.append(heard)
                    attacker.claim(heard, 100)
                    chat.silent.say(heard.removeprefix(NOTICE + b"can you hear me? "))

        chat.talk_amid(attack, after_seconds(ATTACK_SECONDS), 60.0)
        assert challenges
        assert scrape(relay).total("relay_evictions_total") == 0
        chat.crowd.check_nothing_lost()


@pytest.mark.timeout(120)
def test_control_a_relay_that_trusts_quoted_messages_evicts_listeners(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(believe_quotations)
    with scene(relay) as chat, forger(relay.relay.udp_port, chat.silent) as attacker:
        chat.talk_amid(
            lambda newest: attacker.claim(newest, 100),
            lambda: scrape(relay).value("relay_evictions_total", reason="unreachable") == 1,
            EVICTED_WITHIN_SECONDS,
        )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("loop", ["uvloop"])
def test_forged_errors_evict_no_lobby_client(start_relay: StartRelay) -> None:
    relay = start_relay()
    with People(relay.relay) as people:
        ann, eve = (people.listener(relay.relay.lobby_port, people.local) for _ in range(2))
        eve.send(wire.lobby(b"eve"))
        await_metrics(relay, lambda now: now.value("relay_lobby_clients") == 1)
        with forger(relay.relay.lobby_port, eve) as attacker:
            enough, said = after_seconds(ATTACK_SECONDS), 0
            while not enough():
                said += 1
                datagram = wire.lobby(b"ann", b"message %d" % said)
                ann.send(datagram)
                assert eve.receive_until(lambda data: CHALLENGE not in data) == datagram
                attacker.claim(datagram, 100)
        assert said >= 3
        metrics = scrape(relay)
        assert metrics.total("relay_lobby_evictions_total") == 0
        assert 1 <= metrics.value("relay_lobby_challenges_total") <= 4


@contextmanager
def narrow_claim(relay: OwnRelay) -> Iterator[tuple[Member, Member]]:
    """Claim that the path MTU to a listener is small; yields the speaker and the listener."""
    with People(relay.relay) as people, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        ann, eve = people.create(b"demo", b"ann"), people.join(b"demo", b"eve", source=VICTIM)
        ann.heard(after=eve)
        ann.say(b"hello")
        assert eve.hear() == b"ann: hello"
        port = int(eve.udp.getsockname()[1])
        packet = forge(FRAGMENTATION_NEEDED, relay.relay.udp_port, port, b"ann: hello", socket.inet_aton(VICTIM))
        for _ in range(100):
            raw.sendto(packet, ("127.0.0.1", 0))
        yield ann, eve


def test_a_forged_path_mtu_loses_no_large_message(start_relay: StartRelay) -> None:
    """Threat U10: the relay cuts datagrams by its own interface's measure, whatever is claimed of the path."""
    relay = start_relay()
    with narrow_claim(relay) as (ann, eve):
        ann.say(LARGE)
        assert eve.hear() == b"ann: " + LARGE
        assert scrape(relay).total("relay_send_failures_total") == 0


def test_control_a_relay_that_believes_path_mtus_refuses_large_messages(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(believe_path_mtus)
    with narrow_claim(relay) as (ann, _):
        ann.say(LARGE)
        await_metrics(relay, lambda now: now.value("relay_send_failures_total", reason="other") == 1)
