"""ICMP errors, true and forged, about one peer: only challenges that come back prove that it is gone (EVI-03)."""

from dataclasses import dataclass
from typing import Final

from chatproto import Challenge, encode_notice
from fuzz.bites import Bites, piece
from relay_server.core.reachability import (
    FAILING_CHALLENGE_SECONDS,
    FAILING_SECONDS,
    FAILURES_TO_EVICT,
    HEARD_SECONDS,
    PAUSE_SECONDS,
    Challenges,
    Failures,
    SentLog,
    Watch,
)
from services.relay_server.core.rooms_case import new_nonces

PAUSES: Final = (0.0, 0.04, 1.0, 3.0, 5.0, 11.0, 61.0)
ROUNDING_SECONDS: Final = 1e-6
MAX_STEPS: Final = 60

SEEDS: Final = (
    b"\0" + piece(b"hello") + b"\4\3\1\0" + b"\4\3\2\0\4\4\1\0\4\3\2\0\4\4\1\0\2\0",
    b"\0" + piece(b"x" * 80) + b"\4\3\1\1" + piece(b"x" * 79) + b"\1\1" + piece(b"x" * 63) + b"\3\4\3\1\0",
    b"\5\4\4\5\4\4\5\5",
)
WORDS: Final = (b"server: can you hear me? /here ", b"0000000000000001")


@dataclass(eq=False)
class Somebody:
    """A peer; like the relay's own, itself and no other."""

    seen_at: float = 1.0
    failures: Failures | None = None
    challenges: Challenges | None = None


class World:
    """A peer, what was sent to it, and what errors came back."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self._log = SentLog()
        self._watch: Watch[Somebody] = Watch(new_nonces(), self._ask, self._give_up, self._pause, self._resume)
        self._peer = Somebody()
        self._is_paused = False
        self._now = 1.0
        self._sent = [b""]
        self._asked: dict[bytes, float] = {}
        self._proofs: list[float] = []
        self.is_over = False

    def step(self) -> None:
        """Let one thing happen."""
        happenings = (self._send, self._quote_sent, self._quote_challenge, self._hear, self._wait, self._fail)
        self._bites.pick(happenings)()
        if not self.is_over:
            self._watch.tick(self._now)
            old = not self._proofs or self._now - self._proofs[-1] > PAUSE_SECONDS
            assert not (self._is_paused and old), "it is paused for longer than it provably fails"

    def _ask(self, peer: Somebody, challenge: Challenge) -> None:
        is_proven = peer.failures is not None
        assert is_proven or self._now - peer.seen_at >= HEARD_SECONDS, "who was just heard is asked for a forgery"
        payload = encode_notice(challenge)
        pause = self._now - max(self._asked.values(), default=float("-inf"))
        assert pause > FAILING_CHALLENGE_SECONDS - ROUNDING_SECONDS, "it is bothered without end"
        self._asked[payload] = self._now
        assert peer.challenges
        peer.challenges.remember(payload)

    def _give_up(self, _: Somebody, now: float) -> None:
        assert len(self._proofs) >= FAILURES_TO_EVICT, "too few errors count"
        assert now - self._proofs[0] >= FAILING_SECONDS, "a moment's errors count"
        self.is_over = True

    def _pause(self, peer: Somebody) -> None:
        assert self._proofs, "who never failed is paused"
        assert self._now - peer.seen_at >= HEARD_SECONDS, "who was just heard is paused"
        self._is_paused = True

    def _resume(self, _: Somebody) -> None:
        self._is_paused = False

    def _send(self) -> None:
        self._sent.append(self._bites.piece() or b"?")  # nothing is never sent
        self._log.remember(self._sent[-1])

    def _quote_sent(self) -> None:
        """Quote what everybody heard, or anything: it may raise a question, and no more."""
        quoted = self._bites.piece() if self._bites.byte() % 2 else self._bites.pick(self._sent[-256:])
        challenge = next((payload for payload in self._asked if quoted.startswith(payload)), None)
        known = challenge is not None or any(sent and quoted.startswith(sent[:64]) for sent in self._sent)
        before = len(self._asked)
        self._undelivered(quoted, challenge)
        assert known or len(self._asked) == before, "what was never sent is believed"

    def _quote_challenge(self) -> None:
        if self._asked:
            challenge = self._bites.pick([*self._asked][-256:])
            self._undelivered(challenge + self._bites.piece(), challenge)

    def _undelivered(self, quoted: bytes, challenge: bytes | None) -> None:
        if challenge is not None:
            self._proofs.append(self._now)
        self._watch.note_undelivered(self._peer, self._log, quoted, self._now)

    def _hear(self) -> None:
        """Accept a datagram from the peer, as the relay does."""
        self._peer.seen_at, self._peer.failures = self._now, None
        self._proofs.clear()

    def _wait(self) -> None:
        self._now += self._bites.pick(PAUSES)

    def _fail(self) -> None:
        """Let the kernel have no way to the peer."""
        self._proofs.append(self._now)
        self._watch.note_failure(self._peer, self._now)


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites or world.is_over:
            break
        world.step()
