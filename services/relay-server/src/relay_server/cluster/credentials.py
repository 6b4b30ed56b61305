"""How a node shows NATS who it is: a user and password, or a file of credentials with a signing key (NKEY)."""

import base64
import binascii
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PART: Final = re.compile(r"-----BEGIN [A-Z ]+-----\s*(\S+)\s*-+END [A-Z ]+-+")
"""What stands between two lines of dashes: first the JWT, then the seed."""
_PREFIX_BYTES, _CHECK_BYTES = 2, 2


class CredentialsError(Exception):
    """The file of credentials can't be used; ``str()`` is one sentence."""


class PlainTextError(Exception):
    """The server speaks no TLS, and ``tls://`` was asked for."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves a user to NATS."""

    jwt: str = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)

    def sign(self, nonce: str) -> bytes:
        """Sign what the server asks to be signed."""
        return base64.b64encode(self.key.sign(nonce.encode()))


def read_credentials(path: Path) -> Credentials:
    """Read a file as NATS's tools write it (``.creds``).

    Raises:
        CredentialsError: it can't be read, or holds something else.

    """
    try:
        jwt, seed = _PART.findall(path.read_text(encoding="ascii"))
        return Credentials(jwt, Ed25519PrivateKey.from_private_bytes(_decode(seed)))
    except OSError as error:
        raise CredentialsError(
            f"RELAY_CLUSTER_CREDENTIALS_FILE can't be read ({error.strerror}): name a file that the relay may read."
        ) from None
    except ValueError:
        raise CredentialsError(
            "RELAY_CLUSTER_CREDENTIALS_FILE holds no credentials of NATS: name a .creds file (a user's JWT and seed)."
        ) from None


def _decode(seed: str) -> bytes:
    """Return the key in a seed, which is written in base32 with a prefix and a check sum (NKEY).

    Raises:
        ValueError: it is no seed.

    """
    decoded = base64.b32decode(seed + "=" * (-len(seed) % 8))
    told, check = decoded[:-_CHECK_BYTES], decoded[-_CHECK_BYTES:]
    if binascii.crc_hqx(told, 0).to_bytes(_CHECK_BYTES, "little") != check:
        raise ValueError  # not what is wrong: it is a secret
    return told[_PREFIX_BYTES:]


class Handshakes(ssl.SSLContext):
    """A client's TLS that knows whether it was used: NATS's client goes on in the clear with a server that has none."""

    begun: bool = False

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Begin TLS on a connection."""
        self.begun = True
        return super().wrap_bio(*arguments, **named)

    def guard(self, secret: Callable[[], Any]) -> Callable[[], Any]:
        """Return a function that gives a secret away by TLS alone."""

        def guarded() -> Any:
            self.check()
            return secret()

        return guarded

    def check(self) -> None:
        """Check that TLS carries the connection.

        Raises:
            PlainTextError: it doesn't.

        """
        if not self.begun:
            raise PlainTextError


def make_tls(ca_file: str) -> Handshakes:
    """Make a client's TLS that trusts these authorities, or the system's.

    Raises:
        CredentialsError: the file can't be used.

    """
    context = Handshakes(ssl.PROTOCOL_TLS_CLIENT)
    if not ca_file:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(ca_file)
    except OSError:  # also an SSLError
        raise CredentialsError(
            "RELAY_CLUSTER_CA_FILE can't be used: name a PEM file of certificates that the relay may read."
        ) from None
    return context
