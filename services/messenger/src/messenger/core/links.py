"""What the core wants of whoever owns sockets; each toolkit has its own."""

from collections.abc import Callable
from typing import Protocol

from chatbrain import Brain, Cancellable, Driver, Event, Look, ServerAddress, Tls


class Links(Protocol):
    """Where links come from."""

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""
        ...

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> Driver:
        """Make a brain's driver and set it going; events may come before this returns.

        Raises:
            ValueError: the file of authorities in ``tls`` can't be used.

        """
        ...

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> Cancellable:
        """Look at a relay's certificate without sending it anything; the answer never comes before this returns."""
        ...
