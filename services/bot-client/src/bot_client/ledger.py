"""Who should have received what, and when they did: loss, duplicates and latency, without I/O."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from statistics import quantiles
from typing import Final

from chatproto import EvictionReason

MAX_LATENCIES: Final = 100_000
"""Percentiles speak of so many newest deliveries: a probe runs for months."""

REMEMBERED_SECONDS: Final = 30.0
"""How long after its time-out a message is remembered, to tell a late or second copy from a foreign one."""

Chat = str | None
"""Where people chat: a room's name; None is the lobby."""


class Arrival(Enum):
    """What a received message is to the ledger."""

    FIRST = auto()
    """In time, and the first copy that reached anybody."""
    FURTHER = auto()
    """In time, after others had theirs."""
    LATE = auto()
    """After its time-out, when it counted as lost already."""
    DUPLICATE = auto()
    FOREIGN = auto()
    """Not said by a bot of this process, or forgotten already."""


@dataclass(slots=True)
class Tally:
    """The sums so far; all but ``outstanding``, ``members`` and ``locked_out`` only grow."""

    sent: int = 0
    """Messages said."""
    taken: int = 0
    """Messages that a relay answered for; over UDP bots ask for no answers."""
    received: int = 0
    """Messages that reached a bot, whoever said them, second copies included."""
    delivered: int = 0
    """Of the copies that bots owed one another: arrived in time."""
    lost: int = 0
    """Not arrived in time."""
    late: int = 0
    """Of the lost: arrived after all."""
    duplicated: int = 0
    outstanding: int = 0
    """Neither arrived nor lost yet."""
    members: int = 0
    """Bots that are in a chat now."""
    locked_out: int = 0
    """Bots that want to be in a chat now and aren't."""
    joins: Counter[str] = field(default_factory=Counter)
    """Attempts to enter a chat, by the relay's status in words, or ``unreachable``."""
    evictions: Counter[EvictionReason] = field(default_factory=Counter)
    moves: int = 0
    """Times that a bot's place was at another server of a cluster from then on."""


@dataclass(slots=True)
class _Said:
    chat: Chat
    text: str
    sender: str
    sent_at: float
    awaited: set[str]
    arrived: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)


class Ledger:
    """Follow every message from each bot to all other bots in the same chat.

    Messages are told apart by chat, sender and text; equal texts are matched in the order they were said,
    so texts that are all different (markers) make it exact. Members are known by their names, which are
    unique in a room. Times are monotonic seconds.
    """

    def __init__(self, loss_timeout_seconds: float, observe_latency: Callable[[float], None]) -> None:
        self.tally = Tally()
        self._loss_timeout_seconds = loss_timeout_seconds
        self._observe_latency = observe_latency
        self._latencies: deque[float] = deque(maxlen=MAX_LATENCIES)
        self._members: dict[Chat, set[str]] = {}
        self._said: dict[tuple[Chat, str], deque[_Said]] = {}
        self._by_age: deque[_Said] = deque()
        self._to_time_out: deque[_Said] = deque()

    @property
    def rooms(self) -> int:
        """How many rooms have bots in them; the lobby is none."""
        return len(self._members) - (None in self._members)

    def enter(self, chat: Chat, member: str) -> None:
        """Count a bot as one that should receive what others say in a chat from now on."""
        members = self._members.setdefault(chat, set())
        self.tally.members += member not in members
        members.add(member)

    def leave(self, chat: Chat, member: str) -> None:
        """Expect nothing for a bot any more, nor what is still on its way."""
        members = self._members.get(chat, set())
        if member not in members:
            return
        members.discard(member)
        self.tally.members -= 1
        if not members:
            del self._members[chat]
        for said in self._to_time_out:
            if said.chat == chat and member in said.awaited:
                said.awaited.discard(member)
                self.tally.outstanding -= 1

    def say(self, chat: Chat, sender: str, text: str, now: float) -> bool:
        """Take note of a message at the moment it is sent; returns whether any bot should receive it."""
        said = _Said(chat, text, sender, now, self._members.get(chat, set()) - {sender})
        self._said.setdefault((chat, text), deque()).append(said)
        self._by_age.append(said)
        self._to_time_out.append(said)
        self.tally.sent += 1
        self.tally.outstanding += len(said.awaited)
        return bool(said.awaited)

    def receive(self, chat: Chat, member: str, sender: str | None, text: str, now: float) -> Arrival:
        """Take note that a bot received a message; the sender is None where the relay names none."""
        self.expire(now)
        self.tally.received += 1
        known = [said for said in self._said.get((chat, text), ()) if sender in {None, said.sender}]
        for said in known:
            if member in said.awaited:
                return self._deliver(said, member, now)
        for said in known:
            if member in said.missed:
                said.missed.discard(member)
                said.arrived.add(member)
                self.tally.late += 1
                return Arrival.LATE
        if any(member in said.arrived for said in known):
            self.tally.duplicated += 1
            return Arrival.DUPLICATE
        return Arrival.FOREIGN

    def expire(self, now: float) -> None:
        """Count as lost what is overdue, and forget what is old."""
        while self._to_time_out and now - self._to_time_out[0].sent_at > self._loss_timeout_seconds:
            self._miss(self._to_time_out.popleft())
        horizon = now - self._loss_timeout_seconds - REMEMBERED_SECONDS
        while self._by_age and self._by_age[0].sent_at < horizon:
            oldest = self._by_age.popleft()
            equal_texts = self._said[oldest.chat, oldest.text]
            equal_texts.popleft()
            if not equal_texts:
                del self._said[oldest.chat, oldest.text]

    def close(self) -> None:
        """Count everything that hasn't arrived as lost: nobody listens any more."""
        while self._to_time_out:
            self._miss(self._to_time_out.popleft())

    def percentiles(self) -> tuple[float, float] | None:
        """Return the median and the 99th percentile of latency in seconds; None without any delivery."""
        if len(self._latencies) < 2:
            return (self._latencies[0],) * 2 if self._latencies else None
        cuts = quantiles(self._latencies, n=100, method="inclusive")
        return cuts[49], cuts[98]

    def _deliver(self, said: _Said, member: str, now: float) -> Arrival:
        first = not said.arrived
        said.awaited.discard(member)
        said.arrived.add(member)
        self.tally.outstanding -= 1
        self.tally.delivered += 1
        latency = max(0.0, now - said.sent_at)
        self._latencies.append(latency)
        self._observe_latency(latency)
        return Arrival.FIRST if first else Arrival.FURTHER

    def _miss(self, said: _Said) -> None:
        self.tally.lost += len(said.awaited)
        self.tally.outstanding -= len(said.awaited)
        said.missed |= said.awaited
        said.awaited.clear()
