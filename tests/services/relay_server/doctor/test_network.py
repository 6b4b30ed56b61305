"""Addresses, connection tracking, containers, and whether members keep their address."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.doctor.linux import Container
from relay_server.doctor.network import (
    check_conntrack,
    check_container,
    check_families,
    check_member_addresses,
)
from services.relay_server.doctor.sound import BRIDGE, SOUND, TABLE, machine, running, settings, taken

OK, NOTE, PROBLEM = Mark
HOST_NETWORK = Container(bridged=False, rootless=False, gateway="192.0.2.1")
ROOTLESS = Container(bridged=True, rootless=True, gateway="10.0.2.2")


@pytest.mark.parametrize(
    ("check", "facts", "mark", "says"),
    [
        (check_families, SOUND, OK, "IPv4 and IPv6; answers leave from the address that was contacted: 192.0.2.7"),
        (check_families, machine(addresses=("192.0.2.7",)), OK, "no public IPv6 address"),
        (check_families, machine(addresses=()), OK, "none but loopback"),
        (check_families, machine(ipv6=False), NOTE, "IPv4 only"),
        (check_families, machine(is_linux=False), NOTE, "may leave from the wrong one"),
        (check_families, machine(is_linux=False, addresses=("192.0.2.7",)), OK, "192.0.2.7"),
        (check_families, settings(host="192.0.2.7"), OK, "listens on 192.0.2.7 only"),
        (check_families, settings(host="chat.example.org"), OK, "listens on chat.example.org only"),
        (check_families, settings(host="127.0.0.1"), NOTE, "can't be reached from outside"),
        (check_families, settings(host="localhost"), NOTE, "can't be reached from outside"),
        (check_conntrack, SOUND, OK, "100 of 262144 entries used; UDP entries live at least 30 s"),
        (check_conntrack, machine(conntrack=None), OK, "tracks no connections"),
        (check_conntrack, machine(is_linux=False, conntrack=None), NOTE, "unknown on this system"),
        (check_conntrack, machine(conntrack=replace(TABLE, entries=250_000)), PROBLEM, "new connections are dropped"),
        (check_conntrack, machine(conntrack=replace(TABLE, udp_seconds=20)), PROBLEM, "members are cut off"),
        (check_conntrack, machine(conntrack=replace(TABLE, udp_stream_seconds=5)), PROBLEM, "live 5 s"),
        (check_conntrack, machine(conntrack=replace(TABLE, max_entries=51_999)), NOTE, "RELAY_MAX_MEMBERS=50000"),
        (check_conntrack, machine(conntrack=replace(TABLE, max_entries=52_000)), OK, "of 52000 entries"),
        (check_container, SOUND, OK, "none."),
        (check_container, machine(is_linux=False), NOTE, "unknown on this system"),
        (check_container, replace(SOUND, container=HOST_NETWORK), OK, "the network of its host"),
        (check_container, replace(SOUND, container=BRIDGE), OK, "behind the gateway 172.18.0.1"),
        (
            check_container,
            replace(SOUND, container=ROOTLESS),
            PROBLEM,
            "rootless engine behind the gateway 10.0.2.2",
        ),
        (check_member_addresses, SOUND, NOTE, "unknown until"),
        (check_member_addresses, running(), OK, "12 members from 9 addresses, and no mismatch"),
        (check_member_addresses, running(members=2, member_addresses=1), OK, "2 members are too few to compare"),
        (check_member_addresses, running(member_addresses=None), OK, "no mismatch in 1000 datagrams"),
        (check_member_addresses, running(address_mismatches=51), PROBLEM, "51 of 1000 datagrams came from another"),
        (check_member_addresses, running(address_mismatches=50), NOTE, "50 of 1000 datagrams came from another"),
        (check_member_addresses, running(member_addresses=1), NOTE, "all 12 members have the same"),
        (check_member_addresses, running(HOST_NETWORK, member_addresses=1), NOTE, "all 12 members have the same"),
        (
            check_member_addresses,
            running(BRIDGE, member_addresses=1),
            PROBLEM,
            "most likely the gateway's (172.18.0.1)",
        ),
        (check_member_addresses, running(BRIDGE, members=3, member_addresses=1), PROBLEM, "all 3 members have"),
        (check_member_addresses, running(BRIDGE, members=2, member_addresses=1), OK, "too few to compare"),
        (check_member_addresses, running(BRIDGE), OK, "12 members from 9 addresses"),
        (
            check_member_addresses,
            replace(running(member_addresses=1), ports=taken("docker-proxy").ports),
            PROBLEM,
            "the proxy in front (docker-proxy)",
        ),
    ],
)
def test_what_is_said(check: Callable[[Facts], Finding], facts: Facts, mark: Mark, says: str) -> None:
    finding = check(facts)
    assert (finding.mark, says in finding.says) == (mark, True), finding
    assert mark is not PROBLEM or finding.advice


def test_hidden_addresses_are_answered_by_the_hosts_own_network() -> None:
    for facts in (running(BRIDGE, member_addresses=1), running(address_mismatches=900)):
        assert "network_mode: host" in check_member_addresses(facts).advice
