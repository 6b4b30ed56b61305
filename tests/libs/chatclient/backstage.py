"""Relays behind what is tested: in a thread of their own, so that they answer while it holds its own thread up."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, TypeVar

from libs.chatclient.tiny_relay import TinyRelay, tiny_relay

WAIT_SECONDS: Final = 20.0
_T = TypeVar("_T")


class Backstage:
    """An event loop of asyncio in a thread of its own: what it runs owes nothing to Qt."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._contexts = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def relay(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> tuple[TinyRelay, str]:
        """Serve until the end; returns the relay and its address."""
        return self.enter(tiny_relay(host, tls))

    def enter(self, context: AbstractAsyncContextManager[_T]) -> _T:
        """Enter a context, which is left at the end."""
        return self._run(self._contexts.enter_async_context(context))

    def call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Call what is to be called within the loop."""

        async def call() -> _T:
            return function(*arguments)

        return self._run(call())

    def heard(self, relay: TinyRelay) -> tuple[bytes, Any]:
        """Wait for the next message that a relay hears; returns it and where it came from."""
        return self._run(relay.heard.get())

    def close(self) -> None:
        try:
            self._run(self._contexts.aclose())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT_SECONDS)
            self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_SECONDS)
