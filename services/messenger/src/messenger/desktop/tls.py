"""How a relay proves by QSslSocket that it is the one that is meant (TCP-12)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

from PySide6.QtCore import QObject
from PySide6.QtNetwork import (
    QAbstractSocket,
    QSsl,
    QSslCertificate,
    QSslConfiguration,
    QSslError,
    QSslSocket,
    QTcpSocket,
)

from chatbrain import Ended, Fault, Finding, Presented, ServerAddress, Tls, UnreachableError
from chatclient.tls import explain_reason, make_context
from chatproto.fingerprint import fingerprint_of
from messenger.core.links import Look
from messenger.desktop.connecting import Connector, discard, explain, make_timer

LOOK_SECONDS: Final = 4.0
NO_LIBRARY: Final = Finding(Fault.TLS_FAILED, "Qt finds no library for TLS on this machine")

_TLS_ERRORS: Final = {
    QAbstractSocket.SocketError.SslHandshakeFailedError,
    QAbstractSocket.SocketError.SslInternalError,
    QAbstractSocket.SocketError.SslInvalidUserDataError,
}
_DOUBTS: Final = {
    QSslError.SslError.CertificateExpired: Finding(Fault.EXPIRED, "certificate has expired"),
    QSslError.SslError.CertificateNotYetValid: Finding(Fault.NOT_YET_VALID, "certificate is not yet valid"),
    QSslError.SslError.SelfSignedCertificate: Finding(Fault.SELF_SIGNED, "self-signed certificate"),
    QSslError.SslError.SelfSignedCertificateInChain: Finding(
        Fault.UNKNOWN_AUTHORITY, "self-signed certificate in certificate chain"
    ),
    QSslError.SslError.UnableToGetLocalIssuerCertificate: Finding(
        Fault.UNKNOWN_AUTHORITY, "unable to get local issuer certificate"
    ),
    QSslError.SslError.UnableToVerifyFirstCertificate: Finding(
        Fault.UNKNOWN_AUTHORITY, "unable to verify the first certificate"
    ),
}
"""In the words of OpenSSL, as `chat` has them from Python."""


class Trust:
    """Whom connections take for the relay that is meant."""

    def __init__(self, tls: Tls) -> None:
        """Read the file of authorities, if there is one.

        Raises:
            BadAuthoritiesError: it can't be used.

        """
        self._fingerprint = tls.fingerprint
        self._configuration = _configuration()
        if tls.fingerprint is not None:
            # Trust anybody for now: what is shown is compared afterwards.
            self._configuration.setPeerVerifyMode(QSslSocket.PeerVerifyMode.VerifyNone)
        elif tls.ca_file is not None:
            make_context(tls)  # which finds fault with files that Qt would pass over in silence
            self._configuration.setCaCertificates(_authorities(tls.ca_file))

    def make_socket(self, server: ServerAddress, parent: QObject) -> QSslSocket:
        """Make a socket that is still to be connected and to begin with TLS."""
        return _make_socket(self._configuration, server, parent)

    def judge(self, socket: QSslSocket) -> Finding | None:
        """Say why the relay at the other end isn't the one that is meant, now that the handshake is done."""
        if self._fingerprint is None:
            return self.doubt(socket)
        shown = _fingerprint(socket)
        return None if shown == self._fingerprint else Finding(Fault.OTHER_CERTIFICATE, f"SHA-256 {shown}")

    def doubt(self, socket: QSslSocket) -> Finding | None:
        """Say why the handshake failed, if that is because no authority that counts vouches for the relay."""
        return None if self._fingerprint else _doubt(socket)


def explain_secure(socket: QSslSocket) -> Finding:
    """Say in a few words what went wrong between two ends of TLS, or with the connection."""
    if socket.error() not in _TLS_ERRORS:
        return explain(socket)
    # It ends in OpenSSL's word for it, as in "error:0A00010B:SSL routines::wrong version number".
    reason = socket.errorString().rpartition(":")[2].strip()
    return explain_reason(reason.upper().replace(" ", "_"))


class Looking:
    """Look at a relay's certificate, from the next turn of the event loop on, without joining; sends nothing.

    ``on_look`` gets what the relay shows, or why there is nothing to see.
    """

    def __init__(self, server: ServerAddress, on_look: Callable[[Look], None], *, parent: QObject) -> None:
        self._server = server
        self._on_look = on_look
        self._socket: QSslSocket | None = None
        configuration = _configuration()
        configuration.setPeerVerifyMode(QSslSocket.PeerVerifyMode.QueryPeer)
        self._connector = Connector(
            server, lambda: _make_socket(configuration, server, parent), self._connected, self._fail
        )
        self._patience = make_timer(LOOK_SECONDS, self._too_late)
        self._begin = make_timer(0, self._start)
        self._begin.start()

    def _start(self) -> None:
        if QSslSocket.supportsSsl():
            self._patience.start()
            self._connector.start()
        else:
            self._fail(NO_LIBRARY)

    def cancel(self) -> None:
        """Call back no more."""
        self._begin.stop()
        self._patience.stop()
        self._connector.give_up()
        if self._socket:
            discard(self._socket)
            self._socket = None

    def _connected(self, socket: QTcpSocket) -> None:
        self._socket = cast("QSslSocket", socket)
        self._socket.encrypted.connect(self._shown)
        self._socket.errorOccurred.connect(self._failed)
        self._socket.startClientEncryption()

    def _shown(self) -> None:
        if self._socket:
            self._end(Presented(_fingerprint(self._socket), _doubt(self._socket)))

    def _failed(self) -> None:
        if self._socket:
            self._fail(explain_secure(self._socket))

    def _too_late(self) -> None:
        self._fail(Finding(Fault.NO_ANSWER, "no answer in time"))

    def _fail(self, finding: Finding) -> None:
        self._end(UnreachableError(Ended.unreachable(self._server, finding, tls=True)))

    def _end(self, look: Look) -> None:
        self.cancel()
        self._on_look(look)


def _configuration() -> QSslConfiguration:
    configuration = QSslConfiguration.defaultConfiguration()
    configuration.setProtocol(QSsl.SslProtocol.TlsV1_2OrLater)
    # Python's ssl, and so `chat`, looks there as well.
    if file := os.environ.get("SSL_CERT_FILE"):
        configuration.setCaCertificates(_authorities(file))
    return configuration


def _authorities(file: str) -> list[QSslCertificate]:
    try:
        return QSslCertificate.fromData(Path(file).read_bytes(), QSsl.EncodingFormat.Pem)
    except OSError:
        return []  # nobody is trusted


def _make_socket(configuration: QSslConfiguration, server: ServerAddress, parent: QObject) -> QSslSocket:
    socket = QSslSocket(parent)
    socket.setSslConfiguration(configuration)
    # The connection goes to a number; the certificate is about the name.
    socket.setPeerVerifyName(server.host)
    return socket


def _fingerprint(socket: QSslSocket) -> str:
    return fingerprint_of(bytes(socket.peerCertificate().toDer().data()))


def _doubt(socket: QSslSocket) -> Finding | None:
    errors = socket.sslHandshakeErrors()
    return _explain_doubt(errors[0], socket.peerVerifyName()) if errors else None


def _explain_doubt(first: QSslError, host: str) -> Finding:
    if first.error() is QSslError.SslError.HostNameMismatch:
        return Finding(Fault.OTHER_HOST, f"hostname mismatch, certificate is not valid for {host!r}")
    words = first.errorString().rstrip(".")
    return _DOUBTS.get(first.error()) or Finding(Fault.UNPROVEN, words[:1].lower() + words[1:])
