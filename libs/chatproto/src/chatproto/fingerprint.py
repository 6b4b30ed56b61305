"""What a certificate is known by: its SHA-256 (TCP-12)."""

import hashlib
import re

from chatproto.errors import BadFingerprintError

_FINGERPRINT = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER) as other programs show it: 32 pairs of hex digits with colons."""
    return _pairs(hashlib.sha256(certificate).digest())


def parse_fingerprint(text: str) -> str:
    """Read a SHA-256 with or without colons, in any case, as ``fingerprint_of`` writes it.

    Raises:
        BadFingerprintError: it is none; ``str()`` says what to do.

    """
    found = _FINGERPRINT.fullmatch(text.strip())
    if not found:
        raise BadFingerprintError(text)
    return _pairs(bytes.fromhex(found[1].replace(":", "")))


def _pairs(digest: bytes) -> str:
    return digest.hex(":").upper()
