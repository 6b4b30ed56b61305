"""Whether an address still hears what it once asked for: a proof is good for so long, then another is due (EVI-07)."""

from collections.abc import Callable
from math import inf
from typing import Final

from chatproto import Challenge
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.model import Session

ASKING_SECONDS: Final = 60.0
"""A session's last minute (or its second half, if it is shorter than two): then its member is asked."""
CHALLENGES: Final = 4
"""How often: a datagram may be lost."""


class Proofs:
    """Asks whose proof grows old: ``ask`` sends a challenge, ``give_up`` evicts. A lifetime of 0 asks nobody."""

    def __init__(
        self,
        lifetime_seconds: float,
        new_nonce: Callable[[], str],
        ask: Callable[[Session, Challenge], None],
        give_up: Callable[[Session, float], None],
    ) -> None:
        asking = min(ASKING_SECONDS, lifetime_seconds / 2)
        self._pause_seconds = asking / CHALLENGES
        self._unasked_seconds = lifetime_seconds - asking or inf
        """So long nobody is asked."""
        self._queue: DeadlineQueue[Session] = DeadlineQueue(self._unasked_seconds)
        self._answers: dict[Session, list[bytes]] = {}
        """Of each member that is asked: any of them proves it."""
        self._new_nonce = new_nonce
        self._ask = ask
        self._give_up = give_up

    def begin(self, session: Session, now: float) -> None:
        """Take it that a member hears, as its join over TCP proves, and as an answer does."""
        session.proved_at = now
        self._queue.add(session, now)

    def still_good(self, proved_at: float, now: float) -> float:
        """Return since when a proof counts for which nobody could ask so far: it is asked for now, not given up."""
        return max(proved_at, now - self._unasked_seconds)

    def end(self, session: Session) -> None:
        """Forget a member that goes."""
        self._queue.discard(session)
        self._answers.pop(session, None)

    def take_answer(self, session: Session, message: bytes, now: float) -> None:
        """Take a message of a member as a proof, if it answers what only its address heard."""
        if message in self._answers.get(session, ()):
            del self._answers[session]
            self.begin(session, now)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self._queue.next_deadline()

    def expire(self, now: float) -> None:
        """Ask whose proof grows old, and give up who was asked in vain."""
        while (session := self._queue.pop_due(now)) is not None:
            answers = self._answers.setdefault(session, [])
            if len(answers) == CHALLENGES:
                self._give_up(session, now)
                continue
            challenge = Challenge(self._new_nonce())
            answers.append(challenge.answer)
            self._queue.add(session, session.proved_at + len(answers) * self._pause_seconds)
            self._ask(session, challenge)
