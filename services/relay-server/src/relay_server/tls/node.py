"""What a node proves itself by to other nodes: a certificate made at the start, which is never in a file (CLU-04)."""

import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from chatproto.fingerprint import fingerprint_of
from relay_server.tls.self_signed import make_self_signed

_NAME: Final = "node"
"""Nobody looks at it: nodes know each other's certificates by their fingerprints."""
_DAYS: Final = 3650
"""As long as a relay may run; nobody looks at that either."""


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """A certificate for links, and what other nodes know it by."""

    context: ssl.SSLContext
    fingerprint: str
    pem: bytes = field(repr=False)
    """With its key."""


def make_node_certificate(pem: bytes = b"") -> NodeCertificate:
    """Make a certificate for this run of the node, good for TLS 1.3 alone; or go on with one that has this PEM."""
    if not pem:
        made = make_self_signed([_NAME], _DAYS)
        pem = made.certificate_pem + made.key_pem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # each link has a handshake of its own
    with _readable(pem) as path:
        context.load_cert_chain(path)
    return NodeCertificate(context, fingerprint_of(load_pem_x509_certificate(pem).public_bytes(Encoding.DER)), pem)


@contextmanager
def _readable(pem: bytes) -> Iterator[Path]:
    """Let OpenSSL, which takes files alone, read something from memory."""
    if sys.platform == "linux":  # where a relay's file system may be read-only
        descriptor = os.memfd_create("node", os.MFD_CLOEXEC)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - by descriptor
            file.write(pem)
            file.flush()
            yield Path(f"/proc/self/fd/{descriptor}")
    else:
        with TemporaryDirectory() as folder:
            path = Path(folder, "node.pem")
            path.write_bytes(pem)
            yield path
