"""The operators' HTTP port: /metrics, /healthz and /readyz.

It has no password, and containers open it to a whole network, so whoever reaches it may hold little: a connection has a
deadline, there are few at once, and none is worth a line of the log. h11 reads and writes HTTP.
"""

import asyncio
import socket
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias, cast
from urllib.parse import unquote

import h11

from relay_server.net.acceptor import Acceptor
from relay_server.net.connection_slots import ConnectionSlots
from relay_server.net.descriptors import OPS_CONNECTIONS
from relay_server.net.hosts import OwnNames
from relay_server.net.reported import reported
from relay_server.net.wire import Wire

Page: TypeAlias = Callable[[], tuple[int, str, bytes]]
"""Returns status, content type and body."""

REQUEST_SECONDS: Final = 5.0
"""From its start, or from its last answer, a connection has so long to ask, and to take the answer."""
LEAVE_STEPS: Final = 100
LEAVE_STEP_SECONDS: Final = 0.005
"""Who was accepted may take so many steps to ask, before the port is left to another process."""
MAX_HEAD_BYTES: Final = 8192
"""Of a request's first line and headers; Prometheus sends some 300."""


class Reply(NamedTuple):
    """What is answered."""

    status: int
    kind: str
    body: bytes


class OpsServer:
    """Serves a few pages made on demand; unknown paths are 404, other methods 405, and a page that fails is 500."""

    def __init__(self, pages: dict[str, Page], on_error: Callable[[Exception], None], names: OwnNames) -> None:
        self.connections: ConnectionSlots[_Connection] = ConnectionSlots(OPS_CONNECTIONS, 0)
        self._pages = pages
        self._on_error = on_error
        self._names = names
        self._stopped = asyncio.Event()
        self._leaves = False

    async def run(self, sock: socket.socket) -> None:
        """Serve a listening socket until `stop` or `leave`."""
        acceptor = Acceptor(sock, lambda: _Connection(self))
        try:
            await self._stopped.wait()
        finally:
            acceptor.close()
            if self._leaves:
                await self._answer_rest(acceptor)
            for connection in list(self.connections):
                connection.close()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopped.set()

    def leave(self) -> None:
        """Let `run` end when all who were accepted have an answer: another process accepts the next ones."""
        self._leaves = True
        self._stopped.set()

    async def _answer_rest(self, acceptor: Acceptor) -> None:
        for _ in range(LEAVE_STEPS):
            if not acceptor.is_starting and all(connection.is_answered for connection in self.connections):
                break
            await asyncio.sleep(LEAVE_STEP_SECONDS)

    def make_room(self) -> None:
        """See to it that one more connection may enter: who has an answer yields first, then who is slowest to ask."""
        if self.connections.is_full() and (yielding := self.connections.first_to_yield()):
            yielding.abort()

    def reply_to(self, request: h11.Request) -> Reply:
        """Return what a request is answered."""
        if not self._names.accept(request.headers):
            return Reply(421, "text/plain", b"Ask by an address, by localhost, or by this machine's own name.\n")
        path, _, _ = request.target.partition(b"?")
        page = self._pages.get(unquote(path.decode("latin-1")))
        if page is None:
            return Reply(404, "text/plain", f"Try {', '.join(self._pages)}.\n".encode())
        if request.method not in {b"GET", b"HEAD"}:
            return Reply(405, "text/plain", b"Use GET.\n")
        return self._make(page)

    def _make(self, page: Page) -> Reply:
        try:
            return Reply(*page())
        except Exception as error:  # noqa: BLE001 - whatever it is, people go on chatting
            self._on_error(error)
            return Reply(500, "text/plain", b"The relay has a fault: its log tells.\n")


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, and then the next request."""

    def __init__(self, server: OpsServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self.is_answered = False
        """Whether it got an answer."""

    @reported
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, but are no subclass.
        self._transport = Wire(cast("asyncio.Transport", transport))
        self._server.make_room()
        self._server.connections.enter(self, b"")
        self._start_timer()

    @reported
    def data_received(self, data: bytes) -> None:
        if self._ended or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():  # it asks again, and doesn't read
            self.abort()
            return
        is_head = False
        try:
            self._http.receive_data(data)
            request = self._http.next_event()
            if isinstance(request, h11.Request):
                is_head = request.method == b"HEAD"
                may_go_on = self._is_whole()
                self._answer(self._server.reply_to(request), is_head=is_head, may_go_on=may_go_on)
        except h11.RemoteProtocolError as error:
            bad = Reply(error.error_status_hint, "text/plain", b"This is no HTTP request.\n")
            self._answer(bad, is_head=is_head, may_go_on=False)

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._timer:
            self._timer.cancel()
        self._server.connections.leave(self)

    def close(self) -> None:
        """Close the connection once its answer is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection, whatever is still to be sent."""
        self._server.connections.leave(self)
        self._transport.abort()

    def _start_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(REQUEST_SECONDS, self.abort)

    def _is_whole(self) -> bool:
        """Read a request to its end; False if more of it, or the next one, is to come or here already."""
        while isinstance(event := self._http.next_event(), h11.Data):
            pass
        return isinstance(event, h11.EndOfMessage) and not self._http.trailing_data[0]

    def _answer(self, reply: Reply, *, is_head: bool, may_go_on: bool) -> None:
        """Send a whole answer; who doesn't wait for it before asking again gets no other one."""
        self.is_answered = True
        http = self._http
        headers = [
            (b"date", formatdate(usegmt=True).encode()),
            (b"content-type", reply.kind.encode()),
            (b"content-length", b"%d" % len(reply.body)),
        ]
        if not may_go_on:
            headers.append((b"connection", b"close"))
        reason = HTTPStatus(reply.status).phrase.encode()
        events = [h11.Response(status_code=reply.status, headers=headers, reason=reason), h11.EndOfMessage()]
        if not is_head:
            events.insert(1, h11.Data(data=reply.body))
        self._transport.write(b"".join([http.send(event) or b"" for event in events]))
        self._start_timer()
        connections = self._server.connections
        connections.leave(self)  # it has been served last, so it is the last of those to yield
        connections.enter(self, b"")
        connections.linger(self)
        if may_go_on and http.our_state is h11.DONE:
            http.start_next_cycle()
        else:
            self._end()

    def _end(self) -> None:
        """End our side, and let the client end its own: closing at once could cut the answer short."""
        self._ended = True
        self._transport.write_eof()
