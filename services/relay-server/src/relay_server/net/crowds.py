"""What goes to large audiences waits here, in order, and is sent in slices, so that small rooms needn't wait for it."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from relay_server.core.audience import Audience
from relay_server.net.address import TARGET_BYTES
from relay_server.net.fanout import GsoBatch

CROWD: Final = 256
"""More listeners than this are a crowd: a message to so many takes some 0.3 ms, which nobody notices."""
SLICE_COPIES: Final = 48
"""Some 0.1 ms of work: a small room waits no longer for a large one. In trials slices of 64 came near to doubling its
p99, and slices of 32 cost a room of 1,000 a tenth of what it can send."""
FEW: Final = 32
"""The same two for notices, and for all of the lobby: some 0.05 ms. One command or join is a notice to everybody in a
room, and a lobby hears strangers, so they may wait longer than messages of a room, which have to be sent fast."""
MAX_QUEUED_COPIES: Final = 65_536
"""While so many wait, no more datagrams are read; the kernel keeps them meanwhile."""


class Slice(NamedTuple):
    """What is to be sent next: messages or notices."""

    is_notice: bool
    batches: list[GsoBatch]


class _Queued(NamedTuple):
    group: Any
    is_notice: bool
    batch: GsoBatch
    copies: int


class CrowdQueue:
    """Batches in the order in which they came; nothing of a group overtakes what waits for it (UDP-04)."""

    def __init__(self, *, fine: bool = False) -> None:
        """``fine`` has messages sent in slices as small as those of notices."""
        self.crowd, self._slice = (FEW, FEW) if fine else (CROWD, SLICE_COPIES)
        """A message to more listeners than `crowd` has to wait here."""
        self.copies = 0
        """How many copies wait."""
        self._queue: deque[_Queued] = deque()
        self._waiting_of: Counter[Any] = Counter()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def takes(self, audience: Audience, *, is_notice: bool) -> bool:
        """Tell whether what goes to this audience has to wait here."""
        return len(audience.addresses) > (FEW if is_notice else self.crowd) or audience.group in self._waiting_of

    def add(self, group: Any, batches: Iterable[GsoBatch], *, is_notice: bool) -> None:
        """Put batches for a group last."""
        most = FEW if is_notice else self._slice
        for batch in batches:
            for piece, copies in _cut(batch, most):
                self._queue.append(_Queued(group, is_notice, piece, copies))
                self._waiting_of[group] += 1
                self.copies += copies

    def take(self) -> Slice | None:
        """Take out what comes next, a slice of it; None if nothing waits."""
        if not self._queue:
            return None
        is_notice, copies = self._queue[0].is_notice, 0
        most = FEW if is_notice else self._slice
        batches = []
        while self._queue and copies < most and self._queue[0].is_notice is is_notice:
            queued = self._queue.popleft()
            copies += queued.copies
            batches.append(queued.batch)
            self._waiting_of[queued.group] -= 1
            if not self._waiting_of[queued.group]:
                del self._waiting_of[queued.group]
        self.copies -= copies
        return Slice(is_notice, batches)


def _cut(batch: GsoBatch, most: int) -> Iterator[tuple[GsoBatch, int]]:
    """Divide a batch by its targets into pieces of at most so many copies; yields each with its number of copies."""
    text, row, segment = batch
    messages = -(-len(text) // segment) if segment else 1
    step = max(1, most // messages) * TARGET_BYTES
    for start in range(0, len(row), step):
        part = row[start : start + step]
        yield (text, part, segment), len(part) // TARGET_BYTES * messages
