"""Things that end when nobody renews them, kept in the order in which they will end."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SPARE_ENTRIES = 64


class DeadlineQueue(Generic[Item]):
    """Items that live for so long since they were added.

    Or since they were seen, if that renews them, too: ``seen_at`` tells when that was, in monotonic seconds.
    A heap holds each item's deadline as it was when last looked at. Being seen, as with every datagram, so
    costs nothing here: an item that comes to the front too early goes back with its true deadline.
    """

    def __init__(self, lifetime_seconds: float, seen_at: Callable[[Item], float] | None = None) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._added_at: dict[Item, float] = {}
        self._seen_at = seen_at or self._added_at.__getitem__
        self._heap: list[tuple[float, int, Item]] = []
        self._pushed = 0

    def __len__(self) -> int:
        """Return how many items live."""
        return len(self._added_at)

    def __contains__(self, item: Item) -> bool:
        """Tell whether an item lives."""
        return item in self._added_at

    def add(self, item: Item, now: float) -> None:
        """Start an item's life, or start it again."""
        if item not in self._added_at:
            self._pushed += 1  # tells entries with the same deadline apart
            heappush(self._heap, (now + self._lifetime_seconds, self._pushed, item))
        self._added_at[item] = now

    def discard(self, item: Item) -> None:
        """Forget an item, if it is there."""
        self._added_at.pop(item, None)
        if len(self._heap) > 2 * len(self._added_at) + _SPARE_ENTRIES:  # mostly entries of forgotten items
            self._heap = [(self._deadline_of(item), order, item) for order, item in enumerate(self._added_at)]
            self._pushed = len(self._heap)
            heapify(self._heap)

    def age(self, item: Item, now: float) -> float | None:
        """Return how long ago an item was added last; None if it isn't there."""
        added_at = self._added_at.get(item)
        return None if added_at is None else now - added_at

    def next_deadline(self) -> float:
        """Return when the first item ends; infinity if there is none."""
        heap = self._heap
        while heap:
            deadline, order, item = heap[0]
            if item not in self._added_at:
                heappop(heap)
            elif (renewed := self._deadline_of(item)) > deadline:
                heapreplace(heap, (renewed, order, item))
            else:
                return deadline
        return inf

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time is over."""
        if self.next_deadline() > now:
            return None
        item = heappop(self._heap)[2]
        del self._added_at[item]
        return item

    def _deadline_of(self, item: Item) -> float:
        return self._seen_at(item) + self._lifetime_seconds
