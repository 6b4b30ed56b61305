"""Check of the certificate: can it be used, and for how long yet."""

from typing import Final

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark

RENEWAL_DAYS: Final = 14
"""Whatever renews certificates by itself has done so by then."""


def check_certificate(facts: Facts) -> Finding:
    """Judge what the relay proves itself by."""
    certificate = facts.certificate
    if certificate is None:
        return _finding(Mark.OK, "off: passwords and tokens travel in the clear.")
    if certificate.refusal:
        return _finding(Mark.PROBLEM, certificate.refusal)
    about = f"for {', '.join(certificate.names) or 'no name'}, until {certificate.until}"
    if certificate.exposed_key:
        return _finding(
            Mark.PROBLEM,
            f"everybody on this machine can read the private key {certificate.exposed_key}.",
            f"Take that right from others (chmod o= {certificate.exposed_key}), and make a new key if there are any.",
        )
    if certificate.days_left < RENEWAL_DAYS:
        return _finding(
            Mark.NOTE,
            f"the certificate, {about}, ends in {certificate.days_left:.0f} days.",
            "Renew it, then send the relay SIGHUP (systemctl reload chat-relay).",
        )
    return _finding(Mark.OK, f"{'required' if facts.settings.tls_required else 'on'}, {about}.")


def _finding(mark: Mark, says: str, advice: str = "") -> Finding:
    return Finding("tls", mark, says, advice)
