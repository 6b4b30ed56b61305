"""Wrong passwords and tickets: so many an address and a room stand that guessing is slow (PWD-04, RES-04)."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from chatproto import RefusalCode
from relay_server.core.admission import Census
from relay_server.core.errors import BusyError, NoCheckLeftError, NoSeatError, WrongPasswordError
from relay_server.core.limits import MAX_TRACKED, Buckets, NestedBucket, NetworkBuckets, TokenBucket
from relay_server.core.policy import CHECK_WAIT_SECONDS

AT_ONCE: Final = 64
"""An address may guess so often at once: as many as may be members behind it may type last week's password."""
KEPT: Final = AT_ONCE // 2
"""So many of them are kept for those who hardly were wrong: a guesser leaves them to the neighbours."""
MISTAKES: Final = 4
"""Who was wrong so often under one name, and then once a minute, is one who guesses."""
SPARED_MINUTES: Final = 2
"""At a room that too many guess at, an address has one try in so many minutes."""
ROOM_FACTOR: Final = 4
"""A room stands so many times as many guesses as one address has, before it asks more of who guesses."""
AGAIN_SECONDS: Final = 0.25
"""One that waits asks for a check so often. Who comes first when there is one is chance: to have come before doesn't
help who guesses, and a right password leaves the check to the next."""
WAITING: Final = 128
"""So many wait at once."""
WAITING_OF_NETWORK: Final = 16
"""So many of them are of one address."""


class Guess:
    """One password or ticket that is being looked at; it stays counted only if it is wrong.

    Around the verdict it is a context manager: what ends otherwise than by a WrongPasswordError or a NoSeatError was no
    guess.
    """

    def __init__(self, *taken: TokenBucket | NestedBucket, when_right: Callable[[], None] = lambda: None) -> None:
        self._taken = taken
        self._when_right = when_right

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, WrongPasswordError | NoSeatError):
            for bucket in self._taken:
                bucket.give_back(1)
        if error is None:
            self._when_right()


class Guesses:
    """The wrong passwords of late, by address, name and room; ``per_minute`` 0 allows any number.

    While a room's bucket is empty, an address must have been right for two minutes: who has not guessed wrong comes in
    as ever, and who guesses on has one try in that time. Who was right at a room before, under the same name and from
    the same address, doesn't need what the address has left, and is wrong at the cost of its name.
    """

    def __init__(self, per_minute: float) -> None:
        rate = per_minute / 60
        self._unlimited = not per_minute
        self._of_network = NetworkBuckets(rate, AT_ONCE)
        self._of_room = Buckets(ROOM_FACTOR * rate, ROOM_FACTOR * AT_ONCE)
        self._of_name = Buckets(1 / 60, MISTAKES)
        self._spared = NetworkBuckets(1 / (60 * SPARED_MINUTES), 1)
        self._known: OrderedDict[tuple[bytes, str, bytes], None] = OrderedDict()
        self._comes_soon = rate * CHECK_WAIT_SECONDS >= 1
        self._waiting = Census(WAITING, WAITING_OF_NETWORK)

    def begin(self, network: bytes, name: str, room: bytes, now: float) -> Guess:
        """Count a password as wrong, until it proves right; to be called when it is about to be looked at.

        Raises:
            NoCheckLeftError: others at the address left none, and the next one comes soon.
            BusyError: there were too many wrong ones.

        """
        if self._unlimited:
            return Guess()
        own, spared = (buckets.bucket_of(network, now) for buckets in (self._of_network, self._spared))
        rooms, named = self._of_room.bucket_of(room, now), self._of_name.bucket_of(network + name.encode(), now)
        taken = [bucket for bucket in (rooms, spared, named) if bucket.take(1, now)]
        left = 0 if named in taken else KEPT
        known = not left and (network, name, room) in self._known
        fits_room = rooms in taken or spared in taken
        if fits_room and (known or own.take(1 + left, now)):
            if not known:
                own.give_back(left)
                taken.append(own)
            return Guess(*taken, when_right=partial(self._know, (network, name, room)))
        with Guess(*taken):
            refuse = NoCheckLeftError if fits_room and not left and self._comes_soon else BusyError
            raise refuse(RefusalCode.TOO_MANY_WRONG_PASSWORDS)

    def wait(self, network: bytes) -> Callable[[], None] | None:
        """Let one more wait for a check; returns what ends that wait, or None if too many wait."""
        if self._waiting.is_full() or self._waiting.is_full_for(network):
            return None
        self._waiting.add(network)
        return partial(self._waiting.remove, network)

    def _know(self, place: tuple[bytes, str, bytes]) -> None:
        """Remember who was right, and forget who was so the longest ago."""
        self._known[place] = None
        self._known.move_to_end(place)
        if len(self._known) > MAX_TRACKED:
            self._known.popitem(last=False)
