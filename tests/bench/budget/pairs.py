"""Honest people in rooms of their own: pairs who talk to each other, and how long their words take."""

import itertools
import random
import socket
import struct
import time
from contextlib import suppress
from typing import Final

from bench.budget.stage import Seat, Stage

PAIRS: Final = 16
"""As many rooms as one address may have, so that the figures rest on many messages a second."""
MESSAGES_A_SECOND: Final = 2 * PAIRS * 18
"""In all: each says a little less than it may."""
_ADDRESS: Final = "127.0.1.1"
_SO_TIMESTAMPNS: Final = 35
"""Linux's; the kernel notes when a datagram came, so it doesn't matter when we get to read it."""
_TIMESPEC: Final = struct.Struct("@ll")
_TEXT: Final = b" is how many messages were said by us up to now, and this is what the people say to each other"
_NANOSECONDS: Final = 1_000_000_000


class Pairs:
    """The pairs, all from one address that is nobody else's."""

    def __init__(self, stage: Stage) -> None:
        rooms = [stage.seat(f"pair-{number}", ["ann", "bob"], source=_ADDRESS) for number in range(PAIRS)]
        self._seats = [seat for room in rooms for seat in room]
        self._turns = itertools.cycle(self._seats)
        self._numbers = itertools.count()
        self._said_at: dict[int, int] = {}
        for seat in self._seats:
            seat.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    @property
    def outstanding(self) -> int:
        """How many messages are under way, as far as was read."""
        return len(self._said_at)

    def pause(self) -> float:
        """Return the seconds to wait until somebody speaks again."""
        return random.uniform(0.5, 1.5) / MESSAGES_A_SECOND  # no rhythm that another could fall in step with

    def speak(self) -> None:
        """Have the next one say something."""
        number = next(self._numbers)
        seat = next(self._turns)
        self._said_at[number] = time.time_ns()
        seat.say(b"%d" % number + _TEXT)

    def read(self) -> list[float]:
        """Read what has come; returns how many seconds each message took."""
        return [took for seat in self._seats for took in self._read(seat)]

    def give_up(self) -> int:
        """Expect what is still under way no longer; returns how many messages that is."""
        lost = len(self._said_at)
        self._said_at.clear()
        return lost

    def _read(self, seat: Seat) -> list[float]:
        took = []
        with suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = seat.socket.recvmsg(512, 64)
                number = data.partition(b": ")[2].partition(b" ")[0]
                said_at = self._said_at.pop(int(number), None) if number.isdigit() else None
                if said_at is not None and ancillary:
                    seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                    took.append((seconds * _NANOSECONDS + nanoseconds - said_at) / _NANOSECONDS)
        return took
