"""One bot in a room or the lobby: how it joins, what it hears there, how it leaves."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bot_client.happenings import Advised, Entered, Happening, Left, Lost, Spoken, WentAlong
from bot_client.ledger import Arrival, Chat, Ledger
from bot_client.marker import Marker
from bot_client.settings import Settings
from chatclient import (
    Connection,
    Delivery,
    DeliveryState,
    Disconnected,
    Ended,
    Event,
    EvictionReason,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Message,
    Moved,
    PersonalNotice,
    Reconnecting,
    Recovered,
    RefusedError,
    Rejoined,
    Status,
    UnreachableError,
)

Door = Callable[[], AbstractAsyncContextManager[Connection]]
"""A way in, such as ``join_room`` with its arguments."""

Hear = Callable[[str | None, str], None]
"""Takes what is heard: who said it (``server`` for the relay, None if unknown), and the text."""

GOODBYE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Run:
    """What all bots of a run share."""

    settings: Settings
    ledger: Ledger
    observe: Callable[[Happening], None]
    marker: Marker | None
    """Makes each message's text unique; None says texts as they are written."""
    rejoin: bool
    """Whether a lost membership is won back without being told to."""
    witnesses: dict[Chat, list["Attendance"]] = field(default_factory=dict)
    """Who is in a chat; the first tells what people from elsewhere say there."""
    faults: "asyncio.Queue[BaseException]" = field(default_factory=asyncio.Queue)
    """What broke in the program itself."""


class Attendance:
    """Be in one chat after another; what is heard goes to ``hear``."""

    def __init__(self, name: str, run: Run, hear: Hear) -> None:
        self._name = name
        self._run = run
        self._hear = hear
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._present = asyncio.Event()
        self._absent = asyncio.Event()
        self._absent.set()
        self._locked_out = False
        self.unreachable = ""
        """Why the relay couldn't be reached at the last attempt."""

    @property
    def present(self) -> bool:
        """Whether the bot is in a chat now."""
        return self._present.is_set()

    async def come(self, door: Door) -> Status | None:
        """Try to come in once, through a door; returns the relay's status, or None if none came.

        A bot is in one chat at a time: it leaves the one it is in.
        """
        await self.leave()
        decided: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._attend(door, decided))
        self._task.add_done_callback(partial(self._attended, decided))
        try:
            status = await decided
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        self._run.ledger.tally.joins["unreachable" if status is None else status.reason] += 1
        return status

    def lock_out(self, locked_out: bool) -> None:
        """Count the bot as one that wants to be in a chat and isn't, until it is in one."""
        self._run.ledger.tally.locked_out += locked_out - self._locked_out
        self._locked_out = locked_out

    def say(self, text: str) -> None:
        """Say one line, if the bot is in a chat."""
        connection, run = self._connection, self._run
        if connection is None or not self.present:
            return
        marked = run.marker.put(text) if run.marker else text
        now = asyncio.get_running_loop().time()
        if not connection.say(marked):
            return
        if not run.ledger.say(connection.room, self._name, marked, now):
            run.observe(Spoken(connection.room, self._name, text))

    def fall_silent(self) -> None:
        """Send nothing any more."""
        if self._connection:
            self._connection.fall_silent()

    async def leave(self) -> None:
        """Leave, if the bot is in a chat."""
        connection = self._connection
        if connection and self.present:
            self._run.observe(Left(connection.room, self._name, connection.host))
        await self.close()

    async def close(self) -> None:
        """Leave, if the bot is in a chat, without telling anybody but the relay."""
        task, self._task = self._task, None
        if self._connection:
            self._vacate(self._connection)
            self._connection = None
        if task:
            task.cancel()
            await asyncio.wait([task], timeout=GOODBYE_SECONDS)

    async def linger(self, seconds: float) -> None:
        """Wait; the wait ends when the membership is lost."""
        if self.present:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._absent.wait()
        else:
            await asyncio.sleep(seconds)

    async def return_home(self) -> bool:
        """Wait while a lost membership is being won back; returns whether the bot is in."""
        if self._task is None or self.present:
            return self.present
        coming = asyncio.create_task(self._present.wait())
        await asyncio.wait([self._task, coming], return_when=asyncio.FIRST_COMPLETED)
        coming.cancel()
        return self.present

    async def _attend(self, door: Door, decided: "asyncio.Future[Status | None]") -> None:
        # The context is entered and left in this one task; cancelling it says goodbye.
        try:
            async with door() as connection:
                self._connection = connection
                self._occupy(connection)
                _decide(decided, Status.OK)
                async for event in connection:
                    if isinstance(event, Message):
                        self._take_message(event, connection)
                    elif isinstance(event, Delivery):
                        self._run.ledger.tally.taken += event.state is DeliveryState.TAKEN
                    else:
                        self._take(event, connection)
        except RefusedError as refusal:
            _decide(decided, refusal.status)
        except UnreachableError as error:
            self.unreachable = str(error)
            _decide(decided, None)

    def _attended(self, decided: "asyncio.Future[Status | None]", task: asyncio.Task[None]) -> None:
        if task.cancelled():
            decided.cancel()
        elif error := task.exception():
            self._run.faults.put_nowait(error)
            decided.cancel()

    def _take(self, event: Event, connection: Connection) -> None:
        """Take anything but a message."""
        match event:
            case Disconnected(reason):
                self._run.ledger.tally.evictions[reason] += 1
                self._lose(connection, reason, reason.message)
            case Reconnecting(cause):
                self._lose(connection, None, cause.text)
                self.lock_out(True)
            case Ended(_, text):
                self._lose(connection, event.eviction, text)
                self.lock_out(False)
            case Rejoined():
                self._run.ledger.tally.joins[Status.OK.reason] += 1
                self._occupy(connection)
            case Recovered():
                self._occupy(connection)
            case MemberJoined() | MemberLeft() | MemberEvicted():
                self._hear("server", str(event))
            case _:
                self._take_news(event, connection)

    def _take_news(self, event: Event, connection: Connection) -> None:
        """Take what changes nothing for the bot."""
        if isinstance(event, Moved):
            self._run.ledger.tally.moves += 1
            self._run.observe(WentAlong(connection.room, self._name, event.server))
        elif isinstance(event, PersonalNotice):
            self._hear("server", str(event))
            self._run.observe(Advised(connection.room, self._name, str(event)))

    def _take_message(self, message: Message, connection: Connection) -> None:
        chat, run, sender = connection.room, self._run, message.sender
        arrival = run.ledger.receive(chat, self._name, sender, message.text, message.received_at)
        shown = run.marker.strip(message.text) if run.marker else message.text
        foreign = arrival is Arrival.FOREIGN and run.witnesses.get(chat, [self])[0] is self
        if arrival is Arrival.FIRST or foreign:
            run.observe(Spoken(chat, sender or "?", shown))
        self._hear(sender, shown)

    def _occupy(self, connection: Connection) -> None:
        if self.present:
            return
        self.lock_out(False)
        self._present.set()
        self._absent.clear()
        self._run.ledger.enter(connection.room, self._name)
        self._run.witnesses.setdefault(connection.room, []).append(self)
        self._run.observe(Entered(connection.room, self._name, connection.host, connection.server))

    def _vacate(self, connection: Connection) -> None:
        if not self.present:
            return
        self._present.clear()
        self._absent.set()
        self._run.ledger.leave(connection.room, self._name)
        self._run.witnesses[connection.room].remove(self)

    def _lose(self, connection: Connection, reason: EvictionReason | None, text: str) -> None:
        if self.present:
            self._vacate(connection)
            self._run.observe(Lost(connection.room, self._name, reason, text))
            self._hear("server", f"disconnected: {reason or text}")


def _decide(decided: asyncio.Future[Status | None], status: Status | None) -> None:
    if not decided.done():  # whoever asked may be gone
        decided.set_result(status)
