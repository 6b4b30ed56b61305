"""The relay's certificate and key, read from files and judged before anybody sees them (TCP-12)."""

import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from chatproto.fingerprint import fingerprint_of
from relay_server.tls.certificate import Certificate, CertificateError


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificate, with those that vouch for it, and its key are; both PEM."""

    certificate: Path
    key: Path


def load_certificate(files: CertificateFiles, min_version: ssl.TLSVersion, now: datetime | None = None) -> Certificate:
    """Read a certificate and its key; ``now`` has a time zone.

    Raises:
        CertificateError: one can't be read, they don't belong together, or it isn't valid now.

    """
    found = _read_certificate(files.certificate)
    exposed = _check_key(files, found)
    _check_dates(files.certificate, found, now or datetime.now(UTC))
    return Certificate(
        _context(files, min_version),
        fingerprint_of(found.public_bytes(Encoding.DER)),
        _names(found),
        found.not_valid_after_utc,
        files.key if exposed else None,
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CertificateError(
            f"The {what} {path} can't be read ({reason}): name a file that the relay's user may read."
        ) from None


def _read_certificate(path: Path) -> x509.Certificate:
    data = _read(path, "certificate (RELAY_TLS_CERT_FILE)")
    try:
        return x509.load_pem_x509_certificates(data)[0]  # the relay's own comes first, those above it follow
    except ValueError:
        raise CertificateError(
            f"{path} (RELAY_TLS_CERT_FILE) holds no certificate in PEM form: name the file that begins with "
            "BEGIN CERTIFICATE."
        ) from None


def _check_key(files: CertificateFiles, certificate: x509.Certificate) -> bool:
    """Check that the key is the certificate's; tells whether everybody may read or change it."""
    data = _read(files.key, "key (RELAY_TLS_KEY_FILE)")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise CertificateError(
            f"The key {files.key} (RELAY_TLS_KEY_FILE) is encrypted, and nobody is there to type its password: "
            "decrypt it (openssl pkey)."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(
            f"{files.key} (RELAY_TLS_KEY_FILE) holds no private key in PEM form: name the file that belongs to the "
            "certificate."
        ) from None
    if key.public_key() != certificate.public_key():
        raise CertificateError(
            f"The key {files.key} isn't that of the certificate {files.certificate}: name two files that were made "
            "together."
        )
    return bool(files.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))


def _check_dates(path: Path, certificate: x509.Certificate, now: datetime) -> None:
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > until:
        raise CertificateError(f"The certificate {path} expired on {until:%Y-%m-%d}: renew it.")
    if now < since:
        raise CertificateError(
            f"The certificate {path} isn't valid before {since:%Y-%m-%d %H:%M} UTC: set the machine's clock, or wait."
        )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def _context(files: CertificateFiles, min_version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = min_version
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # who joins once needs no ticket to come back by
    try:
        # The function keeps OpenSSL from asking on a terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise CertificateError(
            f"The certificate {files.certificate} can't be served ({str(reason).lower().replace('_', ' ')}): "
            "make another one (`relay-server tls self-signed`)."
        ) from None
    return context
