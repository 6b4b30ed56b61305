"""Whether an address still hears what it once asked for: a proof is good for so long, then another is due (EVI-07)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from chatproto import Challenge
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.model import Member

ASKING_SECONDS: Final = 60.0
"""A session's last minute (or its second half, if it is shorter than two): then its member is asked."""
CHALLENGES: Final = 4
"""How often: a datagram may be lost."""


@dataclass(slots=True, eq=False)
class Proof:
    """When a member last proved that its address hears: by its join over TCP, or by the answer to a challenge."""

    member: Member
    seen_at: float = 0.0
    asked: int = 0
    answers: set[bytes] = field(default_factory=set)


class Proofs:
    """One proof for each member; ``ask`` sends a challenge, ``give_up`` evicts. A lifetime of 0 asks nobody."""

    def __init__(
        self,
        lifetime_seconds: float,
        new_nonce: Callable[[], str],
        ask: Callable[[Member, Challenge], bytes],
        give_up: Callable[[Member, float], None],
    ) -> None:
        asking = min(ASKING_SECONDS, lifetime_seconds / 2)
        self._pause_seconds = asking / CHALLENGES
        self._queue: DeadlineQueue[Proof] = DeadlineQueue(lifetime_seconds - asking or inf)
        self._proofs: dict[Member, Proof] = {}
        self._new_nonce = new_nonce
        self._ask = ask
        self._give_up = give_up

    def begin(self, member: Member, now: float) -> None:
        """Take the join that a member made as its first proof."""
        proof = self._proofs[member] = Proof(member)
        self._queue.add(proof, now)

    def end(self, member: Member) -> None:
        """Forget a member that goes."""
        self._queue.discard(self._proofs.pop(member))

    def take_answer(self, member: Member, message: bytes, now: float) -> None:
        """Take a message of a member as a proof, if it answers what only its address heard."""
        proof = self._proofs[member]
        if message in proof.answers:
            proof.answers.clear()
            proof.asked = 0
            self._queue.add(proof, now)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self._queue.next_deadline()

    def expire(self, now: float) -> None:
        """Ask whose proof grows old, and give up who was asked in vain."""
        while (proof := self._queue.pop_due(now)) is not None:
            if proof.asked == CHALLENGES:
                self._give_up(proof.member, now)
                continue
            challenge = Challenge(self._new_nonce())
            proof.asked += 1
            proof.answers.add(challenge.answer)
            self._queue.add(proof, proof.seen_at + self._pause_seconds)
            self._ask(proof.member, challenge)
