"""The checks, pure functions from facts to findings; here those of the relay itself."""

from collections.abc import Callable, Iterator
from typing import Final

from relay_server.doctor.cluster import check_cluster
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
"""Automatic renewal happens before that."""


def check_relay(facts: Facts) -> Finding:
    """Check whether a relay runs; the other findings are about that one."""
    port, relay = facts.settings.tcp_port, facts.relay
    if relay and facts.answers:
        return _relay(Mark.OK, f"version {relay.version} runs here and has {relay.members} members.")
    if relay:
        return _relay(
            Mark.PROBLEM,
            f"the ops port answers, but TCP port {port} doesn't answer joins.",
            "The relay may have other RELAY_* settings than this command, or be overloaded: look at its log.",
        )
    if facts.answers:
        return _relay(
            Mark.NOTE,
            f"one answers on TCP port {port}, but not on its ops port: its members and drops are unknown.",
            "Run the doctor where the ops port is reachable (RELAY_OPS_HOST, RELAY_OPS_PORT), e.g. in its container.",
        )
    return _relay(Mark.OK, "none runs here; the findings are those for a relay that starts now.")


def _relay(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("relay", mark, says, advice)


def check_certificate(facts: Facts) -> Finding:
    """Check the relay's certificate."""
    certificate = facts.certificate
    if certificate is None:
        return _tls(Mark.OK, "off: passwords and tokens are sent unencrypted.")
    if certificate.refusal:
        return _tls(Mark.PROBLEM, certificate.refusal)
    about = f"for {', '.join(certificate.names) or 'no name'}, until {certificate.until}"
    if certificate.exposed_key:
        return _tls(
            Mark.PROBLEM,
            f"every user of this machine can read the private key {certificate.exposed_key}.",
            f"Remove that permission (chmod o= {certificate.exposed_key}), and make a new key if others had access.",
        )
    if certificate.days_left < RENEWAL_DAYS:
        return _tls(
            Mark.NOTE,
            f"the certificate, {about}, expires in {certificate.days_left:.0f} days.",
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
    """Run all checks, in the order in which the findings are shown."""
    yield check_relay(facts)
    yield from check_ports(facts)
    for check in _SINGLE:
        yield check(facts)
    yield from check_cluster(facts)
