"""Operators' commands over a Unix socket: HTTP, ``POST /command`` with JSON, and lines of JSON for an answer."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

import uvicorn
from pydantic import ValidationError
from uvicorn.protocols.http.h11_impl import H11Protocol

from relay_server.operator.commands import Arguments, Command, OperatorError, Row
from relay_server.operator.unix_socket import Credentials, UnixSocket, peer_of

MAX_REQUEST_BYTES: Final = 8192
ROWS_A_TURN: Final = 200
"""After so many rows (1 to 2 ms) the other work of the loop has its turn."""

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""What ASGI gives an application, for HTTP alone."""
Observer: TypeAlias = Callable[[Credentials, str, Arguments, str], None]
"""Is told of each command: who gave it, its name, its arguments, and what became of it."""


class AdminServer:
    """Serves commands; a request that is wrong is a 4xx, one that can't be done 409, and a fault 500."""

    def __init__(
        self, commands: Mapping[str, Command], on_command: Observer, on_error: Callable[[Command, Exception], None]
    ) -> None:
        self._commands = commands
        self._on_command = on_command
        self._on_error = on_error
        # For few and modest clients; it says nothing by itself.
        config = uvicorn.Config(
            self._serve, http=_KnowsPeer, h11_max_incomplete_event_size=MAX_REQUEST_BYTES, log_config=None,
            access_log=False, lifespan="off", interface="asgi3", timeout_keep_alive=5, timeout_graceful_shutdown=1,
            limit_concurrency=64, server_header=False, proxy_headers=False,
        )  # fmt: skip
        self._server = _QuietServer(config)

    async def run(self, unix: UnixSocket) -> None:
        """Serve until `stop`, then take the socket's file away."""
        try:
            await self._server.serve([unix.sock])
        finally:
            unix.remove()

    def stop(self) -> None:
        """Let `run` end."""
        self._server.should_exit = True

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix("/")
        command = self._commands.get(name)
        if command is None or scope["method"] != "POST":
            await _refuse(send, 404, f"This relay knows {', '.join(self._commands)}.")
            return
        body = await _read(receive)
        if body is None:
            return
        if len(body) > MAX_REQUEST_BYTES:
            await _refuse(send, 413, f"A request has at most {MAX_REQUEST_BYTES} bytes.")
            return
        try:
            arguments = command.arguments.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            await _refuse(send, 400, f"{'.'.join(map(str, first['loc'])) or 'The request'}: {first['msg']}.")
            return
        uid, pid = scope["client"]
        await self._carry_out(Credentials(int(uid), pid), name, arguments, send)

    async def _carry_out(self, peer: Credentials, name: str, arguments: Arguments, send: Send) -> None:
        command = self._commands[name]
        try:
            rows = command.carry_out(arguments)
        except OperatorError as error:
            self._on_command(peer, name, arguments, str(error))
            await _refuse(send, 409, str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked gets an answer
            self._on_error(command, error)
            await _refuse(send, 500, "The relay has a fault: its log tells.")
            return
        self._on_command(peer, name, arguments, "done")
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            for lines in _lines(rows):
                await send({"type": "http.response.body", "body": lines, "more_body": True})
                await asyncio.sleep(0)
        except Exception as error:
            self._on_error(command, error)
            raise  # which cuts the answer short: nobody takes it for a whole one
        await send({"type": "http.response.body", "body": b""})


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the relay."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _KnowsPeer(H11Protocol):
    """Says as the client's address who it is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = peer_of(transport.get_extra_info("socket"))
        self.client = str(peer.uid), peer.pid


def _lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the rows as JSON, some at a time."""
    remaining = iter(rows)
    while batch := list(islice(remaining, ROWS_A_TURN)):
        yield "".join(f"{json.dumps(row)}\n" for row in batch).encode()


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes | None:
    """Return a request's body, or as much of it as is too much; None if the client went."""
    body = b""
    while len(body) <= MAX_REQUEST_BYTES:
        message: dict[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            break
    return body
