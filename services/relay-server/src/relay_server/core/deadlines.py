"""Things that end when nobody renews them, kept in the order in which they will end."""

from collections import OrderedDict
from math import inf
from typing import Generic, Protocol, TypeVar


class Perishable(Protocol):
    """What a queue holds: it knows when it was last renewed, in monotonic seconds."""

    seen_at: float


Item = TypeVar("Item", bound=Perishable)


class DeadlineQueue(Generic[Item]):
    """Items that all live equally long since they were seen, so the front is always the next to end."""

    def __init__(self, lifetime_seconds: float) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._items: OrderedDict[Item, None] = OrderedDict()
        self.to_end = self._items.move_to_end
        """Note that an item in the queue was renewed, when its ``seen_at`` has become the present."""

    def add(self, item: Item, now: float) -> None:
        """Start an item's life, or start it again."""
        item.seen_at = now
        self._items[item] = None
        self.to_end(item)

    def discard(self, item: Item) -> None:
        """Forget an item, if it is there."""
        self._items.pop(item, None)

    def next_deadline(self) -> float:
        """Return when the first item ends; infinity if there is none."""
        for item in self._items:
            return item.seen_at + self._lifetime_seconds
        return inf

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time is over."""
        if self.next_deadline() > now:
            return None
        return self._items.popitem(last=False)[0]
