"""TLS by the settings: the certificate at the start, and another one on SIGHUP (TCP-12)."""

import ssl
from pathlib import Path
from typing import Final

import structlog

from relay_server.net.certificate import Certificate, CertificateError
from relay_server.net.tls import Tls
from relay_server.settings import Settings, TlsVersion

_VERSIONS: Final = {TlsVersion.V1_2: ssl.TLSVersion.TLSv1_2, TlsVersion.V1_3: ssl.TLSVersion.TLSv1_3}

log = structlog.get_logger()


def load(settings: Settings) -> Certificate:
    """Load the certificate that the settings name.

    Raises:
        CertificateError: it can't be used.

    """
    # Some 8 MB that only a relay with a certificate needs.
    from relay_server.net.certificate_files import CertificateFiles, load_certificate  # noqa: PLC0415

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
