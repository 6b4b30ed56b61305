"""From facts to findings: pure, one check after the other."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.doctor.network import check_conntrack, check_container, check_families, check_member_addresses
from relay_server.doctor.ports import check_ports
from relay_server.doctor.resources import (
    check_kernel_drops,
    check_neighbours,
    check_open_files,
    check_processors,
    check_receive_buffer,
    check_send_buffer,
)
from relay_server.doctor.tls import check_certificate

Check: TypeAlias = Callable[[Facts], Finding]

_SINGLE: Final[tuple[Check, ...]] = (
    check_families,
    check_receive_buffer,
    check_send_buffer,
    check_neighbours,
    check_kernel_drops,
    check_open_files,
    check_processors,
    check_conntrack,
    check_container,
    check_member_addresses,
    check_certificate,
)


def examine(facts: Facts) -> Iterator[Finding]:
    """Judge all facts, in the order in which people want to read about them."""
    yield check_relay(facts)
    yield from check_ports(facts)
    for check in _SINGLE:
        yield check(facts)


def check_relay(facts: Facts) -> Finding:
    """Tell whether a relay runs, so that what follows is about that one."""
    port, relay = facts.settings.tcp_port, facts.relay
    if relay and facts.answers:
        return _relay(Mark.OK, f"version {relay.version} runs here and has {relay.members} members now.")
    if relay:
        return _relay(
            Mark.PROBLEM,
            f"the ops port answers, but nobody answers joins on TCP port {port}.",
            "Its RELAY_* settings may be others than this command's, or it is overloaded: look at its log.",
        )
    if facts.answers:
        return _relay(
            Mark.NOTE,
            f"one answers on TCP port {port}, but not on its ops port: its members and drops can't be seen.",
            "Run the doctor where the ops port can be reached (RELAY_OPS_HOST, RELAY_OPS_PORT), say in its container.",
        )
    return _relay(Mark.OK, "none runs here; this is what one would find at its start.")


def _relay(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("relay", mark, says, advice)
