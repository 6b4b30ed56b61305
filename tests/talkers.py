"""Members who chat by our own client library and write down what they hear, so that a lost message is seen."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from chatclient import Connection, Delivery, DeliveryState, Ended, Message, Missed, Transport, create_room, join_room

DEADLINE_SECONDS: Final = 30.0
_TICK_SECONDS: Final = 0.005
_LOOK_SECONDS: Final = 0.02
_ROLL_SECONDS: Final = 3.0
_LATE_SECONDS: Final = 0.25
"""Who speaks after a longer pause of this process doesn't make up for it: a burst would fill the sockets' buffers."""


class Talker:
    """A member of a room: it numbers what it says, from 1 on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.name, self.room = connection.name, str(connection.room)
        self.said = 0
        self.heard: dict[str, list[int]] = defaultdict(list)
        """The numbers that each other member was heard to say, in the order of arrival."""
        self.notices: list[Any] = []
        """All else that was heard."""
        self.missed = 0
        """How often the relay told that something is lost."""
        self.undelivered = 0
        """How many own messages the relay didn't take."""
        self.taken: set[int] = set()
        """What `Connection.say` and `command` returned for what the relay took."""
        self._awaited: int | None = None
        self.taken_at: float | None = None
        """When the relay took what was said after `await_taken`."""

    def say_next(self) -> None:
        """Say the next number."""
        if self.connection.ended:
            return
        self.said += 1
        said = self.connection.say(str(self.said))
        assert said, f"{self.name} may not say anything"
        if self._awaited == 0:
            self._awaited = said

    def await_taken(self) -> None:
        """Note when the relay takes the next message, or one after it."""
        self._awaited, self.taken_at = 0, None

    async def listen(self) -> None:
        """Write down what is heard until the membership ends."""
        async for event in self.connection:
            match event:
                case Message(sender=str(sender), text=text) if text.isdecimal():
                    self.heard[sender].append(int(text))
                case Delivery():
                    self._note(event)
                case Missed():
                    self.missed += 1
                case _:
                    self.notices.append(event)

    def _note(self, delivery: Delivery) -> None:
        if delivery.state is DeliveryState.TAKEN:
            self.taken.add(delivery.id)
            if self._awaited and self.taken_at is None and delivery.id >= self._awaited:
                self.taken_at = time.monotonic()
        elif delivery.state is DeliveryState.NOT_DELIVERED:
            self.undelivered += 1
            if self._awaited and self.taken_at is None:
                self.say_next()  # as people do who are told that it wasn't delivered

    @property
    def ended(self) -> Ended | None:
        return self.connection.ended


class Talkers:
    """All members of a test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._tasks: list[asyncio.Task[None]] = []
        self.all: list[Talker] = []

    async def create(self, room: str, name: str, server: str, **options: Any) -> Talker:
        """Create a room by the relay at ``server``."""
        return self._add(await self._stack.enter_async_context(_way(create_room, room, name, server, options)))

    async def join(self, room: str, name: str, server: str, **options: Any) -> Talker:
        """Join a room by the relay at ``server``."""
        return self._add(await self._stack.enter_async_context(_way(join_room, room, name, server, options)))

    def of(self, *rooms: str) -> list[Talker]:
        """Return the members of these rooms."""
        return [talker for talker in self.all if talker.room in rooms]

    @asynccontextmanager
    async def talking(self, rate: float, talkers: Sequence[Talker] | None = None) -> AsyncIterator[None]:
        """Let members (all, by default) speak in turn, ``rate`` messages a second, while the context lasts."""
        task = asyncio.create_task(_talk(self.all if talkers is None else talkers, rate))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _add(self, connection: Connection) -> Talker:
        talker = Talker(connection)
        self.all.append(talker)
        self._tasks.append(asyncio.create_task(talker.listen()))
        return talker

    async def end(self) -> None:
        """Leave all rooms."""
        await self._stack.aclose()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def talkers() -> AsyncIterator[Talkers]:
    """Have members who leave at the end."""
    all_talkers = Talkers(AsyncExitStack())
    try:
        yield all_talkers
    finally:
        await all_talkers.end()


async def until(
    holds: Callable[[], object], seconds: float = DEADLINE_SECONDS, why: Callable[[], object] = str
) -> None:
    """Wait until something holds, which is looked at again and again; ``why`` tells what is wrong if it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why() or "it didn't come true in time"
        await asyncio.sleep(_LOOK_SECONDS)


async def aside(run: Callable[..., Any], *arguments: Any) -> Any:
    """Run in a thread what would keep the members from talking."""
    return await asyncio.to_thread(run, *arguments)


async def check_all_heard(members: Sequence[Talker]) -> int:
    """Check that each member heard all that others in its room ever said, once and in order; return how much that is.

    All of them must have been there before the first one spoke.
    """
    await until(lambda: not lost(members), why=lambda: f"lost: {dict(list(lost(members).items())[:12])}")
    for talker, other in _pairs(members):
        assert talker.heard[other.name] == list(range(1, other.said + 1)), (
            f"{talker.name} heard {other.name} say {_irregular(talker.heard[other.name])} twice or out of order"
        )
    return sum(other.said for _, other in _pairs(members))


def lost(members: Sequence[Talker]) -> dict[tuple[str, str], list[int]]:
    """Return, for each listener and speaker, the numbers that weren't heard."""
    found = {}
    for talker, other in _pairs(members):
        if missing := set(range(1, other.said + 1)) - set(talker.heard[other.name]):
            found[talker.name, other.name] = sorted(missing)
    return found


def doubled(members: Sequence[Talker]) -> int:
    """Return how many messages were heard again."""
    return sum(len(numbers) - len(set(numbers)) for talker in members for numbers in talker.heard.values())


async def call_roll(members: Sequence[Talker]) -> None:
    """Let each member say a number, over and over, until all others of its room hear it: nobody is apart.

    Who was just sent elsewhere may miss the first one.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        for talker in members:
            assert not talker.ended, f"{talker.name} is out: {talker.ended}"
            talker.say_next()
        called = {talker.name: talker.said for talker in members}
        patience = min(time.monotonic() + _ROLL_SECONDS, deadline)
        while deaf := _deaf(members, called):
            if time.monotonic() > patience:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return
        assert time.monotonic() < deadline, f"these don't hear those: {deaf[:20]} of {len(deaf)}"


def _deaf(members: Sequence[Talker], called: dict[str, int]) -> list[tuple[str, str]]:
    return [
        (talker.name, other.name)
        for talker, other in _pairs(members)
        if called[other.name] not in talker.heard[other.name]
    ]


async def come_back(members: Iterable[Talker], since: float, seconds: float = DEADLINE_SECONDS) -> list[float]:
    """Wait until the relay takes words of all members again who were told to `await_taken`.

    Returns the seconds since then of each, in order. They must be talking.
    """
    waiting = list(members)

    def away() -> list[str]:
        return [
            f"{talker.name}: {talker.connection.stage.name}, {talker.undelivered} not taken, {talker.notices[-2:]}"
            for talker in waiting
            if talker.taken_at is None
        ]

    await until(lambda: not away(), seconds, lambda: f"they don't come back: {away()[:10]} of {len(away())}")
    return sorted(talker.taken_at - since for talker in waiting if talker.taken_at is not None)


def percentiles(seconds: Sequence[float]) -> str:
    """Write the median, the 95th percentile and the maximum of sorted durations."""
    if not seconds:
        return "none"
    middle, most = seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)]
    return f"p50 {middle:.2f} s, p95 {most:.2f} s, max {seconds[-1]:.2f} s ({len(seconds)})"


def _way(enter: Any, room: str, name: str, server: str, options: dict[str, Any]) -> Any:
    return enter(room, name, server=server, **({"transport": Transport.UDP, "receipts": True} | options))


def _pairs(members: Sequence[Talker]) -> Iterable[tuple[Talker, Talker]]:
    rooms = defaultdict(list)
    for talker in members:
        rooms[talker.room].append(talker)
    for those in rooms.values():
        for talker in those:
            for other in those:
                if talker is not other:
                    yield talker, other


def _irregular(numbers: Sequence[int]) -> list[int]:
    return [number for last, number in zip([0, *numbers], numbers, strict=False) if number != last + 1][:10]


async def _talk(members: Sequence[Talker], rate: float) -> None:
    loop = asyncio.get_running_loop()
    start, count = loop.time(), 0
    while True:
        late = loop.time() - start - count / rate
        if late > _LATE_SECONDS:
            start += late
        while count < (loop.time() - start) * rate:
            members[count % len(members)].say_next()
            count += 1
        await asyncio.sleep(_TICK_SECONDS)
