"""Serve operators' commands over a Unix socket: a line of JSON asks, a line of JSON answers.

A request is ``{"command": NAME, "arguments": {...}}``. Its answer is ``{"rows": [...]}``, or ``{"error": SENTENCE}`` if
it is wrong or can't be done, with ``"misplaced": true`` if this relay, as it is set up, can never do it. A connection
may ask again after each answer.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from relay_server.crashes import Crashes
from relay_server.net.acceptor import Acceptor
from relay_server.operator.commands import Arguments, Command, Inquiry, OperatorError, Row
from relay_server.operator.unix_socket import Credentials, UnixSocket, credentials_of
from relay_server.telemetry.metrics import Component

MAX_REQUEST_BYTES: Final = 8192
"""Of a request's line; the longest names make some 3000."""
MAX_CONNECTIONS: Final = 16
"""At once; the relay keeps descriptors for itself (`net.descriptors.OWN_FILES`), and these are of them."""
PATIENCE_SECONDS: Final = 5.0
"""How long a connection may take to send a request, and to read each piece of an answer."""
ROWS_A_TURN: Final = 200
"""After so many rows (1 to 2 ms) the other work of the loop has its turn."""

log: Final = structlog.get_logger()


class _Request(BaseModel):
    """A line that asks for something."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    command: str
    arguments: dict[str, Any] = {}


class OperatorServer:
    """Carries out the commands that arrive on a socket, and writes a line of the log for each."""

    def __init__(self, commands: Mapping[str, Command | Inquiry], unix: UnixSocket, crashes: Crashes) -> None:
        self._commands = commands
        self._unix = unix
        self._crashes = crashes
        self._loop = asyncio.get_running_loop()
        self._connections: set[asyncio.StreamWriter] = set()
        self._stopped = asyncio.Event()
        self._keeps_file = False
        self.is_frozen = False
        """Whether nothing can be asked for the moment."""

    def add(self, name: str, command: Command | Inquiry) -> None:
        """Know one more command."""
        self._commands = {**self._commands, name: command}

    async def run(self) -> None:
        """Serve until `stop`, then remove the socket's file; or until `leave`."""
        acceptor = Acceptor(self._unix.sock, self._protocol)
        try:
            await self._stopped.wait()
        finally:
            acceptor.close()
            for writer in self._connections:
                writer.transport.abort()
            if not self._keeps_file:
                self._unix.remove()

    def leave(self) -> None:
        """Let `run` end, and keep the file: another process listens there."""
        self._keeps_file = True
        self._stopped.set()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopped.set()

    def _protocol(self) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(MAX_REQUEST_BYTES), self._connect)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_full = len(self._connections) >= MAX_CONNECTIONS
        self._connections.add(writer)
        writer.transport.set_write_buffer_limits(0)  # so that `drain` waits until all is sent
        try:
            if is_full:
                await _send(writer, [_refusal("Too many operators are connected: try again.")])
            else:
                await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):  # the client left, or took longer than it may
            writer.transport.abort()
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = credentials_of(writer.get_extra_info("socket"))
        try:
            while True:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    line = await reader.readuntil()
                with ExitStack() as then:
                    await _send(writer, [_FROZEN] if self.is_frozen else await self._answer(line, caller, then))
        except asyncio.LimitOverrunError:
            await _send(writer, [_refusal(f"A request has at most {MAX_REQUEST_BYTES} bytes.")])

    async def _answer(self, line: bytes, caller: Credentials, then: ExitStack) -> Iterable[bytes]:
        """Carry out what a line asks for; returns the pieces of the answer's line. ``then`` is left when it is sent."""
        try:
            request = _Request.model_validate_json(line)
            command = self._commands.get(request.command)
            if command is None:
                return [_refusal(f"This relay knows {', '.join(self._commands)}.")]
            arguments = command.arguments.model_validate(request.arguments)
        except ValidationError as error:
            first = error.errors()[0]
            return [_refusal(f"{'.'.join(map(str, first['loc'])) or 'The request'}: {first['msg']}.")]
        told = log.bind(command=request.command, **arguments.told(), uid=caller.uid, pid=caller.pid)
        try:
            rows = await _carry_out(command, arguments, then)
        except OperatorError as error:
            told.info("admin", outcome=str(error))
            return [_refusal(str(error), is_misplaced=error.is_misplaced)]
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked gets an answer
            self._note_fault(command, error)
            return [_refusal("The relay has a fault: its log tells.")]
        if command.is_logged:
            told.info("admin", outcome="done")
        return self._pieces(command, rows)

    def _pieces(self, command: Command | Inquiry, rows: Iterable[Row]) -> Iterator[bytes]:
        """Yield the pieces of an answer; what fails between two of them cuts it short.

        Raises:
            ConnectionAbortedError: nothing more comes, so that nobody takes what came for a whole answer.

        """
        try:
            yield from _rows(rows)
        except Exception as error:
            self._note_fault(command, error)
            raise ConnectionAbortedError from error

    def _note_fault(self, command: Command | Inquiry, error: Exception) -> None:
        """End the process for a change that broke off, for it may be half done; reading does no harm."""
        if command.changes:
            self._crashes.crash(Component.COMMAND, "an operator's command failed", error)
        else:
            self._crashes.note_page_error(error, self._loop.time())


async def _carry_out(command: Command | Inquiry, arguments: Arguments, then: ExitStack) -> Iterable[Row]:
    """Do what is asked; ``then`` gets what is to be done when the answer is sent."""
    if isinstance(command, Command):
        return command.carry_out(arguments)
    then.callback(command.afterwards)
    return await command.carry_out(arguments)


async def _send(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await writer.drain()
        await asyncio.sleep(0)


def _rows(rows: Iterable[Row]) -> Iterator[bytes]:
    """Write the line of an answer, some rows at a time."""
    yield b'{"rows": ['
    remaining, separator = iter(rows), ""
    while batch := list(islice(remaining, ROWS_A_TURN)):
        yield (separator + ", ".join(map(json.dumps, batch))).encode()
        separator = ", "
    yield b"]}\n"


def _refusal(sentence: str, *, is_misplaced: bool = False) -> bytes:
    answer: dict[str, object] = {"error": sentence}
    return json.dumps(answer | ({"misplaced": True} if is_misplaced else {})).encode() + b"\n"


_FROZEN: Final = _refusal("Another process takes the relay over just now: try again in a moment.")
