"""One connection of a browser while it speaks HTTP: a request, its answer, and then the next request (WEB-01)."""

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import h11
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.http11 import Request
from websockets.server import ServerProtocol

from relay_server.asked import Peer
from relay_server.core.address import network_of
from relay_server.core.counters import HandshakeRefusal
from relay_server.net.entrance import HandOver
from relay_server.net.peers import peer_of
from relay_server.net.tls import TlsTransport
from relay_server.net.wire import Wire
from relay_server.web.callers import Caller, ForwardedError
from relay_server.web.joining import Joining
from relay_server.web.site import HEADERS, Reply, say
from relay_server.web.websocket import WebSocket

if TYPE_CHECKING:
    from relay_server.web.port import Slots, WebPort

CHAT: Final = "/chat"
LINGER_SECONDS: Final = 1.0
STRANGE_NAME: Final = "The relay doesn't know this name: open it by its IP address, or set RELAY_WEB_URL."
MAX_HEAD_BYTES: Final = 8192
"""Of a request's first line and headers; browsers send some 600."""
_NO_REQUEST: Final = "This is no HTTP request that the relay takes."


class Visit:
    """What an `Entrance` lets through before a chat begins; h11 reads and writes HTTP."""

    __slots__ = (
        "_ended", "_hand_over", "_has_asked", "_http", "_is_head", "_loop", "_peer", "_port", "_timer", "_transport",
    )  # fmt: skip

    def __init__(self, port: "WebPort") -> None:
        self._port = port
        self._http = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: Wire | TlsTransport
        self._peer: Peer | None = None
        self._has_asked = self._is_head = self._ended = False

    def connection_made(self, transport: Wire, hand_over: HandOver) -> None:
        """Take a slot, if there is one; a connection beyond its address's share is told so."""
        self._transport, self._hand_over = transport, hand_over
        self._peer = peer = peer_of(transport, pinned=False)
        if peer is None:  # it is gone already
            transport.abort()
            return
        slots = self._slots
        if not self._port.make_room(slots) or not slots.enter(self, network_of(peer.ip)):
            self._answer(say(429, "Too many connections are open from your address."), may_go_on=False)
        else:
            self._start_timer()

    @property
    def network(self) -> bytes:
        """Where it comes from (see `core.address.network_of`)."""
        return network_of(self._peer.ip) if self._peer else b""

    @property
    def is_asking(self) -> bool:
        """Whether nothing whole came yet."""
        return not self._has_asked

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client may still send matters."""
        return self._ended

    def secure(self, transport: TlsTransport) -> None:
        """Speak through this transport from now on."""
        self._transport = transport

    def data_received(self, data: bytes) -> bool:
        """Take bytes of the connection; returns whether a request became whole."""
        if self._transport.get_write_buffer_size() and self._has_asked:  # it asks again, and doesn't read
            self.abort()
            return False
        try:
            self._http.receive_data(data)
            request = self._http.next_event()
            if isinstance(request, h11.Request):
                self._has_asked = True
                self._is_head = request.method == b"HEAD"
                self._take(request)
                return True
        except h11.RemoteProtocolError as error:
            self._answer(say(error.error_status_hint, _NO_REQUEST), may_go_on=False)
        return False

    def eof_received(self) -> bool:
        """Close the connection: nobody asks any more."""
        return False

    def pause_writing(self) -> None:
        """Take note that the client doesn't read; whoever asks again then is cut."""

    def resume_writing(self) -> None:
        """Take note that it does again."""

    def give_up(self) -> None:
        """End without an answer: the client couldn't read one."""
        self._end()

    def give_way(self) -> None:
        """Leave the place to another."""
        self.abort()

    def finish(self) -> None:
        """Close the connection once its last answer is sent."""
        self._leave()
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._slots.leave(self)
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        del exc
        self._leave()
        self._hand_over = _hand_nothing_over  # else it and its `Entrance` would hold each other

    @property
    def _slots(self) -> "Slots":
        port = self._port
        is_proxy = self._peer is not None and port.callers.trusts(self._peer.ip)
        return port.proxied if is_proxy else port.connections

    @property
    def _is_encrypted(self) -> bool:
        return isinstance(self._transport, TlsTransport)

    def _take(self, request: h11.Request) -> None:
        assert self._peer is not None  # noqa: S101 - else there is no connection
        port = self._port
        try:
            caller = port.callers.find(self._peer.ip, request.headers, encrypted=self._is_encrypted)
        except ForwardedError:
            self._answer(say(400, "The proxy's X-Forwarded-For has no address."), may_go_on=False)
            return
        path = unquote(request.target.partition(b"?")[0].decode("latin-1"), errors="replace")
        if not port.may_ask(caller.ip):
            self._refuse(path, HandshakeRefusal.RATE, say(429, "Too many requests came from your address."))
        elif port.tls is not None and not caller.encrypted:
            self._redirect(request)
        elif not port.callers.knows_name(caller, request.headers):
            self._refuse(path, HandshakeRefusal.ORIGIN, say(421, STRANGE_NAME))
        elif path == CHAT:
            self._open_chat(request, caller)
        else:
            self._show(request, path)

    def _show(self, request: h11.Request, path: str) -> None:
        may_go_on = self._is_whole()
        seen = b",".join(value for name, value in request.headers if name == b"if-none-match")
        try:
            reply = self._port.site.reply_to(request.method, path, seen)
        except Exception as error:  # noqa: BLE001 - whatever it is, people go on chatting
            self._port.on_error(error)
            reply = say(500, "The relay has a fault: its log tells.")
        self._answer(reply, may_go_on=may_go_on)

    def _redirect(self, request: h11.Request) -> None:
        """Send a browser to https: in the clear it would have no sealed rooms, and everybody could read along."""
        host = next((value for name, value in request.headers if name == b"host"), b"")  # HTTP/1.0 has none
        if request.target[:1] != b"/" or not host or not host.isascii():
            self._answer(say(400, _NO_REQUEST), may_go_on=False)
            return
        place = b"https://" + host + request.target
        self._answer(say(307, "Open the page by https.", (b"location", place)), may_go_on=False)

    def _open_chat(self, request: h11.Request, caller: Caller) -> None:
        """Open a WebSocket, or say why there is none."""
        port, headers = self._port, request.headers
        protocol = ServerProtocol()
        try:
            fields = Headers([(name.decode(), value.decode("latin-1")) for name, value in headers])
        except InvalidHeader:  # which h11 takes: a value with a control character
            self._refuse(CHAT, HandshakeRefusal.HANDSHAKE, say(400, _NO_REQUEST))
            return
        response = protocol.accept(
            Request(CHAT, fields, method=request.method.decode(), protocol=f"HTTP/{request.http_version.decode()}")
        )
        if not port.callers.may_chat(headers, encrypted=caller.encrypted):
            reply = say(403, "A page of another site may not chat here: RELAY_WEB_ORIGINS says which may.")
            self._refuse(CHAT, HandshakeRefusal.ORIGIN, reply)
        elif response.status_code != 101:
            status = response.status_code if response.status_code in {405, 426} else 400
            extra = [(b"upgrade", b"websocket")] if status == 426 else [(b"allow", b"GET")] if status == 405 else []
            self._refuse(CHAT, HandshakeRefusal.HANDSHAKE, say(status, "Ask for a WebSocket of version 13.", *extra))
        else:
            self._upgrade(response.headers, caller)

    def _upgrade(self, fields: Headers, caller: Caller) -> None:
        port, peer, now = self._port, self._peer, self._port.clock()
        assert peer is not None  # noqa: S101 - else there is no connection
        if caller.ip != peer.ip and not port.admission.admits_connection(caller.ip, now):
            self._refuse(CHAT, HandshakeRefusal.RATE, say(429, "Too many connections came from your address."))
            return
        socket = WebSocket(self._transport, port.framer)
        joining = Joining(port, socket, self._hand_over, Peer(caller.ip, 0, encrypted=caller.encrypted, by_page=True))
        self._slots.leave(self)
        if not port.make_room(port.connections) or not port.connections.enter(joining, network_of(caller.ip)):
            port.connections.leave(joining)
            self._slots.enter(self, self.network)
            self._refuse(CHAT, HandshakeRefusal.BUSY, say(429, "Too many connections are open from your address."))
            return
        self._leave()
        port.counters.statuses[101] += 1
        headers = [(name.encode(), value.encode()) for name, value in fields.raw_items() if name != "Date"]
        event = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        self._transport.write(self._http.send(event) or b"")
        rest, _ = self._http.trailing_data
        self._hand_over(joining)
        joining.begin(rest)

    def _refuse(self, path: str, refusal: HandshakeRefusal, reply: Reply) -> None:
        if path == CHAT:
            self._port.counters.refusals[refusal] += 1
        self._answer(reply, may_go_on=False)

    def _is_whole(self) -> bool:
        """Read a request to its end; False if more of it, or the next one, is to come or here already."""
        while isinstance(event := self._http.next_event(), h11.Data):
            pass
        return isinstance(event, h11.EndOfMessage) and not self._http.trailing_data[0]

    def _answer(self, reply: Reply, *, may_go_on: bool) -> None:
        """Send a whole answer; who doesn't wait for it before asking again gets no other one."""
        http = self._http
        self._port.counters.statuses[reply.status] += 1
        headers = [
            (b"date", formatdate(usegmt=True).encode()),
            (b"content-type", reply.kind.encode()),
            (b"content-length", b"%d" % len(reply.body)),
            *HEADERS, *reply.headers,
        ]  # fmt: skip
        if not may_go_on:
            headers.append((b"connection", b"close"))
        reason = HTTPStatus(reply.status).phrase.encode()
        response = h11.Response(status_code=reply.status, headers=headers, reason=reason)
        events: list[h11.Event] = [response, h11.EndOfMessage()]
        if reply.body and not self._is_head:
            events.insert(1, h11.Data(data=reply.body))
        self._transport.write(b"".join([http.send(event) or b"" for event in events]))
        if may_go_on and http.our_state is h11.DONE:
            http.start_next_cycle()
            self._is_head = False
            self._wait_again()
        else:
            self._end()

    def _wait_again(self) -> None:
        """Wait for the next request: who has its answer yields first, and may keep no place from others of its own."""
        self._slots.linger(self)
        self._start_timer()

    def _end(self) -> None:
        """End our side, and let the client end its own: closing at once could cut the answer short."""
        self._ended = True
        self._transport.write_eof()
        self._stop_timer()
        self._timer = self._loop.call_later(LINGER_SECONDS, self._transport.close)
        self._slots.linger(self)

    def _leave(self) -> None:
        self._stop_timer()
        self._slots.leave(self)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(self._port.limits.transaction_timeout_seconds, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _hand_nothing_over(_: object) -> None:
    """Do nothing with a chat that can't begin any more."""
