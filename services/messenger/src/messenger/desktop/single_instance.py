"""How a link that is opened elsewhere comes to the window that is there: a socket that only its user may use."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from chatproto import BadNameError
from messenger.core.invite import Invite, parse_invite

_TAKEN: Final = b"ok\n"
_ANSWER_MILLISECONDS: Final = 3000
"""A window that doesn't answer by then is stuck: a link opens one of its own."""
_MAX_BYTES: Final = 4096


class SingleInstance(QObject):
    """Tells the window which links others were started with; it listens in the first window of a path."""

    invited = Signal(Invite)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._welcome)
        name = _name(path)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _connect(name):  # listening would take it away from the window that has it
            QLocalServer.removeServer(name)  # one that crashed has left it
            self._server.listen(name)  # where it can't, each link opens a window of its own, which does no harm

    def end(self) -> None:
        """Leave it to another window."""
        self._server.close()

    def _welcome(self) -> None:
        while self._server.hasPendingConnections():
            visitor = self._server.nextPendingConnection()
            visitor.setReadBufferSize(_MAX_BYTES)
            visitor.readyRead.connect(self._hear)  # a closure with the visitor in it would outlive it, and crash
            visitor.disconnected.connect(visitor.deleteLater)
            self._read(visitor)

    def _hear(self) -> None:
        visitor = self.sender()
        if isinstance(visitor, QLocalSocket):
            self._read(visitor)

    def _read(self, visitor: QLocalSocket) -> None:
        if not visitor.canReadLine():
            return
        try:
            invite = parse_invite(bytes(visitor.readLine().data()).decode())
        except (ValueError, BadNameError):
            visitor.abort()
            return
        visitor.write(_TAKEN)
        visitor.disconnectFromServer()
        self.invited.emit(invite)


def hand_over(path: Path, invite: Invite) -> bool:
    """Ask the window that is there to show an invitation; tells whether there is one that does."""
    window = _connect(_name(path))
    if not window:
        return False
    window.write(f"{invite.link}\n".encode())
    return window.waitForReadyRead(_ANSWER_MILLISECONDS) and window.readAll().data() == _TAKEN


def _connect(name: str) -> QLocalSocket | None:
    window = QLocalSocket()
    window.connectToServer(name)
    return window if window.waitForConnected(_ANSWER_MILLISECONDS) else None


def _name(path: Path) -> str:
    """Return what Qt calls the bell of a path: a socket's file, or where there are none, as on Windows, a name."""
    return str(path) if os.name == "posix" else f"chat-desktop-{sha256(str(path).encode()).hexdigest()[:16]}"
