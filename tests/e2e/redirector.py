"""A listener of one page that has no room, and sends everybody to where rooms are (CLU-01)."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from chatproto import Feature, Server, ServerTransaction
from chatproto.errors import ElsewhereError

SECONDS = 30.0


class Redirector:
    """Answers each request by status 14; ``where`` says which server has a room of a name."""

    def __init__(self, where: Callable[[str], Server], context: ssl.SSLContext | None = None) -> None:
        """With a ``context`` it speaks TLS alone."""
        self.sent_on: list[str] = []
        """The names of those who were sent on, in order."""
        self._where = where
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # its end
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(SECONDS)
                with suppress(ssl.SSLError, ConnectionError), self._secured(connection) as secured:
                    self._answer(secured)  # who doesn't trust it goes

    def _secured(self, connection: socket.socket) -> socket.socket:
        """Do the handshake, if it speaks TLS."""
        return self._context.wrap_socket(connection, server_side=True) if self._context else connection

    def _answer(self, connection: socket.socket) -> None:
        transaction, asked = ServerTransaction(), None
        while asked is None:
            data = connection.recv(4096)
            if not data:
                return
            asked = transaction.feed(data)
        _, room, request = asked
        assert Feature.FOLLOW in request.features
        self.sent_on.append(request.username)
        connection.sendall(transaction.refuse(ElsewhereError(self._where(room))))
        while connection.recv(4096):
            pass
