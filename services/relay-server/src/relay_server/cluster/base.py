"""The directory of a cluster: few small values by key, with revisions, and a bus on which nodes talk (CLU-01)."""

from dataclasses import dataclass
from typing import Final, Protocol

ANSWER_SECONDS: Final = 0.5
"""So long a call waits for an answer."""
DELETED_SECONDS: Final = 3600
"""So long the directory remembers at least that a key was deleted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the directory holds under a key."""

    revision: int
    """Of all that was ever written, newer writes have greater numbers."""
    value: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """A write that took place."""

    key: str
    revision: int
    value: bytes | None
    """None if the key was deleted."""


class DirectoryError(Exception):
    """A call came to nothing."""


class TakenError(DirectoryError):
    """The key is there already."""


class StaleError(DirectoryError):
    """The key was written since, so its revision is another one."""


class AwayError(DirectoryError):
    """The directory isn't reached, or didn't answer in time: whether a write took place isn't known."""


class GoneError(DirectoryError):
    """The node asked isn't on the bus."""


class SilentError(DirectoryError):
    """The node asked is on the bus, and didn't answer in time."""


class Listener(Protocol):
    """What a node does about what its directory tells it; nothing here may raise."""

    def on_listing(self) -> None:
        """Take note that the directory is reached, and that all its entries come next."""
        ...

    def on_change(self, change: Change) -> None:
        """Take an entry of the listing, or later a write."""
        ...

    def on_caught_up(self) -> None:
        """Take note that the listing is complete: a key that wasn't in it isn't there."""
        ...

    def on_away(self) -> None:
        """Take note that the directory isn't reached any more."""
        ...

    def on_beat(self, data: bytes) -> None:
        """Take what a node said to all; its own words come back to it too."""
        ...

    def on_ask(self, data: bytes) -> bytes:
        """Answer another node."""
        ...


class Directory(Protocol):
    """One node's access to the directory. It never looks into values: who writes seals them."""

    @property
    def is_connected(self) -> bool:
        """Whether calls have a chance; without, they raise an AwayError at once."""
        ...

    async def start(self, node: str, listener: Listener) -> None:
        """Connect in the background, over and over again, and tell the listener; never raises for an absent server."""
        ...

    async def close(self) -> None:
        """Let go of the directory; the listener is told nothing more."""
        ...

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that isn't there; returns its revision.

        Raises:
            TakenError: it is there.
            AwayError: the directory isn't reached.

        """
        ...

    async def put(self, key: str, value: bytes, revision: int) -> int:
        """Write a key whose newest revision is this one; returns its new revision.

        Raises:
            StaleError: it has another one.
            AwayError: the directory isn't reached.

        """
        ...

    async def get(self, key: str) -> Found | None:
        """Read a key as it is now; None if it isn't there.

        Raises:
            AwayError: the directory isn't reached.

        """
        ...

    async def delete(self, key: str, revision: int) -> None:
        """Delete a key whose newest revision is this one.

        Raises:
            StaleError: it has another one.
            AwayError: the directory isn't reached.

        """
        ...

    async def ask(self, node: str, data: bytes) -> bytes:
        """Ask a node over the bus; returns its answer.

        Raises:
            GoneError: it isn't on the bus.
            SilentError: it doesn't answer.
            AwayError: the directory isn't reached.

        """
        ...

    async def beat(self, data: bytes) -> None:
        """Tell all nodes something, which isn't kept; in silence if the directory isn't reached."""
        ...
