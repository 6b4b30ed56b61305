"""The operators' HTTP port: /metrics, /healthz and /readyz."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import uvicorn

Page: TypeAlias = Callable[[], tuple[int, str, bytes]]
"""Returns status, content type and body."""
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
"""What ASGI calls one, for HTTP alone."""


class OpsServer:
    """Serves a few pages made on demand; unknown paths are 404, other methods 405, and a page that fails is 500."""

    def __init__(self, pages: dict[str, Page], on_error: Callable[[Exception], None]) -> None:
        self._pages = pages
        self._on_error = on_error
        self._server = make_server(self._serve)

    async def run(self, sock: socket.socket) -> None:
        """Serve a listening socket until `stop`."""
        await self._server.serve([sock])

    def stop(self) -> None:
        """Let `run` end."""
        self._server.should_exit = True

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        del receive
        page = self._pages.get(scope.get("path", ""))
        if page is None:
            await answer(send, 404, "text/plain", f"Try {', '.join(self._pages)}.\n".encode())
        elif scope.get("method") not in {"GET", "HEAD"}:
            await answer(send, 405, "text/plain", b"Use GET.\n")
        else:
            await answer(send, *self._make(page))

    def _make(self, page: Page) -> tuple[int, str, bytes]:
        try:
            return page()
        except Exception as error:  # noqa: BLE001 - whatever it is, people go on chatting
            self._on_error(error)
            return 500, "text/plain", b"The relay has a fault: its log tells.\n"


def make_server(serve: Application, **options: Any) -> uvicorn.Server:
    """Build a server for few and modest clients; it says nothing by itself."""
    config = uvicorn.Config(
        serve, log_config=None, access_log=False, lifespan="off", interface="asgi3", timeout_keep_alive=5,
        timeout_graceful_shutdown=1, limit_concurrency=64, server_header=False,
        proxy_headers=False, **options,
    )  # fmt: skip
    return _QuietServer(config)


async def answer(send: Send, status: int, kind: str, body: bytes) -> None:
    """Send a whole answer."""
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the relay."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
