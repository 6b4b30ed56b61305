"""A look at a relay's certificate before anything is sent to it (TCP-12)."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from chatbrain import (
    Ended,
    Finding,
    Look,
    Presented,
    ServerAddress,
    Stream,
    Tls,
    Toolkit,
    UnreachableError,
    parse_server,
)
from chatbrain.findings import NO_ANSWER
from chatclient.sockets import SocketToolkit
from chatclient.tls import SecureStream, make_context, trusting_context
from chatproto.constants import DEFAULT_TCP_PORT

LOOK_SECONDS: Final = 4.0


class Looking:
    """Look at what a relay shows, from the next turn of the event loop on; ``on_look`` is told once."""

    def __init__(self, toolkit: Toolkit, server: ServerAddress, on_look: Callable[[Look], None]) -> None:
        self._toolkit = toolkit
        self._server = server
        self._on_look = on_look
        self._stream: Stream | None = None
        self._doubt: Finding | None = None
        self._begin = toolkit.call_at(toolkit.now, lambda: self._look(make_context(Tls())))
        self._patience = toolkit.call_at(toolkit.now + LOOK_SECONDS, lambda: self._ended(NO_ANSWER))

    def cancel(self) -> None:
        """Give it up; nothing is told any more."""
        self._begin.cancel()
        self._patience.cancel()
        if self._stream:
            self._stream.close()

    def _look(self, context: ssl.SSLContext) -> None:
        ends: list[SecureStream] = []

        def secure() -> SecureStream:
            ends.append(SecureStream(Tls(), context, self._server))
            return ends[-1]

        self._stream = Stream(
            self._toolkit,
            self._server,
            secure,
            on_open=lambda _path: self._tell(Presented(ends[-1].fingerprint, self._doubt)),
            on_data=lambda _data: None,
            on_end=self._ended,
        )
        self._stream.start()

    def _ended(self, found: Finding | Ended) -> None:
        if isinstance(found, Ended):  # no authority vouches for it: look whom one would have to trust
            self._doubt = found.finding
            self._look(trusting_context())
        else:
            self._tell(UnreachableError(Ended.unreachable(self._server, found, tls=True)))

    def _tell(self, look: Look) -> None:
        self.cancel()
        self._on_look(look)


async def look_at(server: str) -> Presented:
    """Look at a relay's certificate, without joining; sends nothing.

    Raises:
        UnreachableError: nobody answers there, or not by TLS.
        ValueError: ``server`` isn't ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``.

    """
    loop = asyncio.get_running_loop()
    seen: asyncio.Future[Look] = loop.create_future()
    looking = Looking(SocketToolkit(loop), parse_server(server, DEFAULT_TCP_PORT), seen.set_result)
    try:
        look = await seen
    finally:
        looking.cancel()
    if isinstance(look, UnreachableError):
        raise look
    return look
