"""What the core wants of whoever owns sockets; each toolkit has its own."""

from collections.abc import Callable
from typing import Protocol

from chatbrain import Brain, Event, Presented, ServerAddress, Tls, UnreachableError

Look = Presented | UnreachableError
"""The certificate that a relay shows, or why none was to be seen."""


class Link(Protocol):
    """The sockets of one membership: they carry out its brain's actions."""

    def pump(self) -> None:
        """Carry out what the brain wants, hand over its events, set the timer; to be called after each input."""
        ...

    def close(self) -> None:
        """End everything that is open, at once; what was sent before still goes out."""
        ...


class Looking(Protocol):
    """A look at a certificate that isn't done yet."""

    def cancel(self) -> None:
        """Give it up; nothing is told any more."""
        ...


class Links(Protocol):
    """Where links come from."""

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""
        ...

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> Link:
        """Make a brain's link and start the brain; events may come before this returns.

        Raises:
            ValueError: the file of authorities in ``tls`` can't be used.

        """
        ...

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> Looking:
        """Look at a relay's certificate without sending it anything; the answer never comes before this returns."""
        ...


class TrustStore(Protocol):
    """Which certificate each relay is trusted by; both methods may raise `KnownServersError`."""

    @property
    def place(self) -> str:
        """Where a person finds what is written down; harmless to show."""
        ...

    def find(self, server: str) -> str | None:
        """Return a relay's fingerprint; None if it isn't known."""
        ...

    def remember(self, server: str, fingerprint: str) -> None:
        """Trust a relay by this fingerprint from now on."""
        ...
