"""What the brains of a room and of the lobby have in common: stages, queues, keep-alives and back-off."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Final

from chatbrain.actions import Action, CloseDatagram
from chatbrain.backoff import Backoff, RejoinPolicy
from chatbrain.errors import MessageTooLongError
from chatbrain.events import Ended, EndReason, Event, Reconnecting, Recovered
from chatbrain.findings import Finding
from chatproto import Challenge, Disconnected, EvictionReason, Notice, parse_command, parse_notice
from chatproto.constants import KEEP_ALIVE_SECONDS

DEAF_SECONDS: Final = 45.0
"""Silence after which the path is in doubt: two keep-alives and a bit, NAT mappings live 30 s or more."""

MAX_DEAF_SECONDS: Final = 720.0
"""The doubt comes back this often at least, however quiet the room."""


class Stage(Enum):
    """Where a membership stands."""

    IDLE = auto()
    JOINING = auto()
    """Asking for a membership."""
    CHATTING = auto()
    DEAF = auto()
    """Nothing was heard for long: speaking from a new local port, listening."""
    VERIFYING = auto()
    """Asking the relay whether the membership still lives."""
    WAITING = auto()
    """Until the next attempt."""
    ENDED = auto()


_NEXT: Final = {
    Stage.IDLE: {Stage.JOINING, Stage.ENDED},
    Stage.JOINING: {Stage.CHATTING, Stage.WAITING, Stage.ENDED},
    Stage.CHATTING: {Stage.DEAF, Stage.WAITING, Stage.ENDED},
    Stage.DEAF: {Stage.CHATTING, Stage.VERIFYING, Stage.WAITING, Stage.ENDED},
    Stage.VERIFYING: {Stage.CHATTING, Stage.WAITING, Stage.ENDED},
    Stage.WAITING: {Stage.JOINING, Stage.VERIFYING, Stage.CHATTING, Stage.ENDED},
    Stage.ENDED: set[Stage](),
}

_FINAL: Final = {EvictionReason.ABUSE, EvictionReason.KICKED, EvictionReason.HOST_LEFT}
"""Who lost the place for these must not come back by itself."""


class Brain(ABC):
    """One membership; ``random`` returns floats from 0 to 1, times are monotonic seconds."""

    def __init__(self, *, server: str, rejoin: RejoinPolicy, random: Callable[[], float]) -> None:
        self._server = server
        self._random = random
        self._backoff = Backoff(rejoin, random)
        self._stage = Stage.IDLE
        self._actions: list[Action] = []
        self._events: list[Event] = []
        self._silent = False
        self._ever_joined = False
        self._reconnecting = False
        self._sound_at = inf
        self._deaf_seconds = DEAF_SECONDS
        self._keep_alive_at = inf
        self._doubt_at = inf
        self._retry_at = inf

    @property
    def stage(self) -> Stage:
        """Where the membership stands."""
        return self._stage

    @property
    @abstractmethod
    def max_message_bytes(self) -> int:
        """How long a message may be; 0 before the first join."""

    @property
    def obeys(self) -> bool:
        """Whether the relay obeys commands here (MOD-01)."""
        return False

    def take_actions(self) -> list[Action]:
        """Return and forget what is to be done."""
        actions, self._actions = self._actions, []
        return actions

    def take_events(self) -> list[Event]:
        """Return and forget what happened."""
        events, self._events = self._events, []
        return events

    @abstractmethod
    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take a datagram from the relay: somebody's message or a notice."""

    @abstractmethod
    def datagram_error(self, now: float) -> None:
        """Take note that a datagram couldn't be sent or came back as undeliverable (ICMP)."""

    def next_deadline(self) -> float:
        """Return when to call ``tick``; infinity if there is nothing to wait for."""
        return min(self._keep_alive_at, self._doubt_at, self._retry_at)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if now >= self._retry_at:
            self._retry_at = inf
            self._attempt_join(now)
        if now >= self._keep_alive_at:
            self.keep_alive(now)
        if now >= self._doubt_at:
            self._doubt(now)

    def say(self, text: str, now: float) -> bool:
        """Send a message; False while there is no membership to send it with (it isn't kept).

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is empty.

        """
        data = text.encode(errors="replace")
        if not data:
            raise ValueError("The message is empty: write something.")
        return self._send(self._as_words(data), now)

    def command(self, text: str, now: float) -> bool:
        """Give the relay a command (MOD-01); False if there is no membership, or if it obeys none.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is no command.

        """
        if not parse_command(text):
            raise ValueError("That is no command: see chatproto.Command.")
        return self.obeys and self._send(text.encode(errors="replace"), now)

    def keep_alive(self, now: float) -> None:
        """Tell the relay that one is there, now and then at intervals (UDP-07, LOB-03)."""
        if not self._speak(b""):
            return
        if self._silent:
            self._silent = False
            self._listen(now)
        jitter = 0.9 + 0.2 * self._random()
        self._keep_alive_at = now + self._keep_alive_seconds() * jitter

    def fall_silent(self) -> None:
        """Stop keep-alives and doubts until the next word; the relay will evict."""
        self._silent = True
        self._keep_alive_at = self._doubt_at = inf

    def leave(self) -> None:
        """End the membership; the place is free at once (UDP-08)."""
        if self._stage is not Stage.ENDED:
            self._say_goodbye()
            self._end(Ended(EndReason.LEFT, "You left."))

    def _send(self, data: bytes, now: float) -> bool:
        if len(data) > self.max_message_bytes and self._ever_joined:
            raise MessageTooLongError(len(data), self.max_message_bytes)
        if not self._speak(data):
            return False
        if self._silent:
            self.keep_alive(now)
        return True

    def _as_words(self, message: bytes) -> bytes:
        """Write a message so that the relay takes it for no command."""
        return message

    @abstractmethod
    def _speak(self, message: bytes) -> bool:
        """Send a message, or an empty one; False if there is no membership to send it with."""

    @abstractmethod
    def _answer(self, challenge: Challenge, now: float) -> None:
        """Tell a relay that asks that one is there."""

    @abstractmethod
    def _say_goodbye(self) -> None:
        """Tell the relay that one leaves."""

    @abstractmethod
    def _attempt_join(self, now: float) -> None:
        """Ask for a membership, or whether the one held still lives."""

    @abstractmethod
    def _doubt(self, now: float) -> None:
        """Act on a long silence."""

    @abstractmethod
    def _lose(self) -> None:
        """Forget the membership."""

    def _keep_alive_seconds(self) -> float:
        return KEEP_ALIVE_SECONDS

    def _enter(self, stage: Stage) -> None:
        if stage not in _NEXT[self._stage]:  # pragma: no cover - a fault of the brain itself
            raise AssertionError(f"{self._stage.name} can't become {stage.name}.")
        self._stage = stage

    def _enter_chat(self, now: float) -> None:
        if self._stage is not Stage.CHATTING:
            self._enter(Stage.CHATTING)
            self._sound_at = now + self._backoff.policy.max_delay_seconds
        if self._reconnecting:
            self._reconnecting = False
            self._events.append(Recovered())
        self._listen(now)

    def _listen(self, now: float) -> None:
        """Count the silence from now on."""
        if not self._silent:
            self._doubt_at = now + self._deaf_seconds

    def _hear_notice(self, text: str, now: float) -> Notice | None:
        """Take harmless text as a notice; None if a member said it."""
        notice = parse_notice(text)
        if notice is None:
            return None
        if isinstance(notice, Challenge):
            if not self._silent:
                self._answer(notice, now)
            return notice
        self._events.append(notice)
        if isinstance(notice, Disconnected):
            self._lose()
            self._evicted(notice.reason, now)
        return notice

    def _evicted(self, reason: EvictionReason, now: float) -> None:
        if reason in _FINAL:
            closed = reason is EvictionReason.HOST_LEFT
            end_reason = EndReason.ROOM_CLOSED if closed else EndReason.EVICTED
            self._end(Ended(end_reason, reason.message, eviction=reason))
        else:
            self._wait(Ended(EndReason.EVICTED, reason.message, eviction=reason), now)

    def _wait(self, last_words: Ended, now: float) -> None:
        """Try again later, or end with these words if the policy gives up."""
        if now >= self._sound_at:  # the chat went well for a while: count from 1 again
            self._backoff.reset()
        self._sound_at = inf
        delay = self._backoff.next_delay(now) if self._ever_joined else None
        if delay is None:
            self._end(last_words)
            return
        self._enter(Stage.WAITING)
        self._doubt_at = inf
        self._retry_at = now + delay
        self._reconnecting = True
        self._events.append(Reconnecting(last_words, delay, self._backoff.attempt))

    def _end(self, event: Ended) -> None:
        self._enter(Stage.ENDED)
        self._keep_alive_at = self._doubt_at = self._retry_at = inf
        self._actions.append(CloseDatagram())
        self._events.append(event)

    def _unreachable(self, finding: Finding) -> Ended:
        return Ended.unreachable(self._server, finding)
