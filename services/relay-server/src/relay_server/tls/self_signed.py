"""Make a certificate that vouches for itself, and its key."""

import ipaddress
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay_server.tls.certificate import CertificateError
from relay_server.tls.files import CertificateFiles

CERTIFICATE_NAME: Final = "certificate.pem"
KEY_NAME: Final = "key.pem"

_CLOCKS_DIFFER: Final = timedelta(hours=1)
_MAX_COMMON_NAME: Final = 64
_HOST_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)


class SelfSigned(NamedTuple):
    """A certificate that vouches for itself, and its key, in no file."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as files hold it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as files hold it, without a password."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_self_signed(names: Sequence[str], days: int) -> SelfSigned:
    """Make a new certificate for host names and IP addresses, and its key.

    Raises:
        CertificateError: a name is none.

    """
    subject = [_general_name(name) for name in names]
    key = ec.generate_private_key(ec.SECP256R1())
    return SelfSigned(_sign(key, subject, names[0], days), key)


def write_self_signed(folder: Path, names: Sequence[str], days: int) -> CertificateFiles:
    """Write a new certificate for host names and IP addresses, and its key (mode 0600), into a folder.

    Raises:
        CertificateError: a name is none, a file is there already, or the folder can't be written.

    """
    made = make_self_signed(names, days)
    files = CertificateFiles(folder / CERTIFICATE_NAME, folder / KEY_NAME)
    for path in (files.certificate, files.key):
        if os.path.lexists(path):
            raise CertificateError(f"{path} is there already: choose another folder, or move it away first.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(files.key, made.key_pem, 0o600)
        try:
            _write(files.certificate, made.certificate_pem, 0o644)
        except OSError:
            files.key.unlink()
            raise
    except OSError as error:
        raise CertificateError(
            f"{error.filename} can't be written ({error.strerror}): choose another folder."
        ) from None
    return files


def _general_name(name: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    with suppress(ValueError):
        ascii_name = name.encode("idna").decode()
        if _HOST_NAME.fullmatch(ascii_name):
            return x509.DNSName(ascii_name)
    raise CertificateError(
        f"{name!r} is neither a host name nor an IP address: give it as people will say it to `chat --server`."
    )


def _sign(
    key: ec.EllipticCurvePrivateKey, names: Sequence[x509.GeneralName], common_name: str, days: int
) -> x509.Certificate:
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_MAX_COMMON_NAME])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, SHA256())
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that wasn't there, with this mode from its first byte on."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - by descriptor
        file.write(data)
