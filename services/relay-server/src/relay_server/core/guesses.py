"""Wrong passwords: so many an address and a room stand that guessing is slow, and nobody else is kept out (PWD-04)."""

from types import TracebackType
from typing import Final, Self

from relay_server.core.errors import BusyError, WrongPasswordError
from relay_server.core.limits import Buckets, NestedBucket, NetworkBuckets, TokenBucket

BURST_MINUTES: Final = 2
"""An address may guess so many minutes' worth at once; after as long without a guess it may again."""
ROOM_FACTOR: Final = 4
"""A room stands so many times as many guesses as one address has, before it asks more of who guesses."""


class Guess:
    """One password that is being looked at; it stays counted only if it is wrong.

    Around the verdict it is a context manager: what ends otherwise than by a WrongPasswordError was no guess.
    """

    def __init__(self, *taken: tuple[TokenBucket | NestedBucket, float]) -> None:
        self._taken = taken

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, WrongPasswordError):
            for bucket, price in self._taken:
                bucket.give_back(price)


class Guesses:
    """The wrong passwords of late, by address and by room; ``per_minute`` 0 allows any number.

    While a room's bucket is empty, an address must have all of its own, and one guess costs it all: who has not
    guessed wrong in the last two minutes comes in as ever, and who guesses on has one try in that time.
    """

    def __init__(self, per_minute: float) -> None:
        rate, self._burst = per_minute / 60, max(1.0, BURST_MINUTES * per_minute)
        self._unlimited = not per_minute
        self._of_network = NetworkBuckets(rate, self._burst)
        self._of_room = Buckets(ROOM_FACTOR * rate, ROOM_FACTOR * self._burst)

    def begin(self, network: bytes, room: bytes, now: float) -> Guess:
        """Count a password as wrong, until it proves right: many at once must not be more than one by one.

        Raises:
            BusyError: there were too many wrong ones.

        """
        if self._unlimited:
            return Guess()
        own, rooms = self._of_network.bucket_of(network, now), self._of_room.bucket_of(room, now)
        if rooms.take(1, now):
            if own.take(1, now):
                return Guess((own, 1), (rooms, 1))
            rooms.give_back(1)
        elif own.take(self._burst, now):
            return Guess((own, self._burst))
        raise BusyError("Too many wrong passwords: try again in two minutes.")
