"""A room's numbered entries, kept for those who read them over streams (STR-03 to STR-05)."""

from bisect import bisect_right
from collections.abc import Callable
from heapq import heapify, heappop, heapreplace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from relay_server.core.model import Member
    from relay_server.core.reader import Reader

MAX_ENTRIES: Final = 1024
MAX_BYTES: Final = 2**20
"""A ring keeps so many entries and bytes at most, the newest ones (STR-04)."""
ENTRY_BYTES: Final = 250
"""What an entry takes in memory besides its lines."""
KEPT_SHARE: Final = 15 / 16
"""Of all that rings may keep, so much stays when it is too much."""


class Entry(NamedTuple):
    """Something at a place in a room's numbering, and how much there was up to it."""

    line: bytes
    """As everybody but its owner reads it."""
    owner: "Member | None"
    own: bytes
    """As its owner reads it; empty if it doesn't."""
    serial: int
    """Its place among the entries of all rings."""
    messages: int
    """How many messages there were in the ring, up to this one."""
    total_bytes: int
    """How long all lines were, up to this one."""


class Piece(NamedTuple):
    """Consecutive entries, as everybody reads them who owns none of them."""

    start: int
    stop: int
    """The numbers before the first and of the last."""
    entries: list[Entry]
    lines: bytes
    messages: int
    owners: "frozenset[Member | None]"


class Ring:
    """The newest entries of a room."""

    __slots__ = (
        "_cut_at", "_entries", "_piece", "_rings", "epoch", "gone", "is_woken", "kept_bytes", "newest", "readers",
        "seq",
    )  # fmt: skip

    def __init__(self, epoch: str, rings: "Rings", seq: int) -> None:
        self.epoch = epoch
        """What this numbering is called."""
        self.readers: dict[Reader, None] = {}
        """Those whose connections stand, in the order in which they came."""
        self.seq = seq
        """The number of the newest entry."""
        self.gone = Entry(b"", None, b"", 0, 0, 0)
        """The last entry that is kept no more, or what stands before the first."""
        self.newest = self.gone
        """The newest entry, kept or not."""
        self.kept_bytes = 0
        """What it takes in memory."""
        self.is_woken = False
        """Whether `Rings.woken` has it."""
        self._rings = rings
        self._entries: list[Entry] = []
        self._piece: Piece | None = None
        self._cut_at = (0, 0, 0)
        """What the piece was asked for by."""

    def __len__(self) -> int:
        """Return how many entries it keeps."""
        return len(self._entries)

    @property
    def first(self) -> int:
        """The number of the oldest entry that it keeps; one more than the newest if it keeps none."""
        return self.seq - len(self._entries) + 1

    @property
    def oldest_serial(self) -> int:
        """The place of its oldest entry among those of all rings."""
        return self._entries[0].serial

    def add(self, line: bytes, owner: "Member | None" = None, own: bytes = b"", *, is_message: bool) -> None:
        """Give an entry the next number, which stands in its lines, and wake the readers."""
        rings, entries, before = self._rings, self._entries, self.newest
        self.seq += 1
        rings.serial += 1
        messages, total = before.messages + is_message, before.total_bytes + len(line)
        # This is Entry(...), but it takes a third of the time.
        self.newest = tuple.__new__(Entry, (line, owner, own, rings.serial, messages, total))
        entries.append(self.newest)
        kept_bytes = len(line) + len(own) + ENTRY_BYTES
        self.kept_bytes += kept_bytes
        rings.kept_bytes += kept_bytes
        while len(entries) > MAX_ENTRIES or self.kept_bytes > MAX_BYTES:
            self.forget_oldest()
        if 0 < rings.max_bytes < rings.kept_bytes:
            rings.shrink()
        if self.readers and not self.is_woken:
            rings.wake(self)

    def at(self, seq: int) -> Entry:
        """Return the entry of this number; what is gone counts as the last one that is."""
        index = seq - self.first
        return self._entries[index] if index >= 0 else self.gone

    def since(self, seq: int) -> list[Entry]:
        """Return the entries after this number, which is no less than that of the last one that is gone."""
        return self._entries[seq + 1 - self.first :]

    def cut(self, start: int, stop: int, max_bytes: int) -> Piece:
        """Return what comes after ``start`` up to ``stop``: one entry at least, and no more bytes than that if more.

        Readers mostly stand at the same place, so what was cut last is kept until `rest`.
        """
        piece = self._piece
        if piece is None or self._cut_at != (start, stop, max_bytes):
            piece = self._piece = self._cut(start, stop, max_bytes)
            self._cut_at = start, stop, max_bytes
        return piece

    def rest(self) -> None:
        """Take it that nobody reads for now."""
        self._piece = None

    def forget_oldest(self) -> None:
        """Keep the oldest entry no more."""
        oldest = self._entries.pop(0)
        self.gone = tuple.__new__(Entry, (b"", None, b"", *oldest[3:]))  # its text goes at once
        if not self._entries:
            self.newest = self.gone
        kept_bytes = len(oldest.line) + len(oldest.own) + ENTRY_BYTES
        self.kept_bytes -= kept_bytes
        self._rings.kept_bytes -= kept_bytes

    def forget(self) -> None:
        """Keep nothing any more."""
        self._rings.kept_bytes -= self.kept_bytes
        self.kept_bytes = 0
        self.gone = self.newest
        self._entries.clear()

    def _cut(self, start: int, stop: int, max_bytes: int) -> Piece:
        before, first = self.at(start), self.first
        if self.at(stop).total_bytes - before.total_bytes > max_bytes:
            low, high = start + 2 - first, stop + 1 - first
            longest = before.total_bytes + max_bytes
            index = bisect_right(self._entries, longest, low, high, key=attrgetter("total_bytes"))
            stop = first + index - 1
        entries = self._entries[start + 1 - first : stop + 1 - first]
        lines = b"".join([entry.line for entry in entries])
        messages = entries[-1].messages - before.messages
        return Piece(start, stop, entries, lines, messages, frozenset([entry.owner for entry in entries]))


class Rings:
    """All rings, and how much they keep together; ``max_bytes`` of 0 is no limit (STR-04)."""

    def __init__(self, max_bytes: int, new_epoch: Callable[[], str]) -> None:
        self.max_bytes = max_bytes
        self.kept_bytes = 0
        self.serial = 0
        """The newest entry's place among those of all."""
        self.on_wake: Callable[[], None] = lambda: None
        """Called when there is something new for readers, and nothing was before."""
        self._woken: list[Ring] = []
        self._new_epoch = new_epoch
        self._all: dict[str, Ring] = {}

    def make(self, epoch: str = "", seq: int = 0) -> Ring:
        """Begin a numbering, or go on with one that was begun at another node (CLU-05)."""
        ring = Ring(epoch or self._new_epoch(), self, seq)
        self._all[ring.epoch] = ring
        return ring

    def has(self, epoch: str) -> bool:
        """Tell whether a numbering is called so."""
        return epoch in self._all

    def drop(self, ring: Ring) -> None:
        """End a numbering."""
        ring.forget()
        del self._all[ring.epoch]

    def wake(self, ring: Ring) -> None:
        """Note that a ring has something new."""
        ring.is_woken = True
        self._woken.append(ring)
        if len(self._woken) == 1:
            self.on_wake()

    def take_woken(self) -> list[Ring]:
        """Return who has something new, once."""
        woken, self._woken = self._woken, []
        for ring in woken:
            ring.is_woken = False
        return woken

    def shrink(self) -> None:
        """Keep less than is allowed, so that this isn't to be done again at once: the oldest entries of all go."""
        heap = [(ring.oldest_serial, ring.epoch, ring) for ring in self._all.values() if len(ring)]
        heapify(heap)
        while self.kept_bytes > self.max_bytes * KEPT_SHARE:
            ring = heap[0][2]
            ring.forget_oldest()
            if len(ring):
                heapreplace(heap, (ring.oldest_serial, ring.epoch, ring))
            else:
                heappop(heap)
