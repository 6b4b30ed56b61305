"""TLS by the settings: the certificate at the start, and another one on SIGHUP (TCP-12)."""

import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path
from typing import Final

import structlog

from relay_server.core.admission import JOIN_BURST_SECONDS
from relay_server.core.limits import NetworkBuckets
from relay_server.settings import Settings, TlsVersion
from relay_server.tls.certificate import Certificate, CertificateError

HANDSHAKES_PER_JOIN: Final = 0.75
"""In the long run an address may make fewer handshakes than joins: one is the longest piece of work that a stranger can
have the loop do."""
HANDSHAKES_AT_ONCE_PER_JOIN: Final = 1.25
"""At once it may make more: a class that starts together is told of too many joins (status 11) before that."""

_VERSIONS: Final = {TlsVersion.V1_2: ssl.TLSVersion.TLSv1_2, TlsVersion.V1_3: ssl.TLSVersion.TLSv1_3}

log = structlog.get_logger()


@unique
class HandshakeFailure(StrEnum):
    """Why a TLS connection never came about."""

    VERSION = "version"
    CIPHER = "cipher"
    CLIENT_REFUSED = "client_refused"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"
    ABORTED = "aborted"
    RATE = "rate"


@unique
class ReloadResult(StrEnum):
    """What became of reading the certificate anew."""

    OK = "ok"
    FAILED = "failed"


@dataclass(slots=True)
class TlsCounts:
    """Handshakes by how they ended, and the certificate."""

    handshakes: int = 0
    failures: Counter[HandshakeFailure] = field(default_factory=Counter)
    reloads: Counter[ReloadResult] = field(default_factory=Counter)
    certificate_expires_at: float = 0.0
    """Unix time; 0 while there is no certificate."""


class Tls:
    """The certificate in use, which may be another one for the next connection, and counts."""

    def __init__(self, load: Callable[[], Certificate], *, join_rate: float) -> None:
        """Load the certificate.

        Raises:
            CertificateError: it can't be used.

        """
        self._load = load
        self.counts = TlsCounts()
        self._take(load())
        at_once = HANDSHAKES_AT_ONCE_PER_JOIN * JOIN_BURST_SECONDS * join_rate
        self._rate = NetworkBuckets(HANDSHAKES_PER_JOIN * join_rate, max(1.0, at_once))

    def reload(self) -> None:
        """Read the certificate anew, for connections that are yet to come.

        Raises:
            CertificateError: it can't be used, so the old one stays in use.

        """
        try:
            self._take(self._load())
        except CertificateError:
            self.counts.reloads[ReloadResult.FAILED] += 1
            raise
        self.counts.reloads[ReloadResult.OK] += 1

    def admit(self, network: bytes, now: float) -> bool:
        """Count a handshake of this network (see `core.address.network_of`); False if there are too many."""
        return self._rate.take(network, now)

    def _take(self, certificate: Certificate) -> None:
        self.certificate = certificate
        self.counts.certificate_expires_at = certificate.not_after.timestamp()


def load(settings: Settings) -> Certificate:
    """Load the certificate that the settings name.

    Raises:
        CertificateError: it can't be used.

    """
    # Some 8 MB that only a relay with a certificate needs.
    from relay_server.tls.files import CertificateFiles, load_certificate  # noqa: PLC0415

    files = CertificateFiles(Path(settings.tls_cert_file), Path(settings.tls_key_file))
    return load_certificate(files, _VERSIONS[settings.tls_min_version])


def open_tls(settings: Settings) -> Tls | None:
    """Make the relay ready for TLS; None if the settings name no certificate.

    Raises:
        CertificateError: it can't be used.

    """
    if not settings.tls_cert_file:
        return None
    tls = Tls(lambda: load(settings), join_rate=settings.join_rate)
    _say("certificate_loaded", tls.certificate)
    return tls


def reload(tls: Tls | None) -> None:
    """Read the certificate anew and say what became of it; one that can't be used leaves the old one in use."""
    if tls is None:
        log.info("nothing_to_reload", advice="there is no certificate; other settings take a restart")
        return
    try:
        tls.reload()
    except CertificateError as error:
        log.error("certificate_kept", reason=str(error), fingerprint=tls.certificate.fingerprint)  # noqa: TRY400
    else:
        _say("certificate_reloaded", tls.certificate)


def _say(event: str, certificate: Certificate) -> None:
    log.info(
        event, names=certificate.names, fingerprint=certificate.fingerprint,
        expires=certificate.not_after.isoformat(),
    )  # fmt: skip
    if certificate.exposed_key:
        log.warning(
            "key_exposed", file=str(certificate.exposed_key),
            advice="everybody on this machine can read the private key: chmod o= it",
        )  # fmt: skip
