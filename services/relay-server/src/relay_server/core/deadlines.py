"""Things that end when nobody renews them, kept in the order in which they will end."""

from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from typing import Generic, Protocol, TypeVar


class Perishable(Protocol):
    """What a queue holds: it knows when it was last renewed, in monotonic seconds."""

    seen_at: float


Item = TypeVar("Item", bound=Perishable)

_SPARE_ENTRIES = 64


class DeadlineQueue(Generic[Item]):
    """Items that live for so long since they were seen; setting ``seen_at`` to the present renews one.

    A heap holds each item's deadline as it was when last looked at. Renewing, which every datagram does, so
    costs nothing here: an item that comes to the front too early goes back with its true deadline.
    """

    def __init__(self, lifetime_seconds: float) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._items: set[Item] = set()
        self._heap: list[tuple[float, int, Item]] = []
        self._added = 0

    def add(self, item: Item, now: float) -> None:
        """Start an item's life, or start it again."""
        item.seen_at = now
        if item not in self._items:
            self._items.add(item)
            self._added += 1  # tells entries with the same deadline apart
            heappush(self._heap, (now + self._lifetime_seconds, self._added, item))

    def discard(self, item: Item) -> None:
        """Forget an item, if it is there."""
        self._items.discard(item)
        if len(self._heap) > 2 * len(self._items) + _SPARE_ENTRIES:  # mostly entries of forgotten items
            self._heap = [
                (item.seen_at + self._lifetime_seconds, order, item) for order, item in enumerate(self._items)
            ]
            self._added = len(self._heap)
            heapify(self._heap)

    def next_deadline(self) -> float:
        """Return when the first item ends; infinity if there is none."""
        heap = self._heap
        while heap:
            deadline, order, item = heap[0]
            renewed = item.seen_at + self._lifetime_seconds
            if item not in self._items:
                heappop(heap)
            elif renewed > deadline:
                heapreplace(heap, (renewed, order, item))
            else:
                return deadline
        return inf

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time is over."""
        if self.next_deadline() > now:
            return None
        item = heappop(self._heap)[2]
        self._items.remove(item)
        return item
