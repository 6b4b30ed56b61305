"""What is counted about TLS on the TCP port (TCP-12)."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum, unique


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
