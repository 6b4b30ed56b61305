"""A page whose room another node holds: TCRP and lines on the link, messages to the browser (CLU-04, WEB-02)."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from chatproto import (
    ClientTransaction,
    Frame,
    FrameDecoder,
    MalformedError,
    NotSupportedError,
    ProtocolError,
    RefusalCode,
    State,
    Status,
    encode_frame,
)
from chatproto.page import answer_of
from chatproto.payloads import STREAM, status_fields
from chatproto.stream import Leave, encode_bye, encode_to_relay
from relay_server.answers import Carried
from relay_server.asked import Peer
from relay_server.core.address import network_of
from relay_server.core.counters import StreamCut
from relay_server.net.carriage import MAX_ANSWER_BYTES, Carriage
from relay_server.net.edge import Edge
from relay_server.net.reported import reported
from relay_server.net.wire import ClientTransport
from relay_server.web.websocket import TOO_EARLY, WebSocket

if TYPE_CHECKING:
    from chatproto.page import PageTransaction
    from relay_server.web.port import WebPort

_GIVE_BACK = encode_to_relay(Leave())


class CarriedPage(asyncio.BaseProtocol):
    """Stands between a page's connection and its `Carriage`, which takes it for a client over TCP."""

    def __init__(
        self, port: "WebPort", edge: Edge, socket: WebSocket, peer: Peer, transaction: "PageTransaction"
    ) -> None:
        self._socket = socket
        self._port = port
        self._transaction = transaction
        self._answers = _Answers(socket, self)
        self._carriage = Carriage(edge, peer, self._answers, port.connections, self._refusal)
        self._peer = peer

    def begin(self, carried: Carried, until: float) -> None:
        """Ask the room's home; ``until`` is when the page is to have its answer."""
        port, (operation, room, request) = self._port, self._transaction.asked
        port.connections.enter(self._carriage, network_of(self._peer.ip))
        port.connections.begin_work(self._carriage)
        asked = ClientTransaction(operation, room, request).request
        self._carriage.begin(carried, asked, until, half_closed=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        return self._carriage.is_over

    @reported
    def data_received(self, data: bytes) -> bool:
        """Take bytes of the connection; returns whether a message became whole."""
        try:
            messages = self._socket.feed(data)
        except MalformedError as error:
            self._cut(error)
            return False
        if messages and not self._answers.has_stream:
            self._cut(MalformedError(TOO_EARLY))
            return False
        for message in messages:
            self._carriage.data_received(message.replace(b"\n", b" ") + b"\n")
        if self._socket.ended and not (self._answers.has_stream and self._carriage.eof_received()):
            self._socket.close()
        return bool(messages)

    @reported
    def eof_received(self) -> bool:
        """Take note that the browser sends no more."""
        return self._carriage.eof_received()

    def pause_writing(self) -> None:
        """Take note that the browser doesn't keep up."""
        self._carriage.pause_writing()

    def resume_writing(self) -> None:
        """Take note that it does again."""
        self._carriage.resume_writing()

    def give_up(self) -> None:
        """Cut the connection: its TLS can't go on."""
        self._carriage.give_up()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        self._carriage.connection_lost(exc)

    def give_back(self) -> None:
        """Let the home forget a member that it grants no stream: a page has no other way to chat."""
        self._carriage.data_received(_GIVE_BACK)
        self._cut(NotSupportedError(RefusalCode.NODE_WITHOUT_PAGES))

    def _cut(self, error: ProtocolError) -> None:
        if self._answers.has_stream:
            self._socket.write(encode_bye(StreamCut.MALFORMED, str(error)))
        else:
            self._socket.write(self._port.control.refuse(self._transaction, error))
        self._socket.write_eof()
        self._socket.close()

    def _refusal(self, error: ProtocolError) -> bytes:
        """Return a refusal of our own as the home would say it."""
        self._port.control.refuse(self._transaction, error)  # which counts it
        payload = json.dumps(status_fields(error.refusal, codes=self._transaction.wants_codes)).encode()
        return encode_frame(Frame(0, State.REPLY, b"", payload))


class _Answers(ClientTransport):
    """What a carriage writes to: it is told in the browser's form."""

    _below: WebSocket

    def __init__(self, socket: WebSocket, page: CarriedPage) -> None:
        super().__init__(socket)
        self._page = page
        self._decoder = FrameDecoder(MAX_ANSWER_BYTES)
        self._rest = b""
        """Of a line that isn't whole."""
        self.has_stream = False
        """Whether what comes are lines of the chat."""

    def is_under_way(self) -> bool:
        """Tell whether bytes that were written haven't been confirmed by the other system."""
        return self._below.is_under_way()

    def has_lost_answer(self, error: Exception | None, *, half_closed: bool) -> bool:
        """Tell whether the client went before its answer came, when the connection is gone."""
        return self._below.has_lost_answer(error, half_closed=half_closed)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the home says.

        Raises:
            MalformedError: it is no answer.

        """
        if not self.has_stream:
            self._decoder.feed(bytes(data))
            while not self.has_stream and (frame := self._decoder.next_frame()) is not None:
                self._tell(frame)
            data = self._decoder.take_rest() if self.has_stream else b""
        lines, end, self._rest = (self._rest + bytes(data)).rpartition(b"\n")
        if end:
            self._below.write(lines + end)

    def write_eof(self) -> None:
        """Say that it is over, and end the sending side."""
        self._below.write_eof()

    def _tell(self, frame: Frame) -> None:
        fields = _fields(frame.payload)
        if frame.state == State.REPLY:
            if fields.get("status") != Status.OK:
                self._below.write(answer_of(fields))
        elif fields.get("chat") == STREAM:
            self.has_stream = True
            self._below.write(answer_of({}, fields))
        else:
            self._page.give_back()


def _fields(payload: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise MalformedError("The room's node sent no JSON.")
    return fields
