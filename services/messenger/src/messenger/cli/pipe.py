"""``chat`` as a filter: lines in are messages, messages out are lines."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final, TextIO

from chatbrain import (
    Delivery,
    DeliveryState,
    Ended,
    Joined,
    Message,
    MessageTooLongError,
    Reconnecting,
    Recovered,
    Rejoined,
    WrongKeyError,
)
from chatclient import Connection
from chatproto import CommandFailed, parse_command, sanitize
from chatproto.constants import MAX_DATAGRAM_BYTES
from messenger.cli.lines import UnreadableInputError, UnwritableOutputError, lines_of, text_of
from messenger.cli.platforms import on_end
from messenger.core.commands import is_secret, words_of
from messenger.presentation.i18n import _
from messenger.presentation.wording import describe, flaw, reason, system_words

_LINGER_SECONDS = 0.2  # a network may turn the last message and the leaving around
_WAITING_LINES = 64  # read and not yet said, and said and not yet answered
_READ_BYTES = 65_536

MESSAGES_PER_SECOND: Final = 15.0
BURST: Final = 30
BYTES_PER_SECOND: Final = 48_000.0
"""All three are three quarters of a relay's defaults (LIM-01): what goes over them is lost."""


class Spoken:
    """The lines that were said; what becomes of each, and how many were not delivered or not carried out."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: dict[int, tuple[int, str]] = {}
        self._news = asyncio.Event()

    def follow(self, known: int, number: int, text: str) -> None:
        """Take note of a line that was said, by the id of its `Delivery`."""
        self._waiting[known] = number, text

    def take(self, delivery: Delivery) -> None:
        """Take note of how a line fares."""
        if delivery.id in self._waiting and delivery.state.final:
            number, _text = self._waiting.pop(delivery.id)
            self._news.set()
            if delivery.state is DeliveryState.NOT_DELIVERED:
                self.lose(number, delivery.text, reason(delivery))

    def lose(self, number: int, text: str, why: str) -> None:
        """Tell that a line wasn't delivered."""
        self.lost += 1
        text = sanitize(text.split(maxsplit=1)[0] if is_secret(text) else text)
        words = _("Line {number} was not delivered ({why}): {text}").format(number=number, why=why, text=text)
        print("chat:", words, file=sys.stderr, flush=True)

    def give_up(self) -> None:
        """Tell of the lines of which nobody knows what became."""
        for number, text in self._waiting.values():
            self.lose(number, text, _("no answer came"))

    async def room_for(self, more: int) -> None:
        """Wait until so few lines are under way that there is room for more."""
        while len(self._waiting) > _WAITING_LINES - more:
            self._news.clear()
            await self._news.wait()


async def chat_through_pipes(room: Connection, *, stay: bool) -> tuple[Ended | None, int]:
    """Chat until the input ends (or, if told to stay, after it), a signal comes or the membership ends.

    Returns how the membership ended, or None if it was one's own wish, and how many lines were not delivered
    or not carried out.

    Raises:
        BrokenPipeError: whoever read the messages has gone.
        UnwritableOutputError: the messages can't be written, such as to a full disk.
        UnreadableInputError: the input isn't UTF-8, or has a line without an end.

    """
    in_room, spoken = asyncio.Event(), Spoken()
    listening = asyncio.create_task(_listen(room, in_room, spoken))
    speaking = asyncio.create_task(_speak(room, in_room, spoken, stay=stay))
    stopped = asyncio.create_task(_stop_signal())
    tasks = {listening, speaking, stopped}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = listening.result() if listening.done() else None
        if speaking.done():
            speaking.result()
        spoken.give_up()
        return ended, spoken.lost
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_signal() -> None:
    stop = asyncio.Event()
    on_end(stop.set, interrupt=True)
    await stop.wait()


async def _listen(room: Connection, in_room: asyncio.Event, spoken: Spoken) -> Ended | None:
    async for event in room:
        if isinstance(event, Delivery):
            spoken.take(event)
            continue
        if isinstance(event, CommandFailed):  # the relay has the line, and refused what it asks for
            spoken.lost += 1
        if isinstance(event, Joined | Rejoined | Recovered):
            in_room.set()
        elif isinstance(event, Reconnecting):
            in_room.clear()
        line = describe(event)
        if line is not None:
            _print(line, sys.stdout if isinstance(event, Message) else sys.stderr)
    return room.ended


def _print(line: str, file: TextIO) -> None:
    try:
        print(line, file=file, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        words = _("The output can't be written ({reason}).").format(reason=system_words(error))
        raise UnwritableOutputError(words) from None


async def _speak(room: Connection, in_room: asyncio.Event, spoken: Spoken, *, stay: bool) -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(loop.time())
    lines, number = _lines(), 0
    while (line := await lines.get()) is not None:
        if isinstance(line, UnreadableInputError):
            await spoken.room_for(_WAITING_LINES)  # what was said before it has its answers
            raise line
        number += 1
        text = text_of(line, first=number == 1)
        if not text.strip():
            continue
        await asyncio.sleep(pace.wait_seconds(len(line), loop.time()))
        await _say(room, in_room, spoken, number, text)
    if stay:
        await asyncio.get_running_loop().create_future()
    await spoken.room_for(_WAITING_LINES)
    await asyncio.sleep(_LINGER_SECONDS)


async def _say(room: Connection, in_room: asyncio.Event, spoken: Spoken, number: int, text: str) -> None:
    """Say a line as soon as that is possible."""
    commands = room.room is not None and bool(parse_command(text))
    if commands and not room.obeys:
        spoken.lose(number, text, _("this relay has no commands"))
        return
    await spoken.room_for(1)
    try:
        while not (known := room.command(text) if commands else room.say(words_of(text))):
            in_room.clear()
            await in_room.wait()
    except (MessageTooLongError, WrongKeyError) as error:
        spoken.lose(number, text, flaw(error))
    else:
        if room.room is not None:  # in the lobby nobody answers
            spoken.follow(known, number, text)


def _lines() -> asyncio.Queue[bytes | UnreadableInputError | None]:
    """Read the standard input line by line, aside; None stands for its end, and an error is the last that comes.

    A thread, because a loop can't watch files; with raw reads, because Python can't end while a thread
    holds the lock of a buffered one.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | UnreadableInputError | None] = asyncio.Queue(_WAITING_LINES)

    def put(line: bytes | UnreadableInputError | None) -> None:
        putting = lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (RuntimeError, CancelledError):  # the chat is over
            putting.close()
            sys.exit()

    def read() -> None:
        try:
            for line in lines_of(_pieces()):
                put(line)
            put(None)
        except UnreadableInputError as error:
            put(error)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _pieces() -> Iterator[bytes]:
    """Read the standard input; one that breaks, such as a terminal that has gone, has an end like any other."""
    with suppress(OSError):
        while data := os.read(sys.stdin.fileno(), _READ_BYTES):
            yield data


class Pace:
    """How fast a file may be said: tell when the next message may go out; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._free_at = now
        """When everything said so far is paid for."""
        self._saved_up = BURST / MESSAGES_PER_SECOND

    def wait_seconds(self, size_bytes: int, now: float) -> float:
        """Return how long to wait before a message of this size, and count it as said; one that is too long isn't."""
        cost = max(1 / MESSAGES_PER_SECOND, min(size_bytes, MAX_DATAGRAM_BYTES) / BYTES_PER_SECOND)
        self._free_at = max(self._free_at, now) + cost
        return max(0.0, self._free_at - self._saved_up - now)
