"""Checks of the network path: do datagrams keep the members' addresses, and do answers reach them."""

import ipaddress
from typing import Final

from chatproto.constants import KEEP_ALIVE_SECONDS
from relay_server.doctor.facts import Facts, RunningRelay
from relay_server.doctor.findings import Finding, Mark
from relay_server.net.sockets import is_wildcard

ENOUGH_MEMBERS: Final = 3
"""From this many members on, one address for all of them is no coincidence."""
MANY_MISMATCHES: Final = 0.05
"""A share of all datagrams that a few members that change networks don't reach."""
NEARLY_FULL: Final = 0.8

_HOST_NETWORKING = (
    "Give the relay the machine's own network (`network_mode: host`, as in deploy/compose/host.yaml) under an"
    " engine that isn't rootless, or run it without a container; don't publish UDP through a proxy."
)


def check_families(facts: Facts) -> Finding:
    """Check which addresses the relay has, and whether it answers from the right one."""
    host, machine = facts.settings.host, facts.machine
    if not is_wildcard(host):
        if _is_loopback(host):
            says = f"the relay listens on {host} only: it can't be reached from outside this machine."
            return Finding("address_families", Mark.NOTE, says, "Set RELAY_HOST=:: to serve everybody.")
        return Finding("address_families", Mark.OK, f"the relay listens on {host} only.")
    addresses = ", ".join(machine.addresses) or "none but loopback"
    if not machine.is_linux and len(machine.addresses) > 1:
        return Finding(
            "address_families",
            Mark.NOTE,
            f"this machine has several addresses ({addresses}), and answers may leave from the wrong one.",
            "Set RELAY_HOST to the address that clients use; Linux doesn't have this problem.",
        )
    if not machine.ipv6:
        return Finding("address_families", Mark.NOTE, f"IPv4 only: this kernel has no IPv6. Addresses: {addresses}.")
    families = {ipaddress.ip_address(address).version for address in machine.addresses}
    served = "IPv4 and IPv6" if 6 in families else "IPv4 (no public IPv6 address)"
    return Finding(
        "address_families", Mark.OK, f"{served}; answers leave from the address that was contacted: {addresses}."
    )


def check_conntrack(facts: Facts) -> Finding:
    """Check the kernel's table of connections: its size, and whether entries outlive the keep-alive interval."""
    table, settings = facts.machine.conntrack, facts.settings
    if not facts.machine.is_linux:
        return Finding("conntrack", Mark.NOTE, "unknown on this system.")
    if table is None:
        return Finding("conntrack", Mark.OK, "this kernel tracks no connections.")
    fill = f"{table.entries} of {table.max_entries} entries used"
    raise_it = "Raise net.netfilter.nf_conntrack_max on the host, or exempt the relay's UDP ports from tracking."
    if table.entries > table.max_entries * NEARLY_FULL:
        return Finding("conntrack", Mark.PROBLEM, f"{fill}: once it is full, new connections are dropped.", raise_it)
    shortest = min(table.udp_seconds, table.udp_stream_seconds)
    if shortest <= KEEP_ALIVE_SECONDS:
        return Finding(
            "conntrack",
            Mark.PROBLEM,
            f"UDP entries live {shortest} s, but keep-alives come every {KEEP_ALIVE_SECONDS:g} s: members are cut off.",
            "Set net.netfilter.nf_conntrack_udp_timeout=60 and nf_conntrack_udp_timeout_stream=180 on the host.",
        )
    if table.max_entries < settings.max_members + settings.max_transactions:
        says = f"{fill}, fewer than RELAY_MAX_MEMBERS={settings.max_members} members and their joins need."
        return Finding("conntrack", Mark.NOTE, says, raise_it)
    return Finding("conntrack", Mark.OK, f"{fill}; UDP entries live at least {shortest} s.")


def check_container(facts: Facts) -> Finding:
    """Check whether the process is in a container whose network changes addresses."""
    container = facts.container
    if not facts.machine.is_linux:
        return Finding("container", Mark.NOTE, "unknown on this system.")
    if container is None:
        return Finding("container", Mark.OK, "none.")
    gateway = f" behind the gateway {container.gateway}" if container.gateway else ""
    if container.rootless:
        return Finding(
            "container",
            Mark.PROBLEM,
            f"rootless engine{gateway}: it may hide the members' addresses; then all datagrams are dropped.",
            _HOST_NETWORKING,
        )
    if container.bridged:
        return Finding("container", Mark.OK, f"on a bridge{gateway}: publish each port under its own number.")
    return Finding("container", Mark.OK, "with the network of its host.")


def check_member_addresses(facts: Facts) -> Finding:
    """Check that datagrams come from the addresses that joined, and members from more than one (UDP-02)."""
    relay = facts.relay
    if relay is None:
        advice = "Run the doctor again while people on other machines chat."
        return _members(Mark.NOTE, "unknown until a relay runs and its ops port answers.", advice)
    mismatches = f"{relay.address_mismatches} of {relay.datagrams} datagrams came from another address than the join"
    if relay.address_mismatches > relay.datagrams * MANY_MISMATCHES:
        return _members(
            Mark.PROBLEM,
            f"{mismatches}: a proxy or NAT changes the members' addresses.",
            _HOST_NETWORKING,
        )
    if relay.member_addresses == 1 and relay.members >= ENOUGH_MEMBERS:
        return _check_single_address(facts, relay)
    if relay.address_mismatches:
        advice = "A few come from people who changed networks; if there are more, a proxy or NAT changes addresses."
        return _members(Mark.NOTE, f"{mismatches}.", advice)
    if relay.member_addresses is None or relay.members < ENOUGH_MEMBERS:
        return _members(
            Mark.OK, f"no mismatch in {relay.datagrams} datagrams; {relay.members} members are too few to compare."
        )
    return _members(Mark.OK, f"{relay.members} members from {relay.member_addresses} addresses, and no mismatch.")


def _check_single_address(facts: Facts, relay: RunningRelay) -> Finding:
    container, holder = facts.container, facts.ports.udp.holder
    all_of_them = f"all {relay.members} members have the same address"
    if container and (container.bridged or container.rootless):
        says = f"{all_of_them}, most likely the gateway's ({container.gateway}), which hides their own."
        return _members(Mark.PROBLEM, says, f"{_HOST_NETWORKING} If all members are on this machine, ignore this.")
    if holder and holder.program.endswith("-proxy"):
        says = f"{all_of_them}, most likely that of the proxy in front ({holder.program}), which hides their own."
        return _members(Mark.PROBLEM, says, f"{_HOST_NETWORKING} If all members are on this machine, ignore this.")
    advice = "Ignore this if they are on one machine or behind one router; else look for a proxy in front of the relay."
    return _members(Mark.NOTE, f"{all_of_them}.", advice)


def _members(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("member_addresses", mark, says, advice)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
