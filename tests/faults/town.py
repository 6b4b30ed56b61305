"""Rooms whose members talk at a steady rate, and what each of them hears: nothing lost, doubled or out of order."""

import selectors
import time
from collections.abc import Callable
from typing import Final

from conformance.people import NOTICE, Member, People

QUIET_SECONDS: Final = 2.0
LISTEN_SECONDS: Final = 0.005


class Town:
    """Rooms of the same size; in each the members speak in turn."""

    def __init__(self, people: People, rooms: int, members: int, others: People | None = None) -> None:
        """Fill the rooms with ``people``; every second member is one of ``others``, if there are any."""
        self._rooms: list[list[Member]] = []
        self._said: list[list[tuple[Member, bytes]]] = [[] for _ in range(rooms)]
        self._heard: dict[Member, list[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._turn = 0
        self._is_mixed = others is not None
        for number in range(rooms):
            name = b"room-%d" % number
            crowd = [people.create(name, b"member 0")]
            for seat in range(1, members):
                joining = others if others and seat % 2 else people
                crowd.append(joining.join(name, b"member %d" % seat))
            self._rooms.append(crowd)
        for crowd in self._rooms:
            for member in crowd:
                member.udp.setblocking(False)
                self._heard[member] = []
                self._selector.register(member.udp, selectors.EVENT_READ, member)

    @property
    def deliveries(self) -> int:
        """How many copies of messages are due so far."""
        return sum(len(said) * (len(crowd) - 1) for said, crowd in zip(self._said, self._rooms, strict=True))

    def talk_until(self, done: Callable[[], bool], rate: float, seconds: float = 60.0) -> None:
        """Say ``rate`` messages a second until something is true."""
        start = time.monotonic()
        count = 0
        while not done():
            now = time.monotonic()
            assert now < start + seconds, "it didn't come true in time"
            while count < (now - start) * rate:
                self.say_next()
                count += 1
            self._listen(LISTEN_SECONDS)

    def talk_for(self, seconds: float, rate: float) -> None:
        """Say ``rate`` messages a second for some time."""
        until = time.monotonic() + seconds
        self.talk_until(lambda: time.monotonic() >= until, rate)

    def say_next(self) -> None:
        """Let the next member of the next room say something."""
        room = self._turn % len(self._rooms)
        said, crowd = self._said[room], self._rooms[room]
        speaker = crowd[len(said) % len(crowd)]
        text = b"message %d" % len(said)
        said.append((speaker, text))
        speaker.say(text)
        self._turn += 1

    def check_nothing_lost(self) -> None:
        """Wait until nothing comes any more; check that everybody heard all, in order and once.

        What comes by two nodes has an order for each speaker alone.
        """
        newest, accounts = time.monotonic(), self._accounts()
        while any(len(heard) < len(due) for _, due, heard in accounts) and time.monotonic() < newest + QUIET_SECONDS:
            if self._listen(0.1):
                newest = time.monotonic()
        self._listen(0)
        wrong = {
            (member.room, member.name): [text for text in due if text not in heard] or "doubled or out of order"
            for member, due, heard in accounts
            if self._order(due) != self._order(heard)
        }
        assert not wrong, wrong

    def _accounts(self) -> list[tuple[Member, list[bytes], list[bytes]]]:
        """Return each member, what is due to it and what it heard."""
        return [
            (member, [b"%b: %b" % (who.name, text) for who, text in said if who is not member], self._heard[member])
            for said, crowd in zip(self._said, self._rooms, strict=True)
            for member in crowd
        ]

    def _order(self, texts: list[bytes]) -> list[bytes]:
        return sorted(texts, key=lambda text: text.partition(b": ")[0]) if self._is_mixed else texts

    def _listen(self, seconds: float) -> int:
        """Take what comes; returns how much that was."""
        count = 0
        for key, _ in self._selector.select(seconds):
            heard = self._heard[key.data]
            try:
                while True:
                    data = key.data.udp.recv(65_535)
                    if not data.startswith(NOTICE):
                        heard.append(data)
                        count += 1
            except BlockingIOError:
                pass
        return count
