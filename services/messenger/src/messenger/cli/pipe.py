"""``chat`` as a filter: lines in are messages, messages out are lines."""

import asyncio
import os
import sys
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final

from chatbrain import Ended, Joined, Message, MessageTooLongError, Reconnecting, Recovered, Rejoined
from chatclient import Connection
from chatproto import parse_command
from messenger.cli.lines import text_of
from messenger.cli.platforms import on_end
from messenger.presentation.i18n import _
from messenger.presentation.wording import describe, flaw

_LINGER_SECONDS = 0.2  # a network may turn the last message and the leaving around
_WAITING_LINES = 64
_READ_BYTES = 65_536

MESSAGES_PER_SECOND: Final = 15.0
BURST: Final = 30
BYTES_PER_SECOND: Final = 48_000.0
"""All three are three quarters of a relay's defaults (LIM-01): what goes over them is lost."""


async def chat_through_pipes(room: Connection, *, stay: bool) -> Ended | None:
    """Chat until the input ends (or, if told to stay, after it), a signal comes or the membership ends.

    Returns how the membership ended, or None if it was one's own wish.

    Raises:
        BrokenPipeError: whoever read the messages has gone.
        UnreadableInputError: the input isn't UTF-8.

    """
    in_room = asyncio.Event()
    listening = asyncio.create_task(_listen(room, in_room))
    speaking = asyncio.create_task(_speak(room, in_room, stay=stay))
    stopped = asyncio.create_task(_stop_signal())
    tasks = {listening, speaking, stopped}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            return listening.result()
        if speaking.done():
            speaking.result()
        return None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_signal() -> None:
    stop = asyncio.Event()
    on_end(stop.set, interrupt=True)
    await stop.wait()


async def _listen(room: Connection, in_room: asyncio.Event) -> Ended | None:
    async for event in room:
        if isinstance(event, Joined | Rejoined | Recovered):
            in_room.set()
        elif isinstance(event, Reconnecting):
            in_room.clear()
        line = describe(event)
        if line is not None:
            print(line, file=sys.stdout if isinstance(event, Message) else sys.stderr, flush=True)
    return room.ended


async def _speak(room: Connection, in_room: asyncio.Event, *, stay: bool) -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(loop.time())
    lines, first = _lines(), True
    while (line := await lines.get()) is not None:
        text, first = text_of(line, first=first), False
        if not text.strip():
            continue
        await asyncio.sleep(pace.wait_seconds(len(line), loop.time()))
        give = room.say
        if room.room is not None and parse_command(text):
            if not room.obeys:
                print("chat:", _("This relay has no commands: nothing was sent."), file=sys.stderr, flush=True)
                continue
            give = room.command
        try:
            while not give(text):
                in_room.clear()
                await in_room.wait()
        except MessageTooLongError as error:
            print("chat:", flaw(error), file=sys.stderr, flush=True)
    if stay:
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(_LINGER_SECONDS)


def _lines() -> asyncio.Queue[bytes | None]:
    """Read the standard input line by line, aside; None stands for its end.

    A thread, because a loop can't watch files; with raw reads, because Python can't end while a thread
    holds the lock of a buffered one.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_LINES)

    def put(line: bytes | None) -> None:
        putting = lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (RuntimeError, CancelledError):  # the chat is over
            putting.close()
            sys.exit()

    def read() -> None:
        rest = b""
        with suppress(OSError):  # such as a terminal that has gone: an end like any other
            while data := os.read(sys.stdin.fileno(), _READ_BYTES):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    put(line)
        if rest:
            put(rest)
        put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


class Pace:
    """How fast a file may be said: tell when the next message may go out; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._free_at = now
        """When everything said so far is paid for."""
        self._saved_up = BURST / MESSAGES_PER_SECOND

    def wait_seconds(self, size_bytes: int, now: float) -> float:
        """Return how long to wait before a message of this size, and count it as said."""
        cost = max(1 / MESSAGES_PER_SECOND, size_bytes / BYTES_PER_SECOND)
        self._free_at = max(self._free_at, now) + cost
        return max(0.0, self._free_at - self._saved_up - now)
