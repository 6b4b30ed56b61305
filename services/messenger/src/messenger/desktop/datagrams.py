"""One UDP port, connected to the relay, on a QUdpSocket."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QAbstractSocket, QHostAddress, QUdpSocket

from messenger.desktop.connecting import go_direct

_RECEIVE_BYTES: Final = 4097  # one more than any legal datagram: a longer one shows (UDP-05)
_BATCH: Final = 64  # datagrams read before the window and other memberships get their turn


class Datagrams:
    """Speak from a new local port, from ``local`` if given, to one numeric address.

    ``on_datagram`` gets what comes, ``on_error`` hears that something came back as undeliverable (ICMP).
    """

    def __init__(
        self,
        local: QHostAddress | None,
        remote: tuple[QHostAddress, int],
        on_datagram: Callable[[bytes], None],
        on_error: Callable[[], None],
        *,
        parent: QObject,
    ) -> None:
        """Open the port.

        Raises:
            OSError: the system refuses; nothing is left open.

        """
        self._on_datagram, self._on_error = on_datagram, on_error
        self._open = True
        self._socket = QUdpSocket(parent)
        go_direct(self._socket)
        bound = local is None or self._socket.bind(local, 0)
        if bound:
            # Connected, so that the system keeps others' datagrams away and tells of closed ports.
            self._socket.connectToHost(*remote)
        if self._socket.state() is not QAbstractSocket.SocketState.ConnectedState:
            why = self._socket.errorString()
            self.close()
            raise OSError(why)
        self._socket.readyRead.connect(self._read)

    def close(self) -> None:
        """Close the port; nothing more is heard."""
        if self._open:
            self._open = False
            self._socket.blockSignals(True)
            self._socket.close()
            self._socket.deleteLater()

    def send(self, data: bytes) -> bool:
        """Send a datagram, which isn't empty; False if the system has no room for it.

        Raises:
            OSError: it can't be sent.

        """
        written = self._socket.write(data)
        if written < 0:
            # That may have been the answer to an earlier datagram, and this one wasn't sent.
            written = self._socket.write(data)
        if written < 0:
            raise OSError(self._socket.errorString())
        return written > 0

    def _read(self) -> None:
        # What the batch leaves is told of again, after Qt's timers and other sockets.
        for count in range(_BATCH):
            if not self._open:  # a datagram's consequence may be a new port
                return
            data, sender, _ = self._socket.readDatagram(_RECEIVE_BYTES)
            if sender.isNull():
                if not count:
                    # Qt takes an ICMP error off the socket before one can ask: what remains is a call to read nothing.
                    self._on_error()
                return
            if data.size() < _RECEIVE_BYTES:
                self._on_datagram(bytes(data.data()))
