"""TLS clients whose bytes the test holds in its hands: halves of handshakes, and records no TLS library would send.

A library sends a key update (RFC 8446, 4.6.3) only when it likes to. To send one at any moment, records of TLS 1.3 are
sealed here, with the secret that OpenSSL writes down for whoever asks it to.
"""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from conformance.tls import Authority

VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
_CIPHER: Final = "TLS_AES_256_GCM_SHA384"
"""What OpenSSL prefers on both sides; a relay that chooses another one can't be spoken to here."""
_TAG_BYTES, _KEY_BYTES, _NONCE_BYTES = 16, 32, 12
ALERT, HANDSHAKE, DATA = 21, 22, 23
"""Kinds of content (RFC 8446, 5.1)."""
_CLOSE_NOTIFY: Final = b"\x01\x00"
_CLIENT_RANDOM: Final = slice(11, 43)
"""Where it is in the record of a ClientHello."""


class Keys:
    """The secrets of TLS 1.3 clients: OpenSSL writes them to a file, by what each client said in its hello."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._secrets: dict[bytes, bytes] = {}

    def contexts(self, authority: Authority) -> dict[ssl.TLSVersion, ssl.SSLContext]:
        """Return a context for clients of each version."""
        contexts = {}
        for version in VERSIONS:
            contexts[version] = context = authority.context()
            context.minimum_version = context.maximum_version = version
            context.keylog_filename = str(self._path)
        return contexts

    def secret_of(self, hello: bytes) -> bytes:
        """Return the secret that the data of the client with this hello is sealed with first."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                label, *values = line.split()
                if label == b"CLIENT_TRAFFIC_SECRET_0":
                    random, secret = values
                    self._secrets[bytes.fromhex(random.decode())] = bytes.fromhex(secret.decode())
            self._read_bytes = file.tell()
        return self._secrets.pop(hello[_CLIENT_RANDOM])


class Seal:
    """Makes a TLS 1.3 client's records (RFC 8446, 5.2)."""

    def __init__(self, secret: bytes) -> None:
        self._take(secret)

    def record(self, content: bytes, kind: int) -> bytes:
        """Seal content of a kind."""
        inner = content + bytes([kind])
        head = bytes([DATA, 3, 3]) + (len(inner) + _TAG_BYTES).to_bytes(2, "big")
        nonce = (self._nonce ^ self._count).to_bytes(_NONCE_BYTES, "big")
        self._count += 1
        return head + self._key.encrypt(nonce, inner, head)

    def key_update(self, *, asking: bool) -> bytes:
        """Change to the next key; ``asking`` wants the relay to do the same, which is an answer."""
        record = self.record(bytes([24, 0, 0, 1, asking]), HANDSHAKE)
        self._take(self._expand("traffic upd", len(self._secret)))
        return record

    def _take(self, secret: bytes) -> None:
        self._secret, self._count = secret, 0
        self._key = AESGCM(self._expand("key", _KEY_BYTES))
        self._nonce = int.from_bytes(self._expand("iv", _NONCE_BYTES), "big")

    def _expand(self, label: str, size: int) -> bytes:
        name = b"tls13 " + label.encode()
        info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
        return HKDFExpand(SHA384(), size, info).derive(self._secret)


class TlsClient:
    """A client without I/O; what it makes may be sent in any pieces, at any time, or never."""

    def __init__(self, context: ssl.SSLContext, keys: Keys) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self._keys = keys
        self._seal: Seal | None = None
        self.ready = False
        """Whether the handshake is done, but for what is to be sent still."""
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        self.hello = self._outgoing.read()
        self.to_send = b""
        """What continues the handshake."""

    def feed(self, data: bytes) -> bytes:
        """Take what the relay sent; returns bytes of the stream."""
        self._incoming.write(data)
        stream = b""
        with suppress(ssl.SSLError):  # more is wanted, or it is no TLS, or an alert
            if not self.ready:
                self._tls.do_handshake()
                self._begin()
            while piece := self._tls.read(65_536):
                stream += piece
        self.to_send += self._outgoing.read()
        return stream

    def encrypt(self, data: bytes, kind: int = DATA) -> bytes:
        """Return the record that says so; TLS 1.2 can say data alone."""
        if self._seal:
            return self._seal.record(data, kind)
        with suppress(ssl.SSLError):  # it has ended its side
            self._tls.write(data)
        return self._outgoing.read()

    def end(self) -> bytes:
        """Return the record that says that no more is sent."""
        if self._seal:
            return self._seal.record(_CLOSE_NOTIFY, ALERT)
        with suppress(ssl.SSLError):  # the relay needn't say the same
            self._tls.unwrap()
        return self._outgoing.read()

    def key_update(self, *, asking: bool) -> bytes:
        """Return the record that changes the key; TLS 1.2 has none."""
        return self._seal.key_update(asking=asking) if self._seal else b""

    def _begin(self) -> None:
        self.ready = True
        if self._tls.version() == "TLSv1.3":
            cipher = self._tls.cipher()
            assert cipher
            assert cipher[0] == _CIPHER
            self._seal = Seal(self._keys.secret_of(self.hello))
