"""From facts to findings: pure, one check after the other; here those of the relay itself."""

from collections.abc import Callable, Iterator
from typing import Final

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

RENEWAL_DAYS: Final = 14
"""Whatever renews certificates by itself has done so by then."""


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


def check_certificate(facts: Facts) -> Finding:
    """Judge what the relay proves itself by."""
    certificate = facts.certificate
    if certificate is None:
        return _tls(Mark.OK, "off: passwords and tokens travel in the clear.")
    if certificate.refusal:
        return _tls(Mark.PROBLEM, certificate.refusal)
    about = f"for {', '.join(certificate.names) or 'no name'}, until {certificate.until}"
    if certificate.exposed_key:
        return _tls(
            Mark.PROBLEM,
            f"everybody on this machine can read the private key {certificate.exposed_key}.",
            f"Take that right from others (chmod o= {certificate.exposed_key}), and make a new key if there are any.",
        )
    if certificate.days_left < RENEWAL_DAYS:
        return _tls(
            Mark.NOTE,
            f"the certificate, {about}, ends in {certificate.days_left:.0f} days.",
            "Renew it, then send the relay SIGHUP (systemctl reload chat-relay).",
        )
    return _tls(Mark.OK, f"{'required' if facts.settings.tls_required else 'on'}, {about}.")


def _tls(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("tls", mark, says, advice)


_SINGLE: Final[tuple[Callable[[Facts], Finding], ...]] = (
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
