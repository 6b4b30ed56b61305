"""One question for the rooms that a relay tells of, over a connection of its own (LIST-01)."""

from collections.abc import Callable
from functools import partial
from typing import Final

from chatbrain.address import ServerAddress
from chatbrain.driver import SecureBy
from chatbrain.errors import UnreachableError, UntrustedError
from chatbrain.events import Ended
from chatbrain.findings import NO_ANSWER, NO_RELAY, Finding
from chatbrain.stream import Stream
from chatbrain.toolkit import Toolkit
from chatproto import ListedRoom, ListTransaction, ProtocolError, RefusedError

QUERY_SECONDS: Final = 4.0

RoomsAnswer = tuple[ListedRoom, ...] | RefusedError | UnreachableError
"""The rooms, or why one isn't told: a relay that lists none refuses with `Status.NOT_SUPPORTED`."""


class RoomQuery:
    """Ask from the next turn of the event loop on; ``on_answer`` is told once.

    ``secure`` makes the TLS of the connection; without it, it is plain.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        server: ServerAddress,
        on_answer: Callable[[RoomsAnswer], None],
        secure: SecureBy | None = None,
    ) -> None:
        self._server = server
        self._on_answer = on_answer
        self._tls = secure is not None
        self._transaction = ListTransaction()
        self._stream = Stream(
            toolkit,
            server,
            partial(secure, server, "") if secure else None,
            on_open=lambda _path: self._stream.write(self._transaction.request),
            on_data=self._take,
            on_end=self._ended,
        )
        self._begin = toolkit.call_at(toolkit.now, self._stream.start)
        self._patience = toolkit.call_at(toolkit.now + QUERY_SECONDS, lambda: self._ended(NO_ANSWER))

    def cancel(self) -> None:
        """Give it up; nothing is told any more."""
        self._begin.cancel()
        self._patience.cancel()
        self._stream.close()

    def _take(self, data: bytes) -> None:
        try:
            rooms = self._transaction.feed(data)
        except RefusedError as error:
            self._tell(error)
        except ProtocolError:
            self._ended(NO_RELAY)
        else:
            if rooms is not None:
                self._tell(rooms)

    def _ended(self, found: Finding | Ended) -> None:
        if isinstance(found, Ended):
            self._tell(UntrustedError(found))
        else:
            self._tell(UnreachableError(Ended.unreachable(self._server, found, tls=self._tls)))

    def _tell(self, answer: RoomsAnswer) -> None:
        self.cancel()
        self._on_answer(answer)
