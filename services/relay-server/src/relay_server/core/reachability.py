"""Who can't be reached: errors raise a suspicion, and only a challenge that comes back proves it (EVI-03)."""

from collections import deque
from collections.abc import Callable, Collection
from typing import Final, Generic, Protocol, TypeVar

from chatproto import Challenge
from relay_server.core.endpoint import Host

FAILURES_TO_EVICT: Final = 3
FAILING_SECONDS: Final = 10.0
"""Challenges must come back for this long: a moment's outage evicts nobody."""
FORGET_SECONDS: Final = 60.0
"""Failures further apart than this have nothing to do with one another."""

HEARD_SECONDS: Final = 2.0
"""Who was heard so lately is there, whatever errors say."""
CHALLENGE_SECONDS: Final = 5.0
"""The pause after the first challenge; it doubles with each that doesn't come back."""
MAX_CHALLENGE_SECONDS: Final = 40.0
"""So often a live member is bothered at most, whatever is forged about it."""
FAILING_CHALLENGE_SECONDS: Final = 0.5
"""The pause once one came back: nobody is there to be bothered.

Many systems answer with one error a second, whatever for, so challenges must not be few among the messages.
"""
FAILING_PATIENCE_SECONDS: Final = 20.0
"""If none came back for so long, somebody may be there after all."""

PAUSE_SECONDS: Final = 10.0
"""Who provably failed gets only challenges for so long; if none came back by then, somebody may be there after all."""

UNRESOLVED_SECONDS: Final = 1.0
"""A host that is there answers within milliseconds when the kernel asks for it, and the kernel asks once a second."""
STALE_LOOK_SECONDS: Final = 5.0
"""Two looks at the kernel's neighbours that are further apart say nothing about the time between."""

SAMPLE_SECONDS: Final = 0.05
"""Of a lively conversation one message in this time is remembered; a few are enough to find out who is gone."""
_REMEMBERED_DATAGRAMS = 32
_REMEMBERED_BYTES = 64
_REMEMBERED_CHALLENGES = 8
"""A dead neighbour is reported after some seconds only, when more challenges are under way."""


class SentLog:
    """The beginnings of datagrams lately sent to a group, to check an ICMP error's quotation against."""

    __slots__ = ("_recent", "due_at")

    def __init__(self) -> None:
        self.due_at = 0.0
        """When the next message is to be remembered, see `sample`."""
        self._recent: deque[bytes] | None = None

    def sample(self, payload: bytes, now: float) -> None:
        """Note one of many messages, and let the next ones pass for a while; callers look at ``due_at`` first."""
        self.due_at = now + SAMPLE_SECONDS
        self.remember(payload)

    def remember(self, payload: bytes) -> None:
        """Note a datagram that is about to be sent."""
        if self._recent is None:  # most rooms of a large relay are quiet; they cost nothing here
            self._recent = deque(maxlen=_REMEMBERED_DATAGRAMS)
        self._recent.append(payload[:_REMEMBERED_BYTES])

    def holds(self, quoted: bytes) -> bool:
        """Tell whether one of the datagrams begins as quoted.

        A quotation shorter than what is remembered proves nothing: a guess may be as good. A longer one proves
        that whoever made it heard what was said, which every member does. It may go on with what was said next: on
        the relay's own machine an error quotes from several messages at once (see `net.fanout`).
        """
        return any(map(quoted.startswith, self._recent or ()))


class Challenges:
    """The questions sent to one peer that errors came back for, and when it may be asked the next."""

    __slots__ = ("_pause_seconds", "_under_way", "due_at")

    def __init__(self) -> None:
        self.due_at = float("-inf")
        """When the peer may be asked the next."""
        self._pause_seconds = CHALLENGE_SECONDS
        self._under_way: deque[bytes] = deque(maxlen=_REMEMBERED_CHALLENGES)

    def due(self, now: float) -> bool:
        """Tell whether the peer may be asked now."""
        return now >= self.due_at

    def remember(self, payload: bytes) -> None:
        """Note the bytes of a challenge that is about to be sent."""
        self._under_way.append(payload)

    def note_asked(self, now: float, *, failing: bool) -> None:
        """Note that the peer is asked now; ``failing`` if a challenge came back since it was last heard."""
        if failing:
            self.due_at = now + FAILING_CHALLENGE_SECONDS
        else:
            self.due_at = now + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, MAX_CHALLENGE_SECONDS)

    def take_back(self, quoted: bytes, now: float) -> bool:
        """Tell whether an error quotes a challenge: only who is on the way to the peer can; each counts once."""
        for payload in self._under_way:
            if quoted.startswith(payload):
                self._under_way.remove(payload)
                self.due_at = min(self.due_at, now + FAILING_CHALLENGE_SECONDS)
                self._pause_seconds = CHALLENGE_SECONDS
                return True
        return False


class SilentHosts:
    """Finds out which hosts on our own links don't answer when the kernel asks where they are (ARP, ND).

    What is sent to one waits in the kernel until it does, and takes up the send buffer of everybody.
    """

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._since: dict[Host, float] = {}

    def look(self, unresolved: Collection[Host], now: float) -> set[Host]:
        """Take the hosts that the kernel has asked for in vain so far; returns those that don't answer."""
        known = self._since if now - self._looked_at <= STALE_LOOK_SECONDS else {}
        self._since = {host: known.get(host, now) for host in unresolved}
        self._looked_at = now
        return {host for host, since in self._since.items() if now - since >= UNRESOLVED_SECONDS}


class Failures:
    """Counts what one peer failed to get, provably, since something was last heard from it."""

    __slots__ = ("_count", "_first_at", "_last_at")

    def __init__(self) -> None:
        self._count = 0
        self._first_at = 0.0
        self._last_at = 0.0

    @property
    def last_at(self) -> float:
        """When the newest one was."""
        return self._last_at

    def note(self, now: float) -> bool:
        """Count one failed datagram; True if the peer is to be taken as unreachable."""
        if now - self._last_at > FORGET_SECONDS:
            self._count = 0
        if not self._count:
            self._first_at = now
        self._count += 1
        self._last_at = now
        return self._count >= FAILURES_TO_EVICT and now - self._first_at >= FAILING_SECONDS


class Watched(Protocol):
    """A member, or a client of the lobby."""

    seen_at: float
    failures: Failures | None
    challenges: Challenges | None


P = TypeVar("P", bound=Watched)


class Watch(Generic[P]):
    """Judges errors about peers: ``ask`` sends a challenge, ``give_up`` evicts.

    Whoever sends a challenge tells the peer's `Challenges` its bytes.

    ``pause`` stops the peer's copies and ``resume`` sends them again; both may be called once more than needed.
    """

    def __init__(
        self,
        new_nonce: Callable[[], str],
        ask: Callable[[P, Challenge], None],
        give_up: Callable[[P, float], None],
        pause: Callable[[P], None],
        resume: Callable[[P], None],
    ) -> None:
        self._new_nonce = new_nonce
        self._ask = ask
        self._give_up = give_up
        self._pause = pause
        self._resume = resume
        self._failing: dict[P, None] = {}

    def note_undelivered(self, peer: P, sent: SentLog, quoted: bytes, now: float) -> bool:
        """Take an ICMP error for what it may be worth; True if it proves, and counts, a failure.

        One that quotes what was said to all may be anybody's forgery: it is a reason to ask. One that quotes a
        challenge isn't.
        """
        if peer.challenges is not None and peer.challenges.take_back(quoted, now):
            self.note_failure(peer, now)
            return True
        if now - peer.seen_at >= HEARD_SECONDS and sent.holds(quoted):
            self._suspect(peer, now)
        return False

    def note_failure(self, peer: P, now: float) -> None:
        """Count a datagram that provably failed."""
        if peer.failures is None:
            peer.failures = Failures()
        self._failing[peer] = None
        if peer.failures.note(now):
            self._give_up(peer, now)
        elif now - peer.seen_at >= HEARD_SECONDS:
            self._pause(peer)

    def tick(self, now: float) -> None:
        """Ask those again who provably failed and weren't heard since; to be called twice a second or so."""
        for peer in list(self._failing):
            if peer.failures is None or now - peer.failures.last_at > FAILING_PATIENCE_SECONDS:
                del self._failing[peer]
                self._resume(peer)
                continue
            if now - peer.failures.last_at > PAUSE_SECONDS:
                self._resume(peer)
            self._suspect(peer, now)

    def forget(self, peer: P) -> None:
        """Ask somebody nothing more, who is gone."""
        self._failing.pop(peer, None)

    def _suspect(self, peer: P, now: float) -> None:
        if peer.challenges is None:
            peer.challenges = Challenges()
        if peer.challenges.due(now):
            peer.challenges.note_asked(now, failing=peer.failures is not None)
            self._ask(peer, Challenge(self._new_nonce()))
