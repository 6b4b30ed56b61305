"""An input taken apart bite by bite: how a few random bytes become choices, texts and times."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Final, TypeVar

T = TypeVar("T")

_LONG: Final = 255
"""As a piece's size it says that the true size follows in two bytes."""
_MAX_CUTS: Final = 64


class Bites:
    """Bytes to choose by. Every input means something: where it ends, zeros and nothing follow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """Take one byte as a number."""
        taken = self._take(1)
        return taken[0] if taken else 0

    def pick(self, options: Sequence[T]) -> T:
        """Choose one of up to 256 options; the first of them where the input has ended."""
        return options[self.byte() % len(options)]

    def piece(self) -> bytes:
        """Take a size, one byte or three, and so many bytes."""
        size = self.byte()
        return self._take(size if size < _LONG else int.from_bytes(self._take(2), "big"))

    def rest(self) -> bytes:
        """Take all that is left."""
        return self._take(len(self._data))

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken


def piece(data: bytes) -> bytes:
    """Write what `Bites.piece` reads: for seeds."""
    return (bytes((len(data),)) if len(data) < _LONG else b"\xff" + len(data).to_bytes(2, "big")) + data


def split(stream: bytes, sizes: bytes) -> Iterator[bytes]:
    """Cut a stream into pieces of these sizes, again and again from the first, or into bytes; the 65th is the rest."""
    at = 0
    for size in islice(cycle(sizes or b"\1"), _MAX_CUTS):
        if at >= len(stream):
            return
        yield stream[at : at + max(size, 1)]
        at += max(size, 1)
    if at < len(stream):
        yield stream[at:]
