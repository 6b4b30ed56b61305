"""Plain members who speak in turn and note when they hear one another: for how long is each of them cut off."""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from conformance import wire
from conformance.people import Member
from conformance.relays import Relay

INTERVAL_SECONDS: Final = 0.02
DEADLINE_SECONDS: Final = 60.0
_NOTICE: Final = b"server: "
_LARGEST: Final = 65_535


class Chorus:
    """Members of one room with the first of them its host; each says a number, over and over."""

    def __init__(self, relay: Relay, room: bytes, size: int) -> None:
        names = [b"singer %d" % number for number in range(size)]
        operations = [wire.CREATE, *[wire.JOIN] * (size - 1)]
        self.members = [Member(relay, operation, room, name) for operation, name in zip(operations, names, strict=True)]
        self.said = 0
        self.notices: list[bytes] = []
        self._heard_at = dict.fromkeys(range(size), 0.0)
        self._longest = dict.fromkeys(range(size), 0.0)
        self._selector = selectors.DefaultSelector()
        for number, member in enumerate(self.members):
            self._selector.register(member.udp, selectors.EVENT_READ, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        for member in self.members:
            member.udp.close()

    def sing(self, until: Callable[[], bool]) -> None:
        """Speak until something is true and everybody heard somebody since."""
        since = None
        deadline = time.monotonic() + DEADLINE_SECONDS
        while since is None or min(self._heard_at.values()) < since:
            assert time.monotonic() < deadline, f"deaf: {self._deaf(since or 0.0)} of {len(self.members)}"
            self._say()
            self._listen(time.monotonic() + INTERVAL_SECONDS)
            if since is None and until():
                since = time.monotonic()

    def begin(self) -> None:
        """Speak until all heard one another, and count from then on; what was noticed before is forgotten."""
        self.sing(lambda: True)
        self.notices.clear()
        self._longest = dict.fromkeys(self._longest, 0.0)

    def silences(self) -> Sequence[float]:
        """Return the longest time in which each of them heard nobody, in order."""
        return sorted(self._longest.values())

    def _deaf(self, since: float) -> list[int]:
        return [number for number, heard_at in self._heard_at.items() if heard_at < since]

    def _say(self) -> None:
        member = self.members[self.said % len(self.members)]
        self.said += 1
        with suppress(OSError):  # nobody listens there just now
            member.say(b"%d" % self.said)

    def _listen(self, until: float) -> None:
        while (seconds := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(seconds):
                assert isinstance(key.fileobj, socket.socket)
                with suppress(OSError):
                    self._note(key.data, key.fileobj.recv(_LARGEST))

    def _note(self, number: int, data: bytes) -> None:
        if data.startswith(_NOTICE):
            self.notices.append(data)
            return
        now = time.monotonic()
        if self._heard_at[number]:
            self._longest[number] = max(self._longest[number], now - self._heard_at[number])
        self._heard_at[number] = now
