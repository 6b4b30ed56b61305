"""What the brains of a room and of the lobby have in common: their parts, and what works the same in both."""

from collections.abc import Callable
from typing import Final

from chatbrain.actions import Action
from chatbrain.backoff import Backoff, RejoinPolicy
from chatbrain.course import Course, Stage
from chatbrain.events import Ended, EndReason, Event
from chatbrain.findings import Finding
from chatbrain.liveness import Liveness
from chatbrain.outbox import Outbox
from chatproto import Disconnected, EvictionReason, parse_command

_FINAL: Final = {EvictionReason.ABUSE, EvictionReason.KICKED, EvictionReason.HOST_LEFT}
"""Who lost the place for these must not come back by itself."""


class Membership:
    """One place in a room or in the lobby; ``random`` returns floats from 0 to 1, times are monotonic seconds.

    It calls nothing that a room's or the lobby's brain would have to fill in.
    """

    obeys = False
    """Whether the relay obeys commands here (MOD-01)."""
    facts = False
    """Whether the relay tells facts, not prose (FEAT-03)."""

    def __init__(
        self, outbox: Outbox, *, server: str, rejoin: RejoinPolicy | None, random: Callable[[], float]
    ) -> None:
        self._server = server
        self._outbox = outbox
        self._liveness = Liveness(random)
        self._course = Course(Backoff(rejoin or RejoinPolicy(), random))

    @property
    def stage(self) -> Stage:
        """Where the membership stands."""
        return self._course.stage

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be; 0 before the first join of a room."""
        return self._outbox.max_message_bytes

    def take_actions(self) -> list[Action]:
        """Return and forget what is to be done."""
        return self._outbox.take()

    def take_events(self) -> list[Event]:
        """Return and forget what happened."""
        return self._course.take()

    def say(self, text: str, now: float) -> bool:
        """Send a message; False while there is no membership to send it with (it isn't kept).

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is empty.

        """
        data = text.encode(errors="replace")
        if not data:
            raise ValueError("The message is empty: write something.")
        if not self._outbox.say(data):
            return False
        if self._liveness.silent:
            self.keep_alive(now)
        return True

    def command(self, text: str, now: float) -> bool:
        """Give the relay a command (MOD-01); False if there is no membership, or if it obeys none.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is no command.

        """
        if not parse_command(text):
            raise ValueError("That is no command: see chatproto.Command.")
        return self.obeys and Membership.say(self, text, now)

    def keep_alive(self, now: float) -> None:
        """Tell the relay that one is there, now and then at intervals (UDP-07, LOB-03)."""
        if self._outbox.send(b""):
            self._liveness.speak(now)

    def fall_silent(self) -> None:
        """Stop keep-alives and doubts until the next word; the relay will evict."""
        self._liveness.fall_silent()

    def leave(self) -> None:
        """End the membership."""
        if self.stage is not Stage.ENDED:
            self._end(Ended(EndReason.LEFT, "You left."))

    def _chat(self, now: float) -> None:
        """Be in as before."""
        self._course.chat(now)
        self._liveness.listen(now)

    def _lose(self) -> None:
        """Forget the membership."""
        self._liveness.stop()
        self._outbox.close()

    def _evict(self, notice: Disconnected, now: float) -> None:
        """Take note that the relay took the place away."""
        self._lose()
        end = EndReason.ROOM_CLOSED if notice.reason is EvictionReason.HOST_LEFT else EndReason.EVICTED
        last_words = Ended(end, notice.message, eviction=notice.reason, banned=notice.banned)
        if notice.reason in _FINAL:
            self._end(last_words)
        else:
            self._wait(last_words, now)

    def _wait(self, last_words: Ended, now: float) -> None:
        """Try again later, or end with these words if it is time to give up."""
        if self._course.wait(last_words, now):
            self._liveness.trust()
        else:
            self._end(last_words)

    def _end(self, last_words: Ended) -> None:
        self._course.end(last_words)
        self._lose()

    def _unreachable(self, finding: Finding) -> Ended:
        return Ended.unreachable(self._server, finding)
