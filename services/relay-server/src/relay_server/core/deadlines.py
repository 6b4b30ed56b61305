"""Things that end when nobody renews them, kept in the order in which they will end."""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class DeadlineQueue(Generic[Item]):
    """Items that all live equally long since their last renewal, so the front is always the next to end."""

    def __init__(self, lifetime_seconds: float) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._renewed_at: OrderedDict[Item, float] = OrderedDict()

    def __contains__(self, item: Item) -> bool:
        return item in self._renewed_at

    def renew(self, item: Item, now: float) -> None:
        """Start the item's life, or start it again."""
        self._renewed_at[item] = now
        self._renewed_at.move_to_end(item)

    def discard(self, item: Item) -> None:
        """Forget an item, if it is there."""
        self._renewed_at.pop(item, None)

    def next_deadline(self) -> float:
        """Return when the first item ends; infinity if there is none."""
        for renewed_at in self._renewed_at.values():
            return renewed_at + self._lifetime_seconds
        return inf

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time is over."""
        if self.next_deadline() > now:
            return None
        return self._renewed_at.popitem(last=False)[0]
