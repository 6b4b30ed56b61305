"""A page's WebSocket until it is in a room: its first message asks for that (WEB-02)."""

import asyncio
from typing import TYPE_CHECKING, Final

from chatproto import MalformedError, Phase, ProtocolError, RefusalCode
from chatproto.page import PageTransaction
from relay_server.answers import Answer, Carried, Granted
from relay_server.asked import Peer
from relay_server.core.address import network_of
from relay_server.core.errors import BusyError
from relay_server.net.entrance import HandOver
from relay_server.net.reported import reported
from relay_server.net.underway import Decision, UnderWay
from relay_server.web.carried import CarriedPage
from relay_server.web.websocket import TOO_EARLY, WebSocket

if TYPE_CHECKING:
    from relay_server.web.port import WebPort

LINGER_SECONDS: Final = 1.0
"""So long the answer may take to arrive."""


class Joining:
    """One request; what comes of it is the same as over TCP."""

    __slots__ = ("_hand_over", "_loop", "_peer", "_port", "_started_at", "_timer", "_transaction", "_work", "socket")

    def __init__(self, port: "WebPort", socket: WebSocket, hand_over: HandOver, peer: Peer) -> None:
        """``hand_over`` lets a chat have the connection."""
        self.socket = socket
        self._port = port
        self._hand_over = hand_over
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._transaction = PageTransaction(port.limits.max_payload_bytes)
        self._work: UnderWay | None = None
        self._started_at = port.clock()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, data: bytes) -> None:
        """Wait for the request; ``data`` came with the handshake."""
        timeout = self._port.limits.transaction_timeout_seconds
        self._timer = self._loop.call_later(timeout, self._time_out)
        if self._port.streams.is_frozen:
            self._say_busy(RefusalCode.REPLACED)
        elif data:
            self.data_received(data)

    @property
    def network(self) -> bytes:
        """Where it comes from (see `core.address.network_of`)."""
        return network_of(self._peer.ip)

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        return self._transaction.phase is Phase.ENDED

    @reported
    def data_received(self, data: bytes) -> bool:
        """Take bytes of the connection; returns whether a message became whole."""
        if self.is_over:
            return False
        try:
            messages = self.socket.feed(data)
        except MalformedError as error:
            self._refuse(error)
            return False
        if self.socket.ended:
            self.socket.close()
        if len(messages) > (self._transaction.phase is Phase.REQUESTING):
            self._refuse(MalformedError(TOO_EARLY))
        elif messages:
            port = self._port
            self._take(port.control.receive(self._transaction, messages[0], self._peer, port.clock()))
        return bool(messages)

    @reported
    def eof_received(self) -> bool:
        """Close the connection: browsers end both sides at once."""
        return False

    def pause_writing(self) -> None:
        """Take note that the client doesn't read; the answer is short."""

    def resume_writing(self) -> None:
        """Take note that it does again."""

    def give_up(self) -> None:
        """End without an answer: TLS can't go on."""
        self.abort()

    def give_way(self) -> None:
        """Leave the place to another; who has no answer yet gets one."""
        if self._transaction.phase is Phase.REQUESTING:
            self._say_busy(RefusalCode.TOO_MANY_REQUESTS)
        self._port.connections.leave(self)
        self._stop_timer()
        self.socket.close()

    def hurry(self) -> None:
        """Refuse a request that isn't decided: another process takes the rooms over."""
        if self._transaction.phase is not Phase.ENDED:
            self._say_busy(RefusalCode.REPLACED)

    def abort(self) -> None:
        """Cut the connection."""
        self.socket.abort()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone before anything was granted."""
        del exc
        self._stop_timer()
        self._forget_work()
        self._port.connections.leave(self)

    def _take(self, answer: Answer | None) -> None:
        if isinstance(answer, Granted | Carried | bytes):
            self._decide(answer)
        elif answer is not None:  # the deadline stays, or a wait for a check moves it
            self._port.connections.begin_work(self)
            self._work = UnderWay(self._port, self.network, self._decide, self._be_patient)
            self._work.take(answer)

    def _be_patient(self) -> None:
        """Let a password wait for a check (PWD-04)."""
        self._stop_timer()
        until = self._started_at + self._port.limits.timeout_of(may_wait=True)
        self._timer = self._loop.call_at(until, self._time_out)

    def _decide(self, result: Decision) -> None:
        self._work = None
        self._stop_timer()
        if isinstance(result, Granted):
            self._go_on_as_stream(result)
        elif isinstance(result, Carried):
            self._carry(result)
        else:
            self._answer(result)

    def _go_on_as_stream(self, granted: Granted) -> None:
        """Answer, and let the connection carry the chat."""
        port = self._port
        port.connections.leave(self)
        port.flush()  # the others hear of the new member
        port.on_duration(port.clock() - self._started_at)
        self.socket.write(self._transaction.complete(granted.completion))
        stream = port.streams.open(granted, self.socket, self.socket)
        if stream is None:  # its member is gone
            self._end()
        else:
            self._hand_over(stream)

    def _carry(self, carried: Carried) -> None:
        """Let the page talk to the node that holds its room (CLU-04)."""
        port = self._port
        assert port.edge is not None  # noqa: S101 - who finds rooms elsewhere has one
        port.connections.leave(self)
        page = CarriedPage(port, port.edge, self.socket, self._peer, self._transaction)
        self._hand_over(page)
        page.begin(carried, self._started_at + port.limits.timeout_of(may_wait=carried.may_wait))

    def _answer(self, line: bytes) -> None:
        """Write the answer, and end the connection."""
        self._port.on_duration(self._port.clock() - self._started_at)
        self.socket.write(line)
        self._end()

    def _end(self) -> None:
        self._stop_timer()
        self.socket.write_eof()
        self._timer = self._loop.call_later(LINGER_SECONDS, self.socket.close)
        self._port.connections.linger(self)

    @reported
    def _time_out(self) -> None:
        if self._work:
            self._say_busy(RefusalCode.LATE)
        else:
            self._refuse(MalformedError(RefusalCode.INCOMPLETE))

    def _forget_work(self) -> None:
        if self._work:
            self._work.forget()
            self._work = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say_busy(self, why: RefusalCode) -> None:
        self._refuse(BusyError(why))

    def _refuse(self, error: ProtocolError) -> None:
        self._forget_work()
        self._answer(self._port.control.refuse(self._transaction, error))
