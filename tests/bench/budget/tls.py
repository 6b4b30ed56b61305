"""Clients that speak TLS in turn with everything else, and what Python's own module never says."""

import hmac
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.budget.stage import HOST

# Of TLS_AES_256_GCM_SHA384, which two programs on OpenSSL choose.
_HASH: Final = "sha384"
_KEY_BYTES: Final = 32
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_UPDATE: Final = b"\x18\x00\x00\x01\x00"
"""The handshake message of RFC 8446, 4.6.3; no update is asked for in return."""
_HANDSHAKE: Final = b"\x16"


class Handshake:
    """A client that shakes hands, then says something more, and closes if that is nothing."""

    def __init__(self, context: ssl.SSLContext, then: Callable[["Handshake"], bytes] | None = None) -> None:
        self.over = False
        self._done = False
        self._then = then
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=HOST)
        self.first = self.feed(b"")
        """The ClientHello."""

    def feed(self, data: bytes) -> bytes:
        """Go on with the handshake; what comes later is of no interest."""
        if self._done:
            return b""
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read()
        except ssl.SSLError:  # the relay is busy, and says so in plain
            self.over = True
            return b""
        self._done = True
        said = self._outgoing.read()
        if self._then:
            return said + self._then(self)
        self.over = True
        return said

    def encrypt(self, data: bytes) -> bytes:
        """Return a record that says so."""
        self._tls.write(data)
        return self._outgoing.read()


def hello(context: ssl.SSLContext) -> bytes:
    """Return a ClientHello."""
    return Handshake(context).first


class KeyUpdates:
    """KeyUpdate records, which a client may send as it likes: each makes the relay derive keys anew."""

    def __init__(self, keys: Path) -> None:
        """``keys`` is where a context writes the secrets of its connections (``keylog_filename``)."""
        self._keys = keys

    def records(self, count: int) -> bytes:
        """Return so many, for the connection whose handshake was the last to be done."""
        lines = self._keys.read_text(encoding="ascii").splitlines()
        secret = bytes.fromhex([line for line in lines if line.startswith("CLIENT_TRAFFIC_SECRET_0 ")][-1].split()[2])
        self._keys.write_text("", encoding="ascii")
        records = []
        for _ in range(count):
            record, secret = _key_update(secret)
            records.append(record)
        return b"".join(records)


def _key_update(secret: bytes) -> tuple[bytes, bytes]:
    """Return a record under a secret, and the secret from then on (RFC 8446, 5.2, 7.2 and 7.3)."""
    key, iv = _expand(secret, b"key", _KEY_BYTES), _expand(secret, b"iv", _IV_BYTES)
    plain = _KEY_UPDATE + _HANDSHAKE
    header = b"\x17\x03\x03" + (len(plain) + _TAG_BYTES).to_bytes(2, "big")
    # The first record under new keys has the number 0, so the nonce is the IV itself.
    record = header + AESGCM(key).encrypt(iv, plain, header)
    return record, _expand(secret, b"traffic upd", len(secret))


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label of one block (RFC 8446, 7.1)."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return hmac.digest(secret, info + b"\x01", _HASH)[:size]
