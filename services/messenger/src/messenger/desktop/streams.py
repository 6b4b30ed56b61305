"""One TCP connection to the relay, plain or by TLS, from the attempt to open it to its end."""

from typing import Protocol, cast

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QHostAddress, QSslSocket, QTcpSocket

from chatbrain import Ended, Finding, ServerAddress
from messenger.desktop.connecting import Connector, discard, explain
from messenger.desktop.tls import NO_LIBRARY, Trust, explain_secure


class Listener(Protocol):
    """Who hears of a connection; after a failure, or once it is closed, nothing more."""

    def stream_opened(self, local: QHostAddress, remote: QHostAddress) -> None:
        """Take note that it stands between these two, and that the relay is the one that is meant."""

    def stream_received(self, data: bytes) -> None:
        """Take bytes, in any pieces."""

    def stream_failed(self, finding: Finding) -> None:
        """Take note that it couldn't be opened, broke or was closed by the relay."""

    def stream_untrusted(self, cause: Ended) -> None:
        """Take note that who answered isn't the relay that is meant."""


class Stream:
    """Open a connection; by TLS if ``trust`` says whom to trust, and then nothing is sent before that is proven."""

    def __init__(self, server: ServerAddress, trust: Trust | None, listener: Listener, *, parent: QObject) -> None:
        self._server = server
        self._trust = trust
        self._listener = listener
        self._parent = parent
        self._socket: QTcpSocket | None = None
        self._opened = False
        self._connector = Connector(server, self._make_socket, self._connected, listener.stream_failed)

    def start(self) -> None:
        """Begin; the listener may hear at once that it failed."""
        if self._trust and not QSslSocket.supportsSsl():
            self._listener.stream_failed(NO_LIBRARY)
        else:
            self._connector.start()

    def write(self, data: bytes) -> None:
        """Send bytes; they are dropped where there is nobody to whom they may be sent."""
        if self._socket and self._opened:
            self._socket.write(data)

    def close(self) -> None:
        """End the connection or the attempt."""
        self._connector.give_up()
        if self._socket:
            discard(self._socket)
            self._socket = None

    def _make_socket(self) -> QTcpSocket:
        return self._trust.make_socket(self._server, self._parent) if self._trust else QTcpSocket(self._parent)

    def _connected(self, socket: QTcpSocket) -> None:
        self._socket = socket
        socket.readyRead.connect(self._read)
        socket.errorOccurred.connect(self._failed)
        if self._trust:
            secure = cast("QSslSocket", socket)
            secure.encrypted.connect(self._encrypted)
            secure.startClientEncryption()
        else:
            self._open(socket)

    def _encrypted(self) -> None:
        if self._socket and self._trust:
            finding = self._trust.judge(cast("QSslSocket", self._socket))
            if finding:
                self._distrust(finding)
            else:
                self._open(self._socket)

    def _open(self, socket: QTcpSocket) -> None:
        self._opened = True
        self._listener.stream_opened(socket.localAddress(), socket.peerAddress())

    def _read(self) -> None:
        if self._socket and self._opened:
            self._listener.stream_received(bytes(self._socket.readAll().data()))

    def _failed(self) -> None:
        if not self._socket:
            return
        if self._trust and not self._opened:
            secure = cast("QSslSocket", self._socket)
            finding = self._trust.doubt(secure)
            if finding:
                self._distrust(finding)
            else:
                self._fail(explain_secure(secure))
        else:
            self._fail(explain(self._socket))

    def _distrust(self, finding: Finding) -> None:
        self.close()
        self._listener.stream_untrusted(Ended.untrusted(self._server, finding))

    def _fail(self, finding: Finding) -> None:
        self.close()
        self._listener.stream_failed(finding)
