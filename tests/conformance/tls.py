"""Clients that speak TLS by Python's own module, and certificates for relays of our own."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from conformance import wire
from conformance.people import call
from conformance.relays import Relay


class Authority:
    """Somebody who vouches for certificates, and one for 127.0.0.1 and localhost in files."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.ca_file = folder / "authority.pem"
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.issue()

    def issue(self) -> None:
        """Put a new certificate and its key into the files."""
        issued = self.ca.issue_cert("127.0.0.1", "localhost")
        self.certificate.unlink(missing_ok=True)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(self.certificate, append=True)
        issued.private_key_pem.write_to_path(self.key)
        self.key.chmod(0o600)

    @property
    def settings(self) -> dict[str, str]:
        """A relay's settings for the files."""
        return {"tls_cert_file": str(self.certificate), "tls_key_file": str(self.key)}

    def context(self) -> ssl.SSLContext:
        """Trust this authority, and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context


def secure(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Do the handshake; the stream's end is one only if TLS says so (close_notify)."""
    return context.wrap_socket(connection, server_hostname="127.0.0.1", suppress_ragged_eofs=False)


@contextmanager
def call_secure(relay: Relay, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Open a TLS connection."""
    with call(relay) as connection, secure(connection, context) as secured:
        yield secured


def ask_secure(relay: Relay, context: ssl.SSLContext, request: bytes) -> list[wire.Frame]:
    """Send a request and return all frames of the answer."""
    with call_secure(relay, context) as connection:
        connection.sendall(request)
        return wire.read_frames(connection)


class HandMade:
    """TLS whose bytes the test carries itself."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")

    def hello(self) -> bytes:
        """Return the ClientHello."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read()
        raise AssertionError("nobody answered yet")

    def shake_hands(self, connection: socket.socket) -> bytes:
        """Go on once the ClientHello is sent; returns what would end the handshake."""
        while True:
            data = connection.recv(65_536)
            assert data, "the relay ended before the handshake was done"
            self._incoming.write(data)
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return the record that says so."""
        self.tls.write(data)
        return self._outgoing.read()

    def read_frames(self, connection: socket.socket) -> list[wire.Frame]:
        """Read until the relay says that it sends no more."""
        stream = b""
        while True:
            try:
                piece = self.tls.read(65_536)
            except ssl.SSLWantReadError:
                data = connection.recv(65_536)
                assert data, "the relay ended without close_notify"
                self._incoming.write(data)
                continue
            if not piece:
                return list(_frames(stream))
            stream += piece


def _frames(stream: bytes) -> Iterator[wire.Frame]:
    while stream:
        start = 32 + stream[0]
        end = start + int.from_bytes(stream[3:32], "big")
        yield wire.Frame(stream[1], stream[2], stream[32:start], stream[start:end])
        stream = stream[end:]
