"""Links: TLS connections between two nodes, each for one client or one question (CLU-04).

No loop's own TLS: a client may end its sending side and still read, and so must a link. On a link close_notify says
that one side sends no more, and TCP stays open both ways. A TCP connection that ends without it was cut: whoever
spoke for the client lost it, and what was granted to it can't have arrived.
"""

import asyncio
import hmac
import json
import socket
import ssl
import struct
from contextlib import suppress
from typing import Final, Protocol, cast
from weakref import WeakValueDictionary

from chatproto.fingerprint import fingerprint_of
from chatproto.tls import TlsEnd
from relay_server.core.places import Node
from relay_server.net.hello import Hello, Kind, encode_hello
from relay_server.net.reported import reported
from relay_server.net.wire import Layer, Wire

PROBE_SECONDS: Final = 0.5
"""A node that is alive answers within milliseconds."""
ASKING_SECONDS: Final = 1.0
"""An operator waits no longer for a node."""
MAX_ANSWER_BYTES: Final = 16 * 2**20
"""10,000 rooms take 3 MiB."""
OPEN_SECONDS: Final = 2.0
"""So long opening a link may take."""
OPENING_AT_ONCE: Final = 16
"""So many links to a node are opened at once, for each handshake holds up the loop there; others wait."""
PIECE_BYTES: Final = 16_384
"""As much as a TLS record holds."""

_CUT_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: to close is to reset."""


class LinkError(OSError):
    """A link that can't be opened, or whose other end isn't the node that it should be."""


class LinkUser(Protocol):
    """What the stream of a link is for; the methods are those of `asyncio.Protocol`."""

    def data_received(self, data: bytes) -> object:
        """Take bytes of the stream."""
        ...

    def eof_received(self) -> bool:
        """Take note that the other end sends no more; False closes the link."""
        ...

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the link is gone; without an error the other end, or ours, has closed it."""
        ...

    def pause_writing(self) -> None:
        """Take note that the other end doesn't read."""
        ...

    def resume_writing(self) -> None:
        """Take note that there is room again."""
        ...


class LinkTransport(Layer):
    """What the user of a link writes to."""

    __slots__ = ("_closed", "_end", "_ended")

    def __init__(self, below: asyncio.Transport, end: TlsEnd) -> None:
        super().__init__(below)
        self._end = end
        self._ended = self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether our end has closed the link."""
        return self._closed

    def flush(self) -> None:
        """Send what TLS has to say."""
        if data := self._end.take():
            self._below.write(data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send, unless the sending side has ended."""
        if self._end.ready and not self._ended and not self._below.is_closing():
            for start in range(0, len(data), PIECE_BYTES):
                self._end.write(bytes(data[start : start + PIECE_BYTES]))
            self.flush()

    def write_eof(self) -> None:
        """Say that no more is sent; the other end may go on."""
        if not self._ended:
            self._ended = True
            self._end.end()
            self.flush()

    def close(self) -> None:
        """Close the link once everything is sent."""
        self.write_eof()
        self._closed = True
        self._below.close()

    def abort(self) -> None:
        """Cut the link, so that the other end knows that it was cut."""
        self._closed = True
        sock: socket.socket | None = self._below.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT_AT_ONCE)
        self._below.abort()

    @staticmethod
    def is_under_way() -> bool:
        """Tell that the other end has yet to say what became of the answer: the client is at that node."""
        return True

    @staticmethod
    def has_lost_answer(error: Exception | None, *, half_closed: bool) -> bool:  # noqa: ARG004 - see `Wire`
        """Tell whether the answer never came to the client: then its node cuts the link."""
        return error is not None


class Link(asyncio.Protocol):
    """One end of a link: TLS between the loop's transport and its user, who may hand it over to another one."""

    def __init__(self, context: ssl.SSLContext, user: LinkUser, *, server_side: bool) -> None:
        self.user = user
        self._end = TlsEnd(context, server_side=server_side)
        self._is_told = False
        """Whether the user knows that the other end sends no more."""

    @property
    def certificate(self) -> str:
        """The fingerprint of the other end's certificate; only servers have one."""
        return fingerprint_of(self._end.certificate())

    @reported
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.transport = LinkTransport(Wire(cast("asyncio.Transport", transport)), self._end)
        self._end.feed(b"")  # a client speaks first
        self.transport.flush()

    @reported
    def data_received(self, data: bytes) -> None:
        """Take bytes of the wire."""
        was_ready = self._end.ready
        try:
            stream = self._end.feed(data)
        except ssl.SSLError:
            self.transport.flush()
            self.transport.abort()
            return
        self.transport.flush()
        if self._end.ready and not was_ready:
            self.secured()
        if stream and not self.transport.is_closed:
            self.user.data_received(stream)
        if self._end.ended and not self._is_told and not self.transport.is_closed:
            self._is_told = True
            if not self.user.eof_received():
                self.transport.close()

    def secured(self) -> None:
        """Take note that the handshake is done."""

    @reported
    def pause_writing(self) -> None:
        """Pass it on."""
        self.user.pause_writing()

    @reported
    def resume_writing(self) -> None:
        """Pass it on."""
        self.user.resume_writing()

    @reported
    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the user, and whether the link was cut."""
        if exc is None and not self._end.ended and not self.transport.is_closed:
            exc = ConnectionResetError("The link was cut.")
        self.user.connection_lost(exc)


class _OpenedLink(Link):
    """The end that opens a link: it says nothing before it knows who is there."""

    def __init__(self, context: ssl.SSLContext, user: LinkUser, fingerprint: str, hello: bytes) -> None:
        super().__init__(context, user, server_side=False)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._fingerprint = fingerprint
        self._hello = hello

    def secured(self) -> None:
        """Say what the link is for, if this is the node that was meant."""
        if not hmac.compare_digest(self.certificate.encode(), self._fingerprint.encode()):
            self._fail(LinkError("Another program is where the node was: its certificate is another one."))
            self.transport.abort()
        elif not self.ready.done():
            self.transport.write(self._hello)
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the user if it has the link, else whoever waits for it."""
        if self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None:
            super().connection_lost(exc)
        else:
            self._fail(LinkError("The node closed the link before it was open."))

    def _fail(self, error: LinkError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # who waited may have given up


class Links:
    """Opens links to other nodes."""

    def __init__(self, key: bytes, node: str) -> None:
        """``key`` is the cluster's for links, ``node`` the name of this one."""
        self.node = node
        self._key = key
        self._context = client_context()
        self._opening: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """By the nodes' names, while links to them are opened."""

    async def open_link(self, node: Node, hello: Hello, user: LinkUser) -> LinkTransport:
        """Open a link to a node and say what it is for; ``user`` has what comes from then on.

        Raises:
            OSError: nobody is there, or it isn't that node.
            TimeoutError: it took longer than `OPEN_SECONDS`, the wait for others that are being opened apart.

        """
        opening = self._opening.setdefault(node.name, asyncio.Semaphore(OPENING_AT_ONCE))
        async with opening, asyncio.timeout(OPEN_SECONDS):
            return await self._open(node, hello, user)

    async def probe(self, node: Node, seconds: float = PROBE_SECONDS) -> bool:
        """Tell whether a node answers within so many seconds, which a stopped process doesn't, though it accepts."""
        try:
            return _name_in(await self.ask(node, Kind.PROBE, seconds)) == node.name
        except OSError:  # also of TLS, and a TimeoutError
            return False

    async def ask(self, node: Node, kind: Kind, seconds: float = ASKING_SECONDS) -> bytes:
        """Return all that a node answers.

        Raises:
            OSError: nobody is there, it isn't that node, or its answer isn't whole.
            TimeoutError: it took longer than so many seconds.

        """
        answer = _Answer()
        transport = None
        try:
            async with asyncio.timeout(seconds):
                transport = await self._open(node, Hello(kind, self.node), answer)
                return await answer.whole
        finally:
            if transport is not None:
                transport.abort()

    async def _open(self, node: Node, hello: Hello, user: LinkUser) -> LinkTransport:
        line = encode_hello(hello, self._key, node.link_fingerprint)
        loop = asyncio.get_running_loop()
        link = _OpenedLink(self._context, user, node.link_fingerprint, line)
        await loop.create_connection(lambda: link, node.host, node.link_port)
        try:
            await link.ready
        except BaseException:
            link.transport.abort()
            raise
        return link.transport


def client_context() -> ssl.SSLContext:
    """Return what links are opened with: who is there is told by the fingerprint, not by a chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Answer:
    """Waits for an answer, which ends with the link."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pieces: list[bytes] = []
        self._left = MAX_ANSWER_BYTES

    def data_received(self, data: bytes) -> None:
        """Take a piece of it."""
        self._left -= len(data)
        if self._left < 0:
            self._fail("The node's answer is longer than it may be.")
        else:
            self._pieces.append(data)

    def eof_received(self) -> bool:
        """Take note that this is all."""
        if not self.whole.done():
            self.whole.set_result(b"".join(self._pieces))
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """Take note that no more will come."""
        self._fail("The node closed the link before its answer was whole.")

    def _fail(self, why: str) -> None:
        if not self.whole.done():
            self.whole.set_exception(LinkError(why))
            self.whole.exception()  # who waited may have given up

    def pause_writing(self) -> None:
        """Do nothing: what is said is short."""

    resume_writing = pause_writing


def _name_in(line: bytes) -> str:
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(line)["node"])
    return ""
