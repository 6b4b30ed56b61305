"""From a server's name to a connected QTcpSocket, without ever waiting."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtNetwork import QAbstractSocket, QHostAddress, QHostInfo, QNetworkProxy, QTcpSocket

from chatbrain import Fault, Finding, ServerAddress
from chatbrain.findings import HUNG_UP

LOOKUP_SECONDS: Final = 4.0
_NEXT_ADDRESS_SECONDS: Final = 1.0  # a host with several addresses gets this long on each but the last

_UNKNOWN_HOST: Final = Finding(Fault.UNKNOWN_HOST, "the host name isn't known")
_NO_ANSWER: Final = Finding(Fault.NO_ANSWER, "no answer in time")
_FINDINGS: Final = {
    QAbstractSocket.SocketError.ConnectionRefusedError: Finding(Fault.REFUSED, "connection refused"),
    QAbstractSocket.SocketError.RemoteHostClosedError: HUNG_UP,
    QAbstractSocket.SocketError.HostNotFoundError: _UNKNOWN_HOST,
    QAbstractSocket.SocketError.SocketTimeoutError: _NO_ANSWER,
    QAbstractSocket.SocketError.NetworkError: Finding(Fault.NO_ROUTE, "there is no way to that address"),
}


def explain(socket: QAbstractSocket) -> Finding:
    """Say in a few words, without numbers and addresses, what a socket's last error means."""
    return _FINDINGS.get(socket.error()) or Finding(Fault.SYSTEM, socket.errorString().rstrip(".").lower())


def go_direct(socket: QAbstractSocket) -> None:
    """Keep a socket from a proxy for the web, which Qt would take from the system."""
    socket.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))


def discard(socket: QAbstractSocket) -> None:
    """Close a socket for good, and say nothing more about it; what was written goes as far as the system takes it."""
    socket.blockSignals(True)
    socket.disconnectFromHost()
    if socket.state() is not QAbstractSocket.SocketState.UnconnectedState:
        socket.flush()
        socket.abort()
    socket.deleteLater()


def make_timer(seconds: float, then: Callable[[], None]) -> QTimer:
    """Make a timer that calls back once, so many seconds after its start, unless it is stopped or forgotten."""
    timer = QTimer(singleShot=True, interval=round(seconds * 1000))
    timer.timeout.connect(then)
    return timer


class Lookup:
    """Find out a host's numeric addresses; ``on_done`` gets them, or why there are none, perhaps at once."""

    def __init__(self, host: str, on_done: Callable[[list[QHostAddress] | Finding], None]) -> None:
        self._host = host
        self._on_done = on_done
        self._over = False
        self._patience = make_timer(LOOKUP_SECONDS, self._too_late)

    def start(self) -> None:
        """Ask; a numeric address needs no asking."""
        numeric = QHostAddress(self._host)
        if not numeric.isNull():
            self._end([numeric])
            return
        try:
            name = self._host.encode("idna").decode()
        except UnicodeError:
            self._end(Finding(Fault.BAD_HOST, "the host name isn't legal"))
            return
        self._patience.start()
        QHostInfo().lookupHost(name, self._answered)

    def give_up(self) -> None:
        """Call back no more."""
        self._over = True
        self._patience.stop()

    def _answered(self, info: QHostInfo) -> None:
        self._end(info.addresses() or _UNKNOWN_HOST)

    def _too_late(self) -> None:
        self._end(_NO_ANSWER)

    def _end(self, result: list[QHostAddress] | Finding) -> None:
        if not self._over:
            self.give_up()
            self._on_done(result)


class Connector:
    """Connect to the first of the server's addresses that answers.

    One of the callbacks is called, perhaps at once: with the socket, which is the caller's from then on, or with what
    was found instead.
    """

    def __init__(
        self,
        server: ServerAddress,
        make: Callable[[], QTcpSocket],
        on_connected: Callable[[QTcpSocket], None],
        on_failed: Callable[[Finding], None],
    ) -> None:
        self._server = server
        self._make = make
        self._on_connected, self._on_failed = on_connected, on_failed
        self._addresses: list[QHostAddress] = []
        self._socket: QTcpSocket | None = None
        self._patience = make_timer(_NEXT_ADDRESS_SECONDS, self._try_next)
        self._lookup = Lookup(server.host, self._looked_up)

    def start(self) -> None:
        """Begin."""
        self._lookup.start()

    def give_up(self) -> None:
        """Call back no more."""
        self._lookup.give_up()
        self._patience.stop()
        if self._socket:
            discard(self._socket)
            self._socket = None

    def _looked_up(self, result: list[QHostAddress] | Finding) -> None:
        if isinstance(result, Finding):
            self._on_failed(result)
        else:
            self._addresses = result
            self._try_next()

    def _try_next(self) -> None:
        if self._socket:
            discard(self._socket)
        socket = self._socket = self._make()
        go_direct(socket)
        socket.connected.connect(self._connected)
        socket.errorOccurred.connect(self._failed)
        address = self._addresses.pop(0)
        if self._addresses:
            self._patience.start()
        socket.connectToHost(address, self._server.port)

    def _connected(self) -> None:
        socket, self._socket = self._socket, None
        if socket:
            socket.connected.disconnect(self._connected)
            socket.errorOccurred.disconnect(self._failed)
            self._patience.stop()
            self._on_connected(socket)

    def _failed(self) -> None:
        self._patience.stop()
        if self._addresses:
            self._try_next()
        elif self._socket:
            socket, self._socket = self._socket, None
            finding = explain(socket)
            discard(socket)
            self._on_failed(finding)
