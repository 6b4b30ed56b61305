"""Things that end when nobody renews them, kept in the order in which they will end."""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from math import inf
from operator import itemgetter
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SPARE_ENTRIES = 64


class DeadlineQueue(Generic[Item]):
    """Items that live for so long since they were added.

    Or since they were seen, if that renews them, too: ``seen_at`` tells when that was, in monotonic seconds.
    Nearly all are added in the order of their time, so they wait in line, which takes little memory. A heap holds the
    others, and those that were renewed when they came to the front, each with its deadline as it was when last looked
    at. Being seen, as with every datagram, so costs nothing here: an item that comes to the front too early goes into
    the heap with its true deadline.
    """

    def __init__(self, lifetime_seconds: float, seen_at: Callable[[Item], float] | None = None) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._added_at: dict[Item, float] = {}
        self._seen_at = seen_at or self._added_at.__getitem__
        self._line: deque[Item] = deque()
        self._line_times: deque[float] = deque()
        """When each item in the line was added; the same objects as in `_added_at`."""
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
            if self._line_times and now < self._line_times[-1]:
                self._push(item, now + self._lifetime_seconds)
            else:
                self._line.append(item)
                self._line_times.append(now)
        self._added_at[item] = now

    def discard(self, item: Item) -> None:
        """Forget an item, if it is there."""
        self._added_at.pop(item, None)
        if len(self._heap) + len(self._line) > 2 * len(self._added_at) + _SPARE_ENTRIES:  # mostly forgotten items
            self._heap = []
            in_order = sorted(self._added_at.items(), key=itemgetter(1))
            self._line, self._line_times = deque(item for item, _ in in_order), deque(time for _, time in in_order)

    def age(self, item: Item, now: float) -> float | None:
        """Return how long ago an item was added last; None if it isn't there."""
        added_at = self._added_at.get(item)
        return None if added_at is None else now - added_at

    def next_deadline(self) -> float:
        """Return when the first item ends; infinity if there is none."""
        return min(self._next_in_line(), self._next_in_heap())

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time is over."""
        in_line, in_heap = self._next_in_line(), self._next_in_heap()
        if min(in_line, in_heap) > now:
            return None
        item = self._pop_line() if in_line <= in_heap else heappop(self._heap)[2]
        del self._added_at[item]
        return item

    def _next_in_line(self) -> float:
        while self._line:
            item, deadline = self._line[0], self._line_times[0] + self._lifetime_seconds
            if item in self._added_at:
                if (renewed := self._deadline_of(item)) <= deadline:
                    return deadline
                self._push(item, renewed)
            self._pop_line()
        return inf

    def _next_in_heap(self) -> float:
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

    def _pop_line(self) -> Item:
        self._line_times.popleft()
        return self._line.popleft()

    def _push(self, item: Item, deadline: float) -> None:
        self._pushed += 1  # tells entries with the same deadline apart
        heappush(self._heap, (deadline, self._pushed, item))

    def _deadline_of(self, item: Item) -> float:
        return self._seen_at(item) + self._lifetime_seconds
