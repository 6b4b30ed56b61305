"""When to tell the relay that one is there, and when to doubt that one still hears it."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatproto.constants import KEEP_ALIVE_SECONDS

DEAF_SECONDS: Final = 45.0
"""Silence after which the path is in doubt: two keep-alives and a bit, NAT mappings live 30 s or more."""

MAX_DEAF_SECONDS: Final = 720.0
"""The doubt comes back this often at least, however quiet the room."""


ANSWER_SECONDS: Final = 2.5
"""A relay that gives receipts and answers nothing for so long is in doubt; some four repeats are gone by then."""

NEAR_ANSWER_SECONDS: Final = 2.0
"""The same, a second and another one, where the seat can be taken again at another server at once."""

REBOUND_SECONDS: Final = 20.0
"""How long to listen on a new port before the relay is asked over TCP."""

ANSWERED_REBOUND_SECONDS: Final = 2.0
"""The same where an answer is due: so less than five seconds pass from a word to the news that nobody hears it."""

LOOK_SECONDS: Final = 2.0
"""How often to look whether the machine slept."""

SLEPT_SECONDS: Final = 2.0
"""By so much more than the monotonic clock the other one goes on when the machine sleeps: none is set as far daily."""


class Liveness:
    """The times of one membership's keep-alives and doubts; ``random`` returns floats from 0 to 1.

    Where the relay gives receipts, each word and keep-alive asks whether it hears, and it is in doubt when it doesn't
    answer. Any other relay is in doubt after a long silence.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.silent = False
        """Whether one says nothing on purpose; neither keep-alives nor doubts are due then."""
        self.answered = False
        """Whether the relay gives receipts."""
        self.heard = False
        """Whether something was heard since there last was reason to believe that the chat doesn't work."""
        self.interval_seconds = KEEP_ALIVE_SECONDS
        self._asked = False
        self._answer_seconds = ANSWER_SECONDS
        self._look_at = inf
        self._clock_ahead: float | None = None
        self._random = random
        self._deaf_seconds = DEAF_SECONDS
        self._keep_alive_at = self._doubt_at = inf

    def next_deadline(self) -> float:
        """Return when something is due; infinity if nothing will be."""
        return min(self._keep_alive_at, self._doubt_at, self._look_at)

    def keep_alive_is_due(self, now: float) -> bool:
        """Tell whether the relay is to be told that one is there."""
        return now >= self._keep_alive_at

    def doubt_is_due(self, now: float) -> bool:
        """Tell whether nothing was heard for too long."""
        return now >= self._doubt_at

    def begin(self, now: float, *, answered: bool = False, others: bool = False) -> None:
        """Begin anew with a new membership: not silent, nothing heard yet, and as doubtful as at first.

        ``others`` tells whether there are other servers to go to.
        """
        self.silent = self.heard = self._asked = False
        self.answered = answered
        self._answer_seconds = NEAR_ANSWER_SECONDS if others else ANSWER_SECONDS
        self._look_at = now + LOOK_SECONDS if answered else inf
        self._deaf_seconds = DEAF_SECONDS

    def speak(self, now: float) -> None:
        """Take note that a keep-alive went out; it ends a silence."""
        if self.silent:
            self.silent = False
            self.listen(now)
        self._keep_alive_at = now + self.interval_seconds * (0.9 + 0.2 * self._random())

    def hear(self) -> None:
        """Take note that something was heard: the next long silence is doubted as soon as the first."""
        self.heard, self._asked = True, False
        self._deaf_seconds = DEAF_SECONDS

    def listen(self, now: float) -> None:
        """Doubt once nothing was heard for as long as is usual here from now on; answers are expected instead."""
        if self.answered:
            self.trust()
        else:
            self.doubt_in(self._deaf_seconds, now)

    def expect(self, now: float) -> None:
        """Take note that something was sent that is answered; doubt if nothing is heard soon."""
        if not self._asked and not self.silent:
            self._asked = True
            self.doubt_in(self._answer_seconds, now)

    def wait_rebound(self, now: float) -> None:
        """Doubt once nothing was heard on a new port for as long as is usual here."""
        self.doubt_in(ANSWERED_REBOUND_SECONDS if self.answered else REBOUND_SECONDS, now)

    def look_again(self, now: float) -> None:
        """Have the clocks compared again after a while, if they are to be."""
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS

    def has_slept(self, now: float, clock: float) -> bool:
        """Tell whether a clock that goes on while the machine sleeps has run ahead since the last look."""
        before, self._clock_ahead = self._clock_ahead, clock - now
        return before is not None and abs(self._clock_ahead - before) > SLEPT_SECONDS

    def doubt_in(self, seconds: float, now: float) -> None:
        """Doubt after so many seconds, unless one says nothing on purpose."""
        if not self.silent:
            self._doubt_at = now + seconds

    def calm_down(self) -> float:
        """Take the place for a quiet one: doubt half as often; returns after how many seconds of silence."""
        self._deaf_seconds = min(2 * self._deaf_seconds, MAX_DEAF_SECONDS)
        return self._deaf_seconds

    def trust(self) -> None:
        """Doubt nothing for now."""
        self._doubt_at = inf

    def fall_silent(self) -> None:
        """Stop keep-alives and doubts until the next word."""
        self.silent = True
        self.stop()

    def stop(self) -> None:
        """Let nothing be due: there is no membership."""
        self._asked = False
        self._keep_alive_at = self._doubt_at = self._look_at = inf
