"""The old process: it starts the new program, gives it everything, and leaves; or it goes on as if nothing was."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import Field, field_validator

from relay_server import __version__
from relay_server.core.saving import Saving
from relay_server.core.state import FORMAT, Moment
from relay_server.handover.books import dump_books
from relay_server.handover.carried import CarriedSaving
from relay_server.handover.channel import Channel
from relay_server.handover.program import Program, command_line, environment
from relay_server.handover.protocol import (
    LINES_BYTES,
    Begin,
    GoneError,
    HandoverError,
    Hello,
    Kind,
    choose_format,
    read_body,
    shared_moment,
)
from relay_server.handover.standstill import Standstill
from relay_server.net.address import locate
from relay_server.net.supervisor import tell_successor
from relay_server.operator.commands import Arguments, Inquiry, OperatorError, Row
from relay_server.parts import Parts

REPLACE_SECONDS: Final = 10.0
SECONDS_A_MEMBER: Final = 0.001
"""So long a replacement may take, and so much longer for each member; people chat meanwhile."""
STANDSTILL_SECONDS: Final = 2.0
"""So long nobody may hear anything, at worst."""
REST_SECONDS: Final = 0.05
"""What was heard in so short a time is left for the standstill."""
MAX_ROUNDS: Final = 5
"""So often what changed meanwhile is sent while the relay serves."""
_ENDING: Final = "The relay is about to end: start another one when it has."

log = structlog.get_logger()


class Replace(Arguments):
    """The settings that the new process gets on top of the old one's."""

    environment: dict[str, str] = Field(default={}, repr=False)

    @field_validator("environment")
    @classmethod
    def _check_names(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if not name or "=" in name or "\0" in name + value:
                raise ValueError("a variable can't have this name or value")
        return environment

    def told(self) -> dict[str, object]:
        """Return what a log may have: names, for values may be secrets."""
        return {"environment": sorted(self.environment)}


@dataclass(slots=True)
class _Sum:
    """What was given."""

    bytes: int = 0
    version: str = ""


class Giving:
    """Carries out `replace` (see `handover.protocol`); one at a time."""

    def __init__(self, parts: Parts, standstill: Standstill, obstacle: str | None, leave: Callable[[], None]) -> None:
        """``obstacle`` says why it never can be done here; ``leave`` ends this process, its rooms being elsewhere."""
        self._parts = parts
        self._standstill = standstill
        self._obstacle = obstacle
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._limit: asyncio.Timeout | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.command = Inquiry(Replace, self.replace, afterwards=self._leave_if_gone)
        self.is_gone = False
        """Whether another process has taken over."""

    async def replace(self, asked: Replace) -> Iterable[Row]:
        """Let a new process take over; returns what was given.

        Raises:
            OperatorError: it couldn't; this process goes on.

        """
        if self._obstacle:
            raise OperatorError(self._obstacle, is_misplaced=True)
        if self._parts.node and self._parts.node.reclaiming.is_waiting:
            raise OperatorError(
                "This node waits until the directory tells which rooms it has: try again when NATS is reached."
            )
        if not self._idle.is_set():
            raise OperatorError("A replacement is under way already: wait for its end.")
        if self._parts.stopping.is_set() or self._parts.operators.draining:
            raise OperatorError(_ENDING)
        self._idle.clear()
        log.info("replacing", variables=sorted(asked.environment))
        try:
            return [await self._try(asked)]
        except HandoverError as error:
            log.warning("not_replaced", reason=str(error))
            if self._parts.stopping.is_set():
                raise OperatorError(_ENDING) from None
            raise OperatorError(f"{error} This relay goes on as before.") from None
        finally:
            self._idle.set()

    async def give_up(self) -> None:
        """Let a replacement fail that is under way, for this relay is to end; returns when it has."""
        if not self.is_gone:
            self._hurry(0)
        await self._idle.wait()

    def _hurry(self, seconds: float) -> None:
        """Leave no more time than that."""
        if self._limit and not self._limit.expired():
            when = self._loop.time() + seconds
            self._limit.reschedule(min(when, self._limit.when() or when))

    def _leave_if_gone(self) -> None:
        if self.is_gone:
            self._leave()

    async def _try(self, asked: Replace) -> Row:
        ours, theirs = socket.socketpair()
        channel = Channel(ours)
        try:
            with theirs:
                theirs.set_inheritable(True)
                program = Program(command_line(), environment(os.environ, asked.environment, theirs.fileno()))
            try:
                return await self._within_time(channel, program)
            except BaseException:
                await self._take_back(program)
                raise
        finally:
            channel.close()  # from now on the new process may speak to the supervisor

    async def _within_time(self, channel: Channel, program: Program) -> Row:
        try:
            members = self._parts.registry.admission.members.total
            async with asyncio.timeout(REPLACE_SECONDS + SECONDS_A_MEMBER * members) as limit:
                self._limit = limit
                try:
                    return await self._give(channel, program)
                finally:
                    self._limit = None  # what is over can't be hurried
        except TimeoutError:
            raise HandoverError(f"The new process (pid {program.pid}) didn't take over in time.") from None
        except HandoverError as error:
            raise await self._explain(program, error) from None

    async def _explain(self, program: Program, error: HandoverError) -> HandoverError:
        """Return the reason of a failure, which may be that the new process has ended."""
        if not isinstance(error, GoneError):
            return error
        code = await program.end()
        how = f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return HandoverError(f"The new process (pid {program.pid}) {how}: the log may tell why.")

    async def _take_back(self, program: Program) -> None:
        """Read and send again, once the new process surely doesn't."""
        await program.end()
        self._standstill.thaw()

    async def _give(self, channel: Channel, program: Program) -> Row:
        parts, given = self._parts, _Sum()
        node = parts.node.identity if parts.node else None
        lobby = parts.lobby if parts.settings.lobby_port else None
        saving = Saving(parts.registry, lobby, locate, node.started_at if node else 0.0)
        saving.watch(lambda: None)
        carried = CarriedSaving(parts.tcp.edge)
        try:
            await self._begin(channel, given)
            since = await self._give_bulk(channel, saving, carried, given)
            await self._standstill.settle()
            if parts.operators.draining:
                raise HandoverError("An operator drains the relay: start another one when it has ended.")
            begun = time.monotonic()
            self._standstill.freeze()
            self._hurry(STANDSTILL_SECONDS)
            await self._give_rest(channel, saving, carried, since, given)
            await channel.expect(Kind.SERVING)
            pause = time.monotonic() - begun
        finally:
            saving.stop()
        tell_successor(program.pid, os.environ)
        row: Row = {
            "pid": program.pid, "version_before": __version__, "version": given.version, "format": FORMAT,
            "rooms": len(parts.registry.rooms), "members": parts.registry.admission.members.total,
            "bytes": given.bytes, "pause_ms": round(pause * 1000, 1),
        }  # fmt: skip
        log.info("replaced", **row)
        self.is_gone = True  # the last thing: what fails before this leaves the relay to this process
        return row

    async def _begin(self, channel: Channel, given: _Sum) -> None:
        parts = self._parts
        hello = read_body(Hello, await channel.expect(Kind.HELLO))
        given.version = hello.version
        chosen = choose_format(FORMAT, hello.formats, hello.version)
        numbers = {name: sock.fileno() for name, sock in parts.sockets.by_name.items()}
        admin_path = state_directory = None
        if admin := parts.sockets.admin:
            numbers["admin"], admin_path = admin.sock.fileno(), os.fspath(admin.path)
        if keeper := parts.keeper:
            numbers["lock"], state_directory = keeper.journal.lock, parts.settings.state_directory
        begin = Begin(
            format=chosen, descriptors=tuple(numbers), admin_path=admin_path, state_directory=state_directory,
            node=parts.node.identity if parts.node else None,
        )  # fmt: skip
        await channel.send(Kind.BEGIN, begin, list(numbers.values()))

    async def _give_bulk(self, channel: Channel, saving: Saving, carried: CarriedSaving, given: _Sum) -> float:
        """Give all there is while the relay serves; returns since when what was heard isn't given."""
        since, bulk = self._loop.time(), saving.bulk()
        while lines := bulk.take(self._moment()):
            await _send_lines(channel, lines, given)
            await asyncio.sleep(0)
        for lines in saving.rings():
            await _send_lines(channel, lines, given)
            await asyncio.sleep(0)
        await _send_carried(channel, carried, given)
        await channel.send(Kind.BULK)
        await channel.expect(Kind.READY)
        for _ in range(MAX_ROUNDS):
            before, since = since, self._loop.time()
            await _send_lines(channel, saving.rest(before, self._moment()), given)
            await _send_carried(channel, carried, given)
            await asyncio.sleep(0)
            if self._loop.time() - since < REST_SECONDS:
                break
        return since

    async def _give_rest(
        self, channel: Channel, saving: Saving, carried: CarriedSaving, since: float, given: _Sum
    ) -> None:
        """Give what is left, now that nothing changes any more."""
        await _send_lines(channel, saving.rest(since, self._moment()), given)
        for lines in saving.rings():
            await _send_lines(channel, lines, given)
        await _send_carried(channel, carried, given)
        books = json.dumps(dump_books(self._parts)).encode()
        given.bytes += len(books)
        await channel.send(Kind.COUNTS, books)
        await channel.send(Kind.COMMIT)

    def _moment(self) -> Moment:
        return shared_moment(self._loop.time())


async def _send_carried(channel: Channel, carried: CarriedSaving, given: _Sum) -> None:
    with closing(carried.frames()) as frames:
        for body, descriptors in frames:
            given.bytes += len(body)
            await channel.send(Kind.CARRIED, body, descriptors)
            await asyncio.sleep(0)


async def _send_lines(channel: Channel, lines: Sequence[bytes], given: _Sum) -> None:
    data = b"".join(lines)
    given.bytes += len(data)
    start = 0
    while start < len(data):  # frames have whole lines
        end = start + LINES_BYTES
        end = len(data) if end >= len(data) else (data.rfind(b"\n", start, end) + 1 or data.index(b"\n", end) + 1)
        await channel.send(Kind.LINES, data[start:end])
        start = end
