"""Where a membership stands, from the first attempt to the end, and what its user is told of that."""

from enum import Enum, auto
from typing import Final

from chatbrain.backoff import Backoff
from chatbrain.events import Ended, EndReason, Event, Reconnecting, Recovered, Unheard
from chatproto import Status


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
    RESUMED = auto()
    """In one's own seat again, listening whether the relay is heard."""
    WAITING = auto()
    """Until the next attempt."""
    ENDED = auto()


AWAY: Final = {Status.BUSY, Status.SHUTTING_DOWN}
"""Refusals that leave open whether a membership lives, and that a relay ends by itself."""

_NEXT: Final = {
    Stage.IDLE: {Stage.JOINING, Stage.ENDED},
    Stage.JOINING: {Stage.CHATTING, Stage.WAITING, Stage.ENDED},
    Stage.CHATTING: {Stage.DEAF, Stage.VERIFYING, Stage.WAITING, Stage.ENDED},
    Stage.DEAF: {Stage.CHATTING, Stage.VERIFYING, Stage.WAITING, Stage.ENDED},
    Stage.VERIFYING: {Stage.CHATTING, Stage.RESUMED, Stage.JOINING, Stage.WAITING, Stage.ENDED},
    Stage.RESUMED: {Stage.CHATTING, Stage.VERIFYING, Stage.WAITING, Stage.ENDED},
    Stage.WAITING: {Stage.JOINING, Stage.VERIFYING, Stage.CHATTING, Stage.ENDED},
    Stage.ENDED: set[Stage](),
}


class Course:
    """The stages of one membership, and the events that wait for its user."""

    def __init__(self, backoff: Backoff) -> None:
        self.stage = Stage.IDLE
        self.backoff = backoff
        self.ever_joined = False
        """Whether there ever was a membership; if not, it isn't won back."""
        self._events: list[Event] = []
        self._away = False

    def tell(self, event: Event) -> None:
        """Have the user told of something."""
        self._events.append(event)

    def take(self) -> list[Event]:
        """Return and forget what happened."""
        events, self._events = self._events, []
        return events

    def enter(self, stage: Stage) -> None:
        """Go on to another stage."""
        if stage not in _NEXT[self.stage]:  # pragma: no cover - a fault of the brain itself
            raise AssertionError(f"{self.stage.name} can't become {stage.name}.")
        self.stage = stage

    def chat(self, now: float, *, anew: bool = False) -> None:
        """Be in, with the old membership or anew; the old one has recovered if it was thought lost."""
        if self.stage is not Stage.CHATTING:
            self.enter(Stage.CHATTING)
            self.backoff.succeed(now)
        if self._away and not anew:
            self.tell(Recovered())
        self._away = False

    def miss(self) -> None:
        """Tell that nothing is heard, unless it is known."""
        if not self._away:
            self.tell(Unheard())
        self._away = True

    def wait(self, last_words: Ended, now: float, *, at_once: bool = False) -> bool:
        """Wait for the next attempt, which may be due at once; False, and nothing happens, if it is time to give up."""
        refused = last_words.reason is not EndReason.UNREACHABLE and last_words.status not in AWAY
        delay = self.backoff.fail(now, refused=refused) if self.ever_joined else None
        if delay is None:
            return False
        if at_once:
            delay = 0.0
            self.backoff.hurry(now)
        self.enter(Stage.WAITING)
        self._away = True
        self.tell(Reconnecting(last_words, delay, self.backoff.attempt))
        return True

    def pause(self, until: float) -> None:
        """Wait until a time for an attempt that brings one back as a matter of course; nobody is told."""
        self.enter(Stage.WAITING)
        self.backoff.plan(until)

    def end(self, last_words: Ended) -> None:
        """End for good."""
        self.enter(Stage.ENDED)
        self.backoff.cancel()
        self.tell(last_words)
