"""How far one stream has read its room's ring, and what is for it alone (STR-03, STR-05, STR-07, STR-08)."""

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from chatproto.stream import encode_gone, encode_took
from relay_server.core.counters import StreamCounters, StreamFailure
from relay_server.core.ring import Piece, Ring

if TYPE_CHECKING:
    from relay_server.core.model import Session

MAX_UNREAD_BYTES: Final = 262_144
"""Who leaves more unread is cut: memory is for those who read (STR-07)."""


class Connection(Protocol):
    """What a reader's lines go to."""

    def wake(self) -> None:
        """Take note that there is something to take, or that nothing more will come."""
        ...

    def pump(self) -> None:
        """Take what there is room for."""
        ...


class Reader:
    """One stream's place in a ring.

    Entries aren't copied to it: it takes them when its connection has room, many at once if there are many.
    """

    __slots__ = (
        "_came_to", "_counters", "_direct_bytes", "_directs", "_live_from", "_own", "_position", "_ring", "connection",
        "ended", "seen_at", "session",
    )  # fmt: skip

    def __init__(self, session: "Session", counters: StreamCounters, connection: Connection, now: float) -> None:
        self.session = session
        self.connection = connection
        self.seen_at = now
        """When something came from it."""
        self.ended = False
        """Whether it gets nothing more than what it was told so far."""
        self._counters = counters
        self._ring: Ring | None = None
        self._position = self._live_from = self._came_to = 0
        """The newest number that it has, the newest of its replay, and how many messages it has come to since."""
        self._own: deque[tuple[int, int]] = deque()
        """The places of its member's messages that it hasn't come to yet, and their member's numbers for them."""
        self._directs: deque[tuple[int, bytes]] = deque()
        """What is for it alone, each with the number that it comes after."""
        self._direct_bytes = 0

    def start(self, ring: Ring, heard: int) -> None:
        """Read from after ``heard`` on; what is old is a replay."""
        self._ring = ring
        self._live_from = ring.seq
        self._came_to = ring.newest.messages
        self._position = heard
        ring.readers[self] = None

    def tell(self, line: bytes) -> None:
        """Say something to this one alone, after all that was there before; it waits until the reader starts."""
        if not self.ended:
            self._directs.append((self._ring.seq if self._ring else 0, line))
            self._direct_bytes += len(line)
            self.connection.wake()

    def end(self, line: bytes = b"", failure: StreamFailure = StreamFailure.CLOSED) -> None:
        """Let it get nothing more than what waits, unless it is too slow for that, and a last line."""
        if not self.ended:
            rest = b"" if failure is StreamFailure.SLOW else self.take(MAX_UNREAD_BYTES)
            self.stop(failure)
            self._directs = deque([(0, rest + line)])
            self._direct_bytes = len(rest + line)
            self.connection.wake()

    def stop(self, failure: StreamFailure) -> None:
        """Read no more: what it hasn't come to wasn't sent."""
        if self._ring is not None and not self.ended:
            self._counters.send_failures[failure] += self.waiting
            del self._ring.readers[self]
        self._ring, self.ended = None, True

    def note_own(self, n: int) -> None:
        """Note that the ring's newest entry is a message of one's own, with this number or 0 for none."""
        assert self._ring is not None  # noqa: S101 - only who reads is told
        self._own.append((self._ring.seq, n))

    @property
    def has_started(self) -> bool:
        """Whether it reads a ring."""
        return self._ring is not None

    @property
    def has_more(self) -> bool:
        """Whether there is something to take."""
        if self._ring is None:
            return self.ended and bool(self._directs)
        return bool(self._directs) or self._position < self._ring.seq

    @property
    def is_replaying(self) -> bool:
        """Whether it reads what was there before it came."""
        return self._ring is not None and self._position < self._live_from

    @property
    def unread_bytes(self) -> int:
        """How much waits for it; what was there before it came doesn't count."""
        if self._ring is None:
            return self._direct_bytes
        since = self._ring.at(max(self._position, self._live_from))
        return self._direct_bytes + self._ring.newest.total_bytes - since.total_bytes

    @property
    def waiting(self) -> int:
        """How many messages of others wait for it, without those of a replay (STR-08)."""
        if self._ring is None or self._position == self._ring.seq:
            return 0
        return self._ring.newest.messages - self._came_to - len(self._own)

    def take(self, max_bytes: int) -> bytes:
        """Return the next lines: so many bytes, or one piece more; fewer only if there are no more."""
        lines = self._take_next(max_bytes) or b""
        if not self.has_more:  # mostly
            return lines
        taken, size = [lines], len(lines)
        while size < max_bytes and (more := self._take_next(max_bytes - size)) is not None:
            taken.append(more)
            size += len(more)
        return b"".join(taken)

    def _take_next(self, max_bytes: int) -> bytes | None:
        ring, position, directs = self._ring, self._position, self._directs
        if ring is None and not self.ended:  # its client speaks first (STR-05)
            return None
        if directs and (ring is None or directs[0][0] <= position):
            line = directs.popleft()[1]
            self._direct_bytes -= len(line)
            return line
        if ring is None or position == ring.seq:
            return None
        if position + 1 < ring.first:
            return self._skip(ring)
        stop = directs[0][0] if directs else ring.seq
        if position < self._live_from < stop:
            stop = self._live_from
        return self._take_piece(ring.cut(position, stop, max_bytes))

    def _take_piece(self, piece: Piece) -> bytes:
        self._position = piece.stop
        member, messages, lines = self.session.member, piece.messages, piece.lines
        if member in piece.owners:
            lines = b"".join([each.own if each.owner is member else each.line for each in piece.entries])
            own = self._own
            while own and own[0][0] <= piece.stop:
                own.popleft()
                messages -= 1
        if piece.start >= self._live_from:
            self._came_to += piece.messages
            self._counters.sent += messages
        else:
            self._counters.replayed += messages
        return lines

    def _skip(self, ring: Ring) -> bytes:
        """Tell what is gone, and go on after it; of one's own messages it is told that they were taken."""
        waiting, first = self.waiting, self._position + 1
        self._position = ring.first - 1
        self._came_to = max(self._came_to, ring.gone.messages)
        took = b""
        while self._own and self._own[0][0] <= self._position:
            _, n = self._own.popleft()
            took += encode_took(n) if n else b""
        self._counters.send_failures[StreamFailure.GONE] += waiting - self.waiting
        self._counters.gone += ring.first - first
        return encode_gone(first, self._position) + took
