"""What the relay proves itself by (TCP-12); `files` reads it."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


class CertificateError(Exception):
    """A certificate or key that can't be used; ``str()`` is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that can be served."""

    context: ssl.SSLContext
    fingerprint: str
    names: tuple[str, ...]
    """The host names and IP addresses that it is for."""
    not_after: datetime
    exposed_key: Path | None
    """The key's file, if everybody on the machine may read or change it."""
