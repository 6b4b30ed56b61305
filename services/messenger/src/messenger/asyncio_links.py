"""Links on asyncio's sockets, for front ends that live in its event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chatbrain import Brain, Event, ServerAddress, Tls, UnreachableError
from chatclient import look_at
from chatclient.sockets import Driver
from messenger.core.links import Look


class AsyncioLinks:
    """Where links come from; to be made and used in the event loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""
        return self._loop.time()

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> "_Link":
        """Make a brain's link and start the brain.

        Raises:
            ValueError: the file of authorities in ``tls`` can't be used.

        """
        return _Link(Driver(brain, server, on_event, tls), self._begin)

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> "_Looking":
        """Look at a relay's certificate without sending it anything."""
        return _Looking(self._begin(_look(server, on_look)))

    async def close(self) -> None:
        """Wait until what was sent is out and nothing is open any more; every link has to be closed before."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Link:
    """The sockets of one membership."""

    def __init__(self, driver: Driver, begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self._driver = driver
        self._begin = begin
        self._starting = begin(driver.start())

    def pump(self) -> None:
        """Carry out what the brain wants, hand over its events, set the timer."""
        self._driver.pump()

    def close(self) -> None:
        """End everything that is open; what was sent before still goes out."""
        self._starting.cancel()
        self._begin(self._driver.close())


class _Looking:
    """A look at a certificate that isn't done yet."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def cancel(self) -> None:
        """Give it up; nothing is told any more."""
        self._task.cancel()


async def _look(server: ServerAddress, on_look: Callable[[Look], None]) -> None:
    try:
        look: Look = await look_at(str(server))
    except UnreachableError as error:
        look = error
    on_look(look)
