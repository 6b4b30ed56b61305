"""Who talks through Qt's sockets in tests, and who stands at the other end."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import pytest
from pytestqt.qtbot import QtBot

from chatbrain import Brain, Event, LobbyBrain, RejoinPolicy, RoomBrain, Tls, Transport, parse_server
from chatclient.links import SocketLinks
from chatproto import Operation
from libs.chatclient.authority import Authority
from libs.chatclient.backstage import Backstage
from messenger.desktop.sockets import QtLoop

if TYPE_CHECKING:
    from messenger.core.messenger import Links

WAIT_SECONDS = 20.0
_NUMBERS = itertools.count()  # so that nobody finds the room of the test before
_E = TypeVar("_E", bound=Event)


class JumpingLoop(QtLoop):
    """A loop whose clock can be put forward."""

    skipped_seconds = 0.0

    def time(self) -> float:
        return time.monotonic() + self.skipped_seconds

    def skip(self, seconds: float) -> None:
        self.skipped_seconds += seconds
        for timer in list(self._timers.values()):
            timer.start()


class Person:
    """A member whose events are kept."""

    def __init__(self, links: SocketLinks, bot: QtBot, brain: Brain, server: str, tls: Tls | None = None) -> None:
        self.events: list[Event] = []
        self.brain = brain
        self._links, self._bot = links, bot
        self.link = links.open(brain, parse_server(server, 9000), tls, self.events.append)

    def wait_for(self, kind: type[_E], number: int = 1) -> _E:
        """Let Qt work until so many events of a kind have come; returns the last of these."""

        def of_kind() -> list[_E]:
            return [event for event in self.events if isinstance(event, kind)]

        self._bot.waitUntil(lambda: len(of_kind()) >= number, timeout=round(WAIT_SECONDS * 1000))
        return of_kind()[number - 1]

    def say(self, text: str) -> None:
        assert self.brain.say(text, self._links.now)
        self.link.pump()


class Crowd:
    """Makes people."""

    def __init__(self, bot: QtBot) -> None:
        self.loop = JumpingLoop()
        self.links = SocketLinks(self.loop)
        _: Links = self.links  # what the core asks for
        self.room_name = f"demo-{next(_NUMBERS)}"
        self.bot = bot
        self.people: list[Person] = []

    def room(
        self,
        server: str,
        name: str = "ann",
        *,
        create: bool = False,
        tls: Tls | None = None,
        rejoin: bool = True,
        transport: Transport = Transport.UDP,
    ) -> Person:
        policy = RejoinPolicy(first_delay_seconds=0.01, enabled=rejoin)
        operation = Operation.CREATE if create else Operation.JOIN
        brain = RoomBrain(
            operation, self.room_name, name, server=server, random=Random(1).random, rejoin=policy,
            transport=transport, encrypted=tls is not None, new_nonce=lambda: "an attempt of ann",
        )  # fmt: skip
        return self._add(brain, server, tls)

    def lobby(self, server: str, port: int) -> Person:
        return self._add(LobbyBrain("ann", server=server, random=Random(1).random, port=port), server, None)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        self.bot.waitUntil(is_so, timeout=round(WAIT_SECONDS * 1000))

    def skip(self, seconds: float) -> None:
        """Put the clock forward; everybody notices."""
        self.loop.skip(seconds)

    def leave(self) -> None:
        """Close everything; nothing may be left of it."""
        for person in self.people:
            person.brain.leave()
            person.link.close()
        self.wait_until(lambda: not self.loop.children())

    def _add(self, brain: Brain, server: str, tls: Tls | None) -> Person:
        person = Person(self.links, self.bot, brain, server, tls)
        self.people.append(person)
        return person


@pytest.fixture
def backstage() -> Iterator[Backstage]:
    with closing(Backstage()) as backstage:
        yield backstage


@pytest.fixture
def crowd(qtbot: QtBot, backstage: Backstage) -> Iterator[Crowd]:  # noqa: ARG001 - who is served leaves first
    crowd = Crowd(qtbot)
    yield crowd
    crowd.leave()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
