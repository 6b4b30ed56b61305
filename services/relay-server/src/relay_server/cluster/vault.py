"""What the key of a cluster is for: names and values that NATS can't read, tickets, links (threat N17)."""

import base64
import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ROOM_PREFIX: Final = "room."


class SealError(Exception):
    """This wasn't sealed by a key of this cluster, or not for this place."""


class Sealer:
    """Seals values by AES-256-GCM.

    Nonces are random. Two of one key are alike after 2**32 values with a chance of 2**-33: so many beats a hundred
    nodes send in eight months, and so many records they never write.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, place: str, value: bytes) -> bytes:
        """Seal a value so that it opens only where it belongs."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Open what was sealed for this place.

        Raises:
            SealError: it wasn't.

        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise SealError from None


class Vault:
    """The keys of a cluster, each of them derived from its secret by HKDF for one purpose (RFC 5869)."""

    def __init__(self, secret: str) -> None:
        self._names = _derive(secret, "names")
        self.records = Sealer(_derive(secret, "records"))
        self.beats = Sealer(_derive(secret, "beats"))
        """Seals what nodes tell of themselves."""
        self.tickets_key = _derive(secret, "tickets")
        self.links_key = _derive(secret, "links")

    def room_key(self, room: bytes) -> str:
        """Return the directory's key of a room, which doesn't tell the room's name."""
        digest = hmac.digest(self._names, room, hashlib.sha256)
        return ROOM_PREFIX + base64.b32encode(digest).decode().rstrip("=").lower()


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"relay cluster: " + purpose.encode()).derive(secret.encode())
