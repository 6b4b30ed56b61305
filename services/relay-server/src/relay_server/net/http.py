"""The operators' HTTP port: /metrics, /healthz and /readyz."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import uvicorn

Page: TypeAlias = Callable[[], tuple[int, str, bytes]]
"""Returns status, content type and body."""
_Message: TypeAlias = dict[str, Any]


class OpsServer:
    """Serves a few pages made on demand; unknown paths are 404, other methods 405."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self._pages = pages
        config = uvicorn.Config(
            self._serve, log_config=None, access_log=False, lifespan="off", interface="asgi3", timeout_keep_alive=5,
            timeout_graceful_shutdown=1, limit_concurrency=64, server_header=False,
        )  # fmt: skip
        self._server = _QuietServer(config)

    async def run(self, sock: socket.socket) -> None:
        """Serve a listening socket until `stop`."""
        await self._server.serve([sock])

    def stop(self) -> None:
        """Let `run` end."""
        self._server.should_exit = True

    async def _serve(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        del receive
        page = self._pages.get(scope.get("path", ""))
        if page is None:
            status, kind, body = 404, "text/plain", f"Try {', '.join(self._pages)}.\n".encode()
        elif scope.get("method") not in {"GET", "HEAD"}:
            status, kind, body = 405, "text/plain", b"Use GET.\n"
        else:
            status, kind, body = page()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the relay."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
