"""What a bot holds while it is in a room or in the lobby."""

import asyncio
from collections.abc import AsyncIterator

from chatbrain import Driver, Stage
from chatbrain.events import Ended, Event, Joined, Message, Missed, Rejoined, Unreadable
from chatproto import HostChanged, PersonalNotice, RoomNotice
from chatproto.sealing import RoomKey

_Heard = Message | Missed | Unreadable | RoomNotice | PersonalNotice


class Connection:
    """A membership of a room or the lobby; iterate over it for events, the last of which is ``Ended``.

    Events wait in a bounded queue: what is heard beyond it is dropped and counted, events about the
    membership itself never are.
    """

    def __init__(self, name: str, room: str | None, max_queued_events: int, key: RoomKey | None = None) -> None:
        self.name = name
        self.room = room
        """The room's name; None in the lobby."""
        self.key = key
        """What those need who are to join a sealed room; None if it isn't sealed."""
        self.host = False
        """Whether one is the room's host."""
        self.ended: Ended | None = None
        """Why the membership is over, once it is."""
        self.dropped_events = 0
        """What was heard but not taken in time."""
        self._driver: Driver
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._max_queued_events = max_queued_events
        self._decided = asyncio.Event()

    @property
    def stage(self) -> Stage:
        """Where the membership stands."""
        return self._driver.brain.stage

    @property
    def server(self) -> str:
        """The relay that one chats through, as ``HOST:PORT``."""
        return self._driver.brain.server

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be."""
        return self._driver.brain.max_message_bytes

    def say(self, text: str) -> int:
        """Send a message at once.

        0 while there is no membership to send it with, such as between two attempts to re-join: the message isn't
        kept. Anything else is no promise: UDP may lose it. With ``receipts``, and with any ``transport`` but UDP,
        messages are kept meanwhile, and what is returned is the ``id`` of the `Delivery` events that tell what becomes
        of this one.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            WrongKeyError: the room is sealed, and nothing that others say can be opened by the key (SEAL-04).
            ValueError: it is empty.

        """
        said = self._driver.brain.say(text, self._driver.now)
        self._driver.pump()
        return said

    @property
    def obeys(self) -> bool:
        """Whether the relay obeys commands here, see `command`."""
        return self._driver.brain.obeys

    def command(self, text: str) -> int:
        """Give the relay a command such as ``/kick ann``, which `say` would say to everybody.

        Who isn't the host may ask ``/who`` and ``/topic``. The answer is an event, such as ``MemberList``, or
        ``Advice`` from a relay that knows no facts; ``str()`` of each is a line to read. 0 while there is no
        membership, or if the relay doesn't obey: nothing was sent, so that no password is said aloud.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is no command.

        """
        given = self._driver.brain.command(text, self._driver.now)
        self._driver.pump()
        return given

    def keep_alive(self) -> None:
        """Tell the relay that one is there; this happens by itself unless one fell silent."""
        self._driver.brain.keep_alive(self._driver.now)
        self._driver.pump()

    def fall_silent(self) -> None:
        """Stop keep-alives until the next word, so that the relay evicts; for demonstrations and tests."""
        self._driver.brain.fall_silent()
        self._driver.pump()

    async def leave(self) -> None:
        """End the membership; the relay ends it at once. Leaving twice does nothing."""
        self._driver.brain.leave()
        self._driver.pump()
        self._driver.close()

    async def messages(self) -> AsyncIterator[Message]:
        """Iterate over messages alone; it ends with the membership, and ``ended`` says why."""
        async for event in self:
            if isinstance(event, Message):
                yield event

    def __aiter__(self) -> "Connection":
        return self

    async def __anext__(self) -> Event:
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)  # for whoever asks next
            raise StopAsyncIteration
        return event

    async def open(self, driver: Driver) -> None:
        """Set the driver going and wait until one is in, or isn't; for ``join_room`` and its like."""
        self._driver = driver
        driver.start()
        await self._decided.wait()

    def take(self, event: Event) -> None:
        """Take an event from the driver."""
        if isinstance(event, HostChanged):
            self.host = event.name == self.name
        if isinstance(event, _Heard):
            if self._queue.qsize() >= self._max_queued_events:
                self.dropped_events += 1
                return
        elif isinstance(event, Joined | Rejoined):
            self.host = event.host
            self._decided.set()
        self._queue.put_nowait(event)
        if isinstance(event, Ended):
            self.ended = event
            self._queue.put_nowait(None)
            self._decided.set()
