"""A short queue that is fair among those who fill it: each has its turn, and who has most waiting yields."""

from collections import deque
from collections.abc import Container
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Holds up to ``limit`` items, up to ``limit_per_key`` of one key."""

    def __init__(self, limit: int, limit_per_key: int) -> None:
        self._limit = limit
        self._limit_per_key = limit_per_key
        self._items_by_key: dict[bytes, deque[T]] = {}
        """The key whose turn is next stands first."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, key: bytes, item: T) -> T | None:
        """Add an item; returns the one that has to go for want of room, which may be this one."""
        own = len(self._items_by_key.get(key, ()))
        if own >= self._limit_per_key:
            return item
        yielding = None
        if self._count >= self._limit:
            longest = max(self._items_by_key, key=lambda other: len(self._items_by_key[other]))
            if len(self._items_by_key[longest]) <= own + 1:
                return item
            yielding = self._items_by_key[longest].pop()
            self._count -= 1
        self._items_by_key.setdefault(key, deque()).append(item)
        self._count += 1
        return yielding

    def pop(self, but: Container[bytes] = ()) -> T | None:
        """Take out the oldest item of the key whose turn it is, but of none of these; None if there is nothing."""
        key = next((key for key in self._items_by_key if key not in but), None)
        if key is None:
            return None
        items = self._items_by_key[key]
        item = items.popleft()
        self._count -= 1
        del self._items_by_key[key]
        if items:
            self._items_by_key[key] = items  # its next turn comes after everybody else's
        return item

    def discard(self, key: bytes, item: T) -> None:
        """Take an item out that nobody waits for any more; nothing happens if it isn't there."""
        items = self._items_by_key.get(key, deque())
        if item in items:
            items.remove(item)
            self._count -= 1
            if not items:
                del self._items_by_key[key]

    def clear(self) -> None:
        """Take everything out."""
        self._items_by_key.clear()
        self._count = 0
