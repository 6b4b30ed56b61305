"""One's own messages on their way: numbered, repeated until they are answered, given up in time (RCP-01, RCP-02)."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

from chatbrain.carriage import DATAGRAMS
from chatbrain.events import Delivery, DeliveryState
from chatproto.receipts import MAX_UNANSWERED, WINDOW

FIRST_REPEAT_SECONDS: Final = 0.25
"""A message is repeated after so long, or twice the time that an answer takes if that is longer."""
REPEAT_FACTOR: Final = 1.5
MAX_REPEATS: Final = 5
GIVE_UP_SECONDS: Final = 8.0
"""After so long without an answer nobody knows what became of a message."""
MAX_WAITING: Final = 1000
"""So many messages wait while there is no way to send them: more than a person types meanwhile."""
_SMOOTHING: Final = 1 / 8
"""How much the newest answer counts for how long they take, as TCP does (RFC 6298)."""


@dataclass(slots=True)
class _Letter:
    """A message that is to be sent or answered."""

    id: int
    """As its sender knows it; 0 asks only whether the relay hears (RCP-03)."""
    text: bytes
    """As it is sent, perhaps sealed."""
    shown: str = ""
    """As its sender knows it."""
    sent_at: float = 0.0
    repeat_at: float = inf
    pause: float = 0.0
    repeats: int = 0
    command: bool = False
    """It is for this membership's relay, and not for any other that comes after it."""


class Deliveries:
    """What one said, from the first word to the relay's answer; ``tell`` hears how each message fares."""

    def __init__(self, tell: Callable[[Delivery], None]) -> None:
        self.words_due_at = inf
        """When messages may be sent, which wait till then; infinity if they needn't. Commands never need to."""
        self.channel = DATAGRAMS
        """How messages are written, and whether they are repeated."""
        self._tell = tell
        self._waiting: deque[_Letter] = deque()
        self._unanswered: dict[int, _Letter] = {}
        """By number, the lowest first."""
        self._last_id = self._last_number = 0
        self._answer_seconds = 0.0
        """How long answers take."""

    @property
    def full(self) -> bool:
        """Whether no more messages may wait."""
        return len(self._waiting) >= MAX_WAITING

    def add(self, text: bytes, *, shown: str | None = None, command: bool = False) -> int:
        """Have a message sent, which its sender knows as ``shown``, if not as it is; returns its id."""
        self._last_id += 1
        shown = text.decode() if shown is None else shown
        self._waiting.append(_Letter(self._last_id, text, shown, command=command))
        return self._last_id

    def ask(self, now: float) -> bytes:
        """Return what asks whether the relay hears (RCP-03); it is repeated until there is an answer."""
        self.ask_no_more()
        return self._number(_Letter(0, b""), now)

    def ask_no_more(self) -> None:
        """Forget the question whether the relay hears."""
        self._unanswered = {number: letter for number, letter in self._unanswered.items() if letter.id}

    def take_unnumbered(self) -> Iterator[bytes]:
        """Return the messages that wait, for a relay that answers none."""
        while letter := self._take_due():
            self._note(letter, DeliveryState.SENT)
            yield letter.text

    def take_new(self, now: float) -> Iterator[bytes]:
        """Return of the messages that wait as many as may be sent now, numbered."""
        while self._may_number() and (letter := self._take_due()):
            self._note(letter, DeliveryState.SENDING)
            yield self._number(letter, now)

    def take_repeats(self, now: float) -> Iterator[bytes]:
        """Return what is to be sent again by now, and give up what was sent too long ago."""
        if now >= self.words_due_at:
            self.words_due_at = inf
        for number, letter in list(self._unanswered.items()):
            if now >= letter.sent_at + GIVE_UP_SECONDS:
                del self._unanswered[number]
                self._note(letter, DeliveryState.NOT_DELIVERED)
            elif now >= letter.repeat_at:
                letter.repeats += 1
                letter.pause *= REPEAT_FACTOR
                letter.repeat_at = now + letter.pause if letter.repeats < MAX_REPEATS else inf
                yield self.channel.encode(number, letter.text)

    def take_again(self, now: float) -> Iterator[bytes]:
        """Return all that is unanswered, to be sent from elsewhere and repeated as at first, though not for longer."""
        for number, letter in self._unanswered.items():
            yield self._send(number, letter, now)

    def next_deadline(self) -> float:
        """Return when `take_repeats` has something to do; infinity if never."""
        letters = self._unanswered.values()
        due = (min(letter.repeat_at, letter.sent_at + GIVE_UP_SECONDS) for letter in letters)
        return min((self.words_due_at, *due))

    def answer(self, number: int, now: float, reason: str | None = None) -> None:
        """Take the relay's answer: it took a message, or didn't for a ``reason``."""
        letter = self._unanswered.pop(number, None)
        if letter is None:  # answered before, or given up
            return
        # If it was repeated, this may be the answer to the first one: what is too long costs patience alone.
        took = now - letter.sent_at
        known = self._answer_seconds
        self._answer_seconds = known + (took - known) * _SMOOTHING if known else took
        self._note(letter, DeliveryState.TAKEN if reason is None else DeliveryState.NOT_DELIVERED, reason)

    def lose(self) -> None:
        """Give up what the membership leaves unanswered: nobody would know it again. What waits goes on waiting.

        Commands don't: another relay might say them aloud.
        """
        lost = [*self._unanswered.values(), *(letter for letter in self._waiting if letter.command)]
        self._unanswered = {}
        self._waiting = deque(letter for letter in self._waiting if not letter.command)
        for letter in lost:
            self._note(letter, DeliveryState.NOT_DELIVERED)

    def end(self) -> None:
        """Give up everything."""
        self.lose()
        while self._waiting:
            self._note(self._waiting.popleft(), DeliveryState.NOT_DELIVERED)

    def _take_due(self) -> _Letter | None:
        """Take the next message that may be sent from those that wait."""
        due = (letter for letter in self._waiting if letter.command or self.words_due_at == inf)
        if letter := next(due, None):
            self._waiting.remove(letter)
        return letter

    def _may_number(self) -> bool:
        """Tell whether the relay would remember all unanswered numbers beside one more (RCP-02)."""
        lowest = next(iter(self._unanswered), inf)
        return len(self._unanswered) < MAX_UNANSWERED and self._last_number + 1 < lowest + WINDOW

    def _number(self, letter: _Letter, now: float) -> bytes:
        self._last_number += 1
        letter.sent_at = now
        self._unanswered[self._last_number] = letter
        return self._send(self._last_number, letter, now)

    def _send(self, number: int, letter: _Letter, now: float) -> bytes:
        letter.repeats = 0
        letter.pause = max(FIRST_REPEAT_SECONDS, 2 * self._answer_seconds)
        letter.repeat_at = now + letter.pause if self.channel.repeats else inf
        return self.channel.encode(number, letter.text)

    def _note(self, letter: _Letter, state: DeliveryState, reason: str | None = None) -> None:
        if letter.id:
            self._tell(Delivery(letter.id, state, letter.shown, reason))
