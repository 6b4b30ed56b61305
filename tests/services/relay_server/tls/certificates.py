"""Certificates for tests, good and bad, in files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from relay_server.tls.files import CertificateFiles


def issue(folder: Path, *names: str, days: float = 10) -> CertificateFiles:
    """Write a certificate that ends in so many days, and its key."""
    expires = datetime.now(UTC) + timedelta(days=days)
    issued = trustme.CA().issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=expires)
    files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(files.certificate)
    issued.private_key_pem.write_to_path(files.key)
    files.key.chmod(0o600)
    return files


def settings(files: CertificateFiles) -> dict[str, str]:
    """Return the environment variables that name the files."""
    return {"RELAY_TLS_CERT_FILE": str(files.certificate), "RELAY_TLS_KEY_FILE": str(files.key)}
