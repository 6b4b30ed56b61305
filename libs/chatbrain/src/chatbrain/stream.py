"""One way to speak to the relay over TCP, plain or by TLS, from its name to its end."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from chatbrain.address import ServerAddress
from chatbrain.errors import TlsFailedError, UntrustedError
from chatbrain.events import Ended
from chatbrain.findings import NO_ANSWER, Finding
from chatbrain.toolkit import Cancellable, Secure, Toolkit, Wire

NEXT_ADDRESS_SECONDS: Final = 1.0
"""A host with several addresses gets this long on each but the last."""


class Path(NamedTuple):
    """The addresses at the two ends of a connection; datagrams go the same way."""

    local: Any
    local_text: str
    remote: Any


class Stream:
    """Connect to the first of the server's addresses that answers.

    With ``secure`` nothing is sent, and nothing is heard, before the relay is proven to be the one that is meant.
    ``on_end`` is told what was found instead of a relay, or that it isn't trusted; nothing is called after that.
    With ``patience_seconds`` each address gets so long at most, the last one too.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        server: ServerAddress,
        secure: Callable[[], Secure] | None,
        *,
        on_open: Callable[[Path], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding | Ended], None],
        patience_seconds: float | None = None,
    ) -> None:
        self._toolkit = toolkit
        self._server = server
        self._make_secure = secure
        self._on_open, self._on_data, self._on_end = on_open, on_data, on_end
        self._patience_seconds = patience_seconds
        self._secure: Secure | None = None
        self._wire: Wire | None = None
        self._addresses: list[Any] = []
        self._path: Path
        self._lookup: Cancellable | None = None
        self._patience: Cancellable | None = None
        self._closed = False

    def start(self) -> None:
        """Begin; this may call back at once."""
        self._lookup = self._toolkit.look_up(self._server.host, self._looked_up)

    def write(self, data: bytes) -> None:
        """Send bytes; they are dropped where there is nobody to whom they may be sent."""
        if self._secure and self._secure.proven:
            self._secure.write(data)
            self._flush()
        elif self._wire and not self._make_secure:
            self._wire.write(data)

    def close(self) -> None:
        """End the connection or the attempt."""
        self._closed = True
        self._stop_waiting()
        if self._secure:
            self._secure.end()
            self._flush()
        if self._wire:
            self._wire.close()
            self._wire = None

    def _stop_waiting(self) -> None:
        for waiting in (self._lookup, self._patience):
            if waiting:
                waiting.cancel()

    def _looked_up(self, found: list[Any] | Finding) -> None:
        if isinstance(found, Finding):
            self._end(found)
        elif not self._closed:
            self._addresses = list(found)
            self._try_next()

    def _try_next(self) -> None:
        if self._wire:
            self._wire.close()
        address = self._addresses.pop(0)
        wire = self._wire = self._toolkit.make_wire(
            address,
            self._server.port,
            lambda: self._connected(Path(wire.local, wire.local_text, address)),
            self._received,
            self._broke,
        )
        self._set_patience()
        wire.start()

    def _set_patience(self) -> None:
        seconds, then = self._patience_seconds, partial(self._broke, NO_ANSWER)
        if self._addresses:
            seconds = min(seconds or NEXT_ADDRESS_SECONDS, NEXT_ADDRESS_SECONDS)
        if seconds is not None:
            self._patience = self._toolkit.call_at(self._toolkit.now + seconds, then)

    def _connected(self, path: Path) -> None:
        self._stop_waiting()
        self._addresses.clear()
        self._path = path
        if not self._make_secure:
            self._on_open(path)
            return
        try:
            self._secure = self._make_secure()
        except TlsFailedError as error:
            self._end(error.finding)
        else:
            self._decrypt(self._secure, b"")

    def _received(self, data: bytes) -> None:
        if self._secure:
            data = self._decrypt(self._secure, data)
        if data and not self._closed:
            self._on_data(data)

    def _broke(self, finding: Finding) -> None:
        self._stop_waiting()
        if self._addresses:
            self._try_next()
        else:
            self._end(finding)

    def _decrypt(self, secure: Secure, data: bytes) -> bytes:
        """Take bytes of the wire; tell once whether the relay is the one that is meant."""
        was_proven = secure.proven
        end: Finding | Ended | None = None
        try:
            data = secure.feed(data)
        except UntrustedError as error:
            end = error.cause
        except TlsFailedError as error:
            end = error.finding
        self._flush()  # an alert, before the connection is closed
        if end:
            self._end(end)
            return b""
        if secure.proven and not was_proven:
            self._on_open(self._path)
        return data

    def _flush(self) -> None:
        data = self._secure.take() if self._secure else b""
        if data and self._wire:
            self._wire.write(data)

    def _end(self, found: Finding | Ended) -> None:
        if not self._closed:
            self.close()
            self._on_end(found)
