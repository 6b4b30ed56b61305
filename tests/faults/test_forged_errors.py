"""Forged ICMP errors (threat U9): who only claims that somebody is gone gets nobody evicted, and costs no message."""

import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest

from conformance.people import NOTICE, Member, People
from e2e.relay_metrics import await_metrics, scrape
from faults.conftest import StartRelay
from faults.crowd import Crowd

needs_raw_sockets = pytest.mark.needs("namespaces")

FAILING_SECONDS = 12.0
"""Longer than errors must come for before the relay believes them."""
MESSAGES_A_SECOND = 20.0
LOCALHOST = socket.inet_aton("127.0.0.1")
ICMP_UNREACHABLE = 3
PORT_UNREACHABLE, FRAGMENTATION_NEEDED = 3, 4


def forge(code: int, relay_port: int, victim_port: int, quoted: bytes) -> bytes:
    """Lay out an ICMP error about a datagram from the relay to a victim."""
    udp = struct.pack("!HHHH", relay_port, victim_port, 8 + len(quoted), 0) + quoted
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0, LOCALHOST, LOCALHOST)
    unsummed = struct.pack("!BBHHH", ICMP_UNREACHABLE, code, 0, 0, 552) + ip + udp
    return unsummed[:2] + struct.pack("!H", checksum(unsummed)) + unsummed[4:]


def checksum(data: bytes) -> int:
    """Add up 16-bit words as RFC 1071 does."""
    padded = data + bytes(len(data) % 2)
    total = sum(int.from_bytes(padded[start : start + 2], "big") for start in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Attack(NamedTuple):
    """What the attacker knows: everybody's ports, and what was said last."""

    relay_port: int
    active_port: int
    silent_port: int
    newest: bytes

    def wrong_quotes(self) -> Iterator[bytes]:
        """Claim that the silent member is gone, quoting what was never said."""
        for number in range(10):
            yield forge(PORT_UNREACHABLE, self.relay_port, self.silent_port, b"ann: never said %d" % number)

    def active_member(self) -> Iterator[bytes]:
        """Claim with the right quotation that somebody is gone who is heard again and again."""
        yield forge(PORT_UNREACHABLE, self.relay_port, self.active_port, self.newest)

    def path_mtu(self) -> Iterator[bytes]:
        """Claim with the right quotation that the silent member's datagrams are too large (threat U10)."""
        yield forge(FRAGMENTATION_NEEDED, self.relay_port, self.silent_port, self.newest)


FALSE_CLAIMS = (Attack.wrong_quotes, Attack.active_member)


@needs_raw_sockets
@pytest.mark.parametrize(
    ("loop", "forgeries"),
    [
        ("uvloop", FALSE_CLAIMS),
        ("asyncio", FALSE_CLAIMS),
        ("uvloop", (Attack.path_mtu,)),
    ],
    ids=["uvloop-false_claims", "asyncio-false_claims", "path_mtu"],
)
def test_forged_errors_evict_nobody(
    start_relay: StartRelay, forgeries: Sequence[Callable[[Attack], Iterator[bytes]]]
) -> None:
    relay = start_relay(RELAY_COMPLETION_PAUSE_SECONDS="0")
    with (
        People(relay.relay) as people,
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw,
    ):
        talkers = [people.create(b"demo", b"ann"), people.join(b"demo", b"bob")]
        silent = people.join(b"demo", b"eve")
        await_metrics(relay, lambda now: now.total("relay_datagrams_accepted_total") == 3)
        crowd = Crowd(talkers)
        start = time.monotonic()

        def attack() -> bool:
            newest = crowd.deliveries[-1] if crowd.deliveries else b"server: eve joined"
            known = Attack(relay.relay.udp_port, port_of(talkers[1]), port_of(silent), newest)
            for forgery in forgeries:
                for packet in forgery(known):
                    raw.sendto(packet, ("127.0.0.1", 0))
            return time.monotonic() > start + FAILING_SECONDS

        crowd.talk_until(attack, MESSAGES_A_SECOND)
        crowd.check_nothing_lost()
        assert scrape(relay).total("relay_evictions_total") == 0
        assert [data for data in silent.waiting() if not data.startswith(NOTICE)] == crowd.deliveries


def port_of(member: Member) -> int:
    return int(member.udp.getsockname()[1])
