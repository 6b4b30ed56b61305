"""What became of one's own words: which line each `Delivery` is about, and what wasn't delivered."""

from collections.abc import Callable

from chatbrain import Delivery, DeliveryState
from messenger.core.history import History


class Posted:
    """Follows one's own messages and commands by the ids that a brain gave them.

    ``on_lost`` hears what wasn't delivered, and the number of its line; None for a command, which has none.
    """

    def __init__(self, history: History, on_lost: Callable[[Delivery, int | None], None]) -> None:
        self.failed: dict[int, Delivery] = {}
        """The messages that were not delivered and may be sent again, by the numbers of their lines."""
        self._history = history
        self._on_lost = on_lost
        self._lines: dict[int, int | None] = {}

    def follow(self, known: int, line: int | None) -> None:
        """Take note of what was just said or asked for."""
        self._lines[known] = line

    def take(self, delivery: Delivery) -> None:
        """Take note of how something fares; what nobody follows is passed over."""
        if delivery.id not in self._lines:
            return
        line, state = self._lines[delivery.id], delivery.state
        if state.final:
            del self._lines[delivery.id]
        if line is not None:
            if line < self._history.start:
                return
            self._history.set_state(line, state)
        if state is DeliveryState.NOT_DELIVERED:
            if line is not None:
                self.failed[line] = delivery
            self._on_lost(delivery, line)

    def send_again(self, say: Callable[[str], int]) -> None:
        """Say what wasn't delivered once more, in its order, as far as it is kept."""
        for line, delivery in sorted(self.failed.items(), key=lambda each: each[0]):
            if known := say(delivery.text):
                del self.failed[line]
                self._history.set_state(line, DeliveryState.SENDING)
                self.follow(known, line)

    def begin(self) -> None:
        """Begin anew with another brain, whose ids are counted from 1 again."""
        self._lines.clear()
