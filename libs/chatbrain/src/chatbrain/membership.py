"""What the brains of a room and of the lobby have in common: their parts, and what works the same in both."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from chatbrain.actions import Action
from chatbrain.backoff import Backoff, RejoinPolicy
from chatbrain.course import Course, Stage
from chatbrain.deliveries import Deliveries
from chatbrain.events import Ended, EndReason, Event
from chatbrain.liveness import Liveness
from chatbrain.outbox import Outbox
from chatproto import Disconnected, EvictionReason, parse_command

if TYPE_CHECKING:
    from chatbrain.sealed import Seal

_FINAL: Final = {
    EvictionReason.ABUSE,
    EvictionReason.KICKED,
    EvictionReason.HOST_LEFT,
    EvictionReason.RESUMED_ELSEWHERE,
}
"""Who lost the place for these must not come back by itself."""

_SPEAKING: Final = {Stage.CHATTING, Stage.DEAF}
"""Where what is said is sent at once."""


class Membership:
    """One place in a room or in the lobby; ``random`` returns floats from 0 to 1, times are monotonic seconds.

    It calls nothing that a room's or the lobby's brain would have to fill in.
    """

    obeys = False
    """Whether the relay obeys commands here (MOD-01)."""
    facts = False
    """Whether the relay tells facts, not prose (FEAT-03)."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        rejoin: RejoinPolicy | None,
        random: Callable[[], float],
        receipts: bool = False,
        seal: "Seal | None" = None,
    ) -> None:
        """With ``receipts`` messages are kept until they can be sent, and the user is told how each fares.

        With a ``seal`` they are for the room alone.
        """
        self._outbox = outbox
        self._liveness = Liveness(random)
        self._course = Course(Backoff(rejoin or RejoinPolicy(), random))
        self._keeps = receipts
        self._seal = seal
        self._deliveries = Deliveries(self._course.tell)

    @property
    def stage(self) -> Stage:
        """Where the membership stands."""
        return self._course.stage

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be, before it is sealed; 0 before the first join of a room."""
        limit = self._outbox.max_message_bytes
        return self._seal.capacity(limit) if self._seal else limit

    def take_actions(self) -> list[Action]:
        """Return and forget what is to be done."""
        return self._outbox.take()

    def take_events(self) -> list[Event]:
        """Return and forget what happened."""
        return self._course.take()

    def say(self, text: str, now: float) -> int:
        """Send a message; 0 if it isn't kept because there is no membership to send it with.

        With receipts it is kept as soon as there ever was one, and what is returned is the ``id`` of its `Delivery`.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.
            ValueError: it is empty.

        """
        return self._send(text.encode(errors="replace"), now)

    def command(self, text: str, now: float) -> int:
        """Give the relay a command (MOD-01); 0 if there is no membership, or if it obeys none.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``, or is a topic to seal that is too long.
            WrongKeyError: it is a topic to seal, and the key may be the wrong one (SEAL-04).
            ValueError: it is no command.

        """
        if not parse_command(text):
            raise ValueError("That is no command: see chatproto.Command.")
        if not self.obeys or not self._outbox.is_open:
            return 0
        given = self._seal.command(text) if self._seal else text
        return self._send(given.encode(errors="replace"), now, shown=text, command=True)

    def keep_alive(self, now: float) -> None:
        """Tell the relay that one is there, now and then at intervals (UDP-07, LOB-03)."""
        if not self._outbox.is_open:
            return
        if self._liveness.answered:
            self._send_numbered([self._deliveries.ask(now)], now)
        else:
            self._outbox.send(b"")
        self._liveness.speak(now)

    def fall_silent(self) -> None:
        """Stop keep-alives and doubts until the next word; the relay will evict."""
        self._liveness.fall_silent()
        self._deliveries.ask_no_more()

    def try_now(self, now: float) -> None:
        """Make the next attempt to come back at once, if one waits for it: another room of this server is back."""
        self._course.backoff.hurry(now)

    def leave(self) -> None:
        """End the membership."""
        if self.stage is not Stage.ENDED:
            self._end(Ended(EndReason.LEFT, "You left."))

    def _chat(self, now: float) -> None:
        """Be in as before."""
        self._course.chat(now)
        self._liveness.listen(now)
        self._deliver(now)

    def _send(self, data: bytes, now: float, *, shown: str | None = None, command: bool = False) -> int:
        """Send a message, or keep it until it can be sent; its sender knows it as ``shown``, if not as it is."""
        if not data:
            raise ValueError("The message is empty: write something.")
        sent = self._keep(data, now, shown=shown, command=command) if self._keeps else int(self._outbox.say(data))
        if sent and self._liveness.silent:
            self.keep_alive(now)
        return sent

    def _keep(self, data: bytes, now: float, *, shown: str | None, command: bool) -> int:
        self._outbox.check(data)
        if not self._course.ever_joined or self.stage is Stage.ENDED or self._deliveries.full:
            return 0
        known = self._deliveries.add(data, shown=shown, command=command)
        self._deliver(now)
        return known

    def _deliver(self, now: float) -> None:
        """Send what may be sent of what waits: nothing new while it is in doubt whether there is a membership."""
        if self.stage not in _SPEAKING:
            return
        if self._liveness.answered:
            self._send_numbered(self._deliveries.take_new(now), now)
        else:
            for text in self._deliveries.take_unnumbered():
                self._outbox.send(text)

    def _send_numbered(self, messages: Iterable[bytes], now: float) -> None:
        """Send messages that have a number, and expect answers."""
        for message in messages:
            self._outbox.send(message)
            if self.stage in _SPEAKING:
                self._liveness.expect(now)

    def _lose(self) -> None:
        """Forget the membership."""
        self._liveness.stop()
        self._outbox.close()
        self._deliveries.lose()

    def _evict(self, notice: Disconnected, now: float) -> None:
        """Take note that the relay took the place away."""
        self._lose()
        end = EndReason.ROOM_CLOSED if notice.reason is EvictionReason.HOST_LEFT else EndReason.EVICTED
        last_words = Ended(end, notice.message, eviction=notice.reason, banned=notice.banned)
        if notice.reason in _FINAL:
            self._end(last_words)
        else:
            self._wait(last_words, now)

    def _wait(self, last_words: Ended, now: float, *, at_once: bool = False) -> None:
        """Try again later or at once, or end with these words if it is time to give up."""
        if self._course.wait(last_words, now, at_once=at_once):
            self._liveness.trust()
        else:
            self._end(last_words)

    def _end(self, last_words: Ended) -> None:
        self._deliveries.end()
        self._course.end(last_words)
        self._lose()
