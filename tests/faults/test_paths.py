"""What lies between people and the relay: routers that forget, tables that fill, fragments (threats U11, U15, U17)."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from conformance.people import People
from conformance.relays import Relay
from docs.markdown import ROOT
from e2e.namespaces import Namespace, apart, network
from faults.relays import StartRelay
from faults.spoof import entered, ip_header, raw_socket_here, udp_packet

pytestmark = [pytest.mark.needs("nftables"), pytest.mark.timeout(120)]

NAT_SUBNET, TABLE_SUBNET, FRAGMENT_SUBNET = 124, 128, 132
FORGETS_AFTER_SECONDS = 3
KEEP_ALIVE_SECONDS = 1.0
DEADLINE_SECONDS = 30.0
MANY_FRAGMENTS = 100_000
FRAGMENT_BYTES = 1400
MORE_FRAGMENTS = 0x2000

one_loop = pytest.mark.parametrize("loop", ["uvloop"])
"""These tests are about the kernel, so each runs once."""


@one_loop
def test_a_keep_alive_keeps_a_routers_mapping_open(start_relay: StartRelay) -> None:
    """A home router forgets an idle way after 30 s; here after 3, and keep-alives come every second."""
    relay = start_relay(RELAY_HOST="::")
    where = relay.relay
    with home_router(NAT_SUBNET) as (router, lan), People(where) as near, ExitStack() as stack:
        ann = near.create(b"demo", b"ann")
        with entered(lan):
            far = stack.enter_context(People(Relay(router.gateway, where.tcp_port, where.udp_port, where.lobby_port)))
            kept, literal = far.join(b"demo", b"kept"), far.join(b"demo", b"literal")
        ann.say(b"welcome")
        assert kept.hear() == literal.hear() == b"ann: welcome"
        start = time.monotonic()
        while time.monotonic() < start + 3 * FORGETS_AFTER_SECONDS:
            kept.keep_alive()
            time.sleep(KEEP_ALIVE_SECONDS)  # a clock of its own makes the router forget
        ann.say(b"still there?")
        assert kept.hear() == b"ann: still there?"
        assert literal.waiting() == []  # the control: who sends nothing isn't found any more


@contextmanager
def home_router(subnet: int) -> Iterator[tuple[Namespace, Namespace]]:
    """Make a network behind a router that translates addresses and forgets; yields both."""
    inner, gateway, address = f"lan{os.getpid()}", "192.168.77.1", "192.168.77.2"
    with network("router", subnet) as router:
        lan = Namespace(inner, gateway, address, outer="lan0")
        ip("netns", "add", inner)
        try:
            ip("-n", inner, "link", "add", "eth0", "type", "veth", "peer", "name", "lan0", "netns", router.name)
            for name, device, own in ((inner, "eth0", address), (router.name, "lan0", gateway)):
                ip("-n", name, "address", "add", f"{own}/24", "dev", device)
                ip("-n", name, "link", "set", device, "up")
            ip("-n", inner, "link", "set", "lo", "up")
            ip("-n", inner, "route", "add", "default", "via", gateway)
            router.run("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; };"
                       "add rule ip nat post oifname eth0 masquerade")  # fmt: skip
            conntrack = "net.netfilter.nf_conntrack"
            for setting in ("net.ipv4.ip_forward=1", *(f"{conntrack}_udp_timeout{kind}={FORGETS_AFTER_SECONDS}"
                                                       for kind in ("", "_stream"))):  # fmt: skip
                router.run("sysctl", "--quiet", "--write", setting)
            yield router, lan
        finally:
            ip("netns", "delete", inner)


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True, timeout=DEADLINE_SECONDS)


def tracked(place: Namespace) -> int:
    """Return how many connections a network's kernel keeps in mind."""
    count = "/proc/sys/net/netfilter/nf_conntrack_count"
    told = subprocess.run((*place.inside, "cat", count), check=True, capture_output=True, timeout=DEADLINE_SECONDS)
    return int(told.stdout)


def load_rules(place: Namespace, name: str) -> None:
    place.run("nft", "--file", str(ROOT / "deploy" / "vps" / name))


@one_loop
@pytest.mark.parametrize("exempt", [True, False], ids=["exempt", "control"])
def test_a_flood_from_forged_sources_doesnt_fill_the_connection_table(start_relay: StartRelay, exempt: bool) -> None:
    """With the relay's datagrams exempt from tracking the table stays empty; tracked, it fills (threat U15)."""
    count, chance = 50_000, random.Random(8)
    with network("table", TABLE_SUBNET + 40 * exempt) as place, raw_socket_here() as raw:
        relay = start_relay.inside(place).relay
        load_rules(place, "chat-relay.nft")
        if exempt:
            load_rules(place, "chat-relay-notrack.nft")
        with People(relay) as people:
            ann, bob = people.pair(b"demo")
            before = tracked(place)
            for number in range(count):
                source = f"198.19.{number >> 8 & 255}.{number & 255}", chance.randrange(1024, 65_536)
                raw.sendto(
                    udp_packet(source, (place.address, relay.udp_port), b"\x04\x16demo" + bytes(22)), (place.address, 0)
                )
            ann.say(b"still here")
            assert bob.hear() == b"ann: still here"
            grown = tracked(place) - before
            assert grown <= 0 if exempt else grown > count / 2


@one_loop
def test_icmp_errors_pass_the_firewall_without_connection_tracking(start_relay: StartRelay) -> None:
    """An error about a datagram that no table knows is invalid to the kernel; it must come through all the same."""
    with network("dead", TABLE_SUBNET + 80) as place:
        relay = start_relay.inside(place).relay
        load_rules(place, "chat-relay.nft")
        load_rules(place, "chat-relay-notrack.nft")
        with People(relay) as people:
            ann, bob = people.pair(b"demo")
            bob.udp.close()
            ann.await_notice(b"bob was disconnected: unreachable", nudge=now_and_then(lambda: ann.say(b"anybody?")))


def now_and_then(action: Callable[[], None]) -> Callable[[], None]:
    """Return a function that acts about once a second, as people do: in no rhythm."""
    due, chance = 0.0, random.Random(9)

    def act() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + chance.uniform(0.5, 1.5)
            action()

    return act


@one_loop
@pytest.mark.parametrize("room_for_all", [False, True], ids=["default", "raised"])
def test_a_flood_of_fragments_loses_no_small_message(start_relay: StartRelay, room_for_all: bool) -> None:
    """Large messages are lost while unfinished ones fill the kernel's memory, small ones never (threat U11)."""
    count = MANY_FRAGMENTS
    with apart(), network("frag", FRAGMENT_SUBNET + 40 * room_for_all) as place:
        relay = start_relay.inside(place).relay
        if room_for_all:
            place.run("sysctl", "--quiet", "--write", f"net.ipv4.ipfrag_high_thresh={2**30}")
        with People(relay) as people, raw_socket_here() as raw:
            ann, bob = people.pair(b"demo")
            small, large = b"x" * 200, b"y" * 4000
            for number in range(count):
                source, name = f"198.19.1.{1 + (number >> 16)}", number & 0xFFFF
                header = ip_header(source, place.address, FRAGMENT_BYTES, number=name, fragment=MORE_FRAGMENTS)
                raw.sendto(header + bytes(FRAGMENT_BYTES), (place.address, 0))
                if number % (count // 100) == 0:
                    ann.say(small)
                    assert bob.hear() == b"ann: " + small
            ann.say(large)
            ann.say(small)
            heard = bob.hear()
            assert heard == b"ann: " + (large if room_for_all else small)
