"""The entrance of every TCP connection: plain or TLS, how much may come, and when nothing is read any more (TCP-12)."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeAlias, cast

from chatproto.tls import TLS_START
from relay_server.net.reported import reported
from relay_server.net.tls import TlsTransport
from relay_server.net.turns import Turns
from relay_server.net.wire import Wire
from relay_server.tls.server import HandshakeFailure, Tls

SPARE_BYTES: Final = 65_536
"""TLS may take this much beyond the largest request: a handshake, and what honest clients add."""
RECORD_BYTES: Final = 2048
"""A tiny record, such as a key update, is as much work as a larger one. A request may still come in thirty."""
PIECE_BYTES: Final = 256
"""TLS is fed so much at a time: once a piece ends the transaction, the rest costs nothing."""
IDLE_RECORDS: Final = 4
"""So many records in one piece that bring no byte of a request are an attack: key updates, or alerts without end. A
handshake has three at most."""


class Chat(Protocol):
    """What takes a connection over: a stream, or what carries it to another node."""

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        ...

    def data_received(self, data: bytes) -> bool:
        """Take bytes of the stream; returns whether a line or a request became whole."""
        ...

    def eof_received(self) -> bool:
        """Take note that the client sends no more; returns whether the connection stays open."""
        ...

    def give_up(self) -> None:
        """End without an answer: the client couldn't read one."""
        ...

    def pause_writing(self) -> None:
        """Take note that the client doesn't read as fast as it is written to."""
        ...

    def resume_writing(self) -> None:
        """Take note that there is room for more again."""
        ...

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        ...


HandOver: TypeAlias = Callable[[Chat], None]


class Transaction(Chat, Protocol):
    """What a connection begins with."""

    @property
    def network(self) -> bytes:
        """Where it comes from (see `core.address.network_of`)."""
        ...

    @property
    def is_asking(self) -> bool:
        """Whether it was neither answered nor has asked for anything whole."""
        ...

    def connection_made(self, transport: Wire, hand_over: HandOver) -> None:
        """Take the connection; ``hand_over`` lets a chat have it."""
        ...

    def secure(self, transport: TlsTransport) -> None:
        """Speak through this transport from now on."""
        ...


class Entrance(asyncio.Protocol):
    """Stands between the loop's transport and a transaction, which sees the stream alone, whoever encrypts it.

    The transaction counts the connection and has its deadline from the first moment on, so a handshake has no other.
    Once the transaction is over, input is thrown away unread: neither it nor TLS could answer.
    """

    __slots__ = ("_clock", "_first", "_left", "_most", "_secured", "_tls", "_transaction", "_turns", "_wire")

    def __init__(
        self,
        transaction: Transaction,
        tls: Tls | None,
        turns: Turns,
        clock: Callable[[], float],
        max_payload_bytes: int,
    ) -> None:
        """Without ``tls`` all is plain; ``max_payload_bytes`` is the largest request's."""
        self._transaction: Chat = transaction
        self._tls = tls
        self._turns = turns
        self._clock = clock
        self._left = self._most = SPARE_BYTES + max_payload_bytes
        """How many bytes TLS may still take for the request, or for the next line of a stream; each record counts for
        `RECORD_BYTES` on top of its own."""
        self._first: bytes | None = b"" if tls else None
        """What came before it was known what it is; None once it is."""
        self._secured: TlsTransport | None = None

    @reported
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in."""
        # uvloop's transports have the methods, but are no subclass.
        self._wire = Wire(cast("asyncio.Transport", transport))
        cast("Transaction", self._transaction).connection_made(self._wire, self._hand_over)

    @reported
    def data_received(self, data: bytes) -> None:
        """Take bytes of the wire."""
        if self._transaction.is_over or self._wire.is_closing():
            return
        if self._secured:
            self._decrypt(self._secured, data)
        elif self._first is None:
            self._transaction.data_received(data)
        else:
            self._decide(self._first + data)

    @reported
    def eof_received(self) -> bool:
        """Take note that the client's TCP sends no more."""
        return self._transaction.eof_received()

    @reported
    def pause_writing(self) -> None:
        """Take note that the client doesn't read as fast as it is written to."""
        self._transaction.pause_writing()

    @reported
    def resume_writing(self) -> None:
        """Take note that there is room for more again."""
        self._transaction.resume_writing()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        if self._secured:
            self._secured.count_loss()
        self._transaction.connection_lost(exc)

    def _hand_over(self, stream: Chat) -> None:
        """Let the chat that the transaction began have what comes from now on, directly if it is plain.

        Or who carries it to another node.
        """
        self._transaction = stream
        if self._secured is None:
            self._wire.set_protocol(cast("asyncio.BaseProtocol", stream))

    def _decide(self, first: bytes) -> None:
        if first == TLS_START[:1]:
            self._first = first
            return
        self._first = None
        transaction = cast("Transaction", self._transaction)  # there is no chat before the first byte
        if self._tls is None or not first.startswith(TLS_START) or not transaction.is_asking:
            transaction.data_received(first)
        elif self._tls.admit(transaction.network, self._clock()):
            self._secured = TlsTransport(self._wire, self._tls)
            transaction.secure(self._secured)
            self._wire.pause_reading()
            self._turns.put(transaction.network, partial(self._begin, self._secured, first))
        else:
            self._tls.counts.failures[HandshakeFailure.RATE] += 1
            self._transaction.give_up()

    def _begin(self, secured: TlsTransport, first: bytes) -> bool:
        """Take what came before the handshake's turn; False if it is over already."""
        if self._transaction.is_over or self._wire.is_closing():
            return False
        self._wire.resume_reading()
        self._decrypt(secured, first)
        return True

    def _decrypt(self, secured: TlsTransport, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if self._transaction.is_over or secured.is_closing():
                return
            piece = data[start : start + PIECE_BYTES]
            records = secured.count_records(piece)
            self._left -= len(piece) + RECORD_BYTES * records
            if self._left < 0:
                self._wire.abort()
            else:
                self._take(secured, piece, records)

    def _take(self, secured: TlsTransport, piece: bytes, records: int) -> None:
        stream = secured.receive(piece)
        if stream is None:
            self._transaction.give_up()
        elif stream:
            if self._transaction.data_received(stream):
                self._left = self._most
        elif records >= IDLE_RECORDS:
            self._wire.abort()
        if secured.ended and not secured.is_closing() and not self._transaction.eof_received():
            secured.close()
