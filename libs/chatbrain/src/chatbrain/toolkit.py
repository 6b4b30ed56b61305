"""What the driver wants of whoever owns a clock and sockets: chatclient, and the tests in memory.

All is called and calls back in the event loop's thread. An address is the toolkit's own business: it is numeric,
without a port, and only handed back. What is cancelled or closed calls back no more, and may be so twice.
"""

from collections.abc import Callable
from typing import Any, Protocol

from chatbrain.findings import Finding


class Cancellable(Protocol):
    """Something that will call back."""

    def cancel(self) -> None:
        """Call back no more."""


class Wire(Protocol):
    """A TCP connection to one address, from the attempt to open it to its end."""

    @property
    def local(self) -> Any:
        """The address at this end, once it is open."""

    @property
    def local_text(self) -> str:
        """The same, as people write it."""

    def start(self) -> None:
        """Begin to connect; this may call back at once."""

    def write(self, data: bytes) -> None:
        """Send bytes in order; what the system doesn't take at once waits."""

    def close(self) -> None:
        """Close it; what the system has taken still goes out."""


class Port(Protocol):
    """A UDP port that speaks with one address."""

    def send(self, data: bytes) -> None:
        """Send a datagram; it is lost if the system has no room for it.

        Raises:
            OSError: it can't be sent.

        """

    def close(self) -> None:
        """Close it."""


class Toolkit(Protocol):
    """An event loop and its sockets."""

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""

    @property
    def boot_time(self) -> float:
        """Seconds of a clock that goes on while the machine sleeps, which the monotonic one may not."""

    def call_at(self, when: float, then: Callable[[], None]) -> Cancellable:
        """Call back once at a time, or a little before; never before this returns."""

    def look_up(self, host: str, then: Callable[[list[Any] | Finding], None]) -> Cancellable:
        """Find out a host's addresses, or why there are none; this may call back at once."""

    def make_wire(
        self,
        address: Any,
        port: int,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[Finding], None],
    ) -> Wire:
        """Make what connects to an address; ``on_end`` is told why it couldn't, or how it ended, and is the last."""

    def make_port(
        self,
        local: Any | None,
        remote: Any,
        port: int,
        on_data: Callable[[bytes], None],
        on_error: Callable[[], None],
    ) -> Port:
        """Speak from a new local port, of the address ``local`` if given, to a port of ``remote``.

        Datagrams longer than any legal one (UDP-05) and those of others are kept away; ``on_error`` is told when one
        came back as undeliverable (ICMP).

        Raises:
            OSError: the system refuses.

        """


class Secure(Protocol):
    """The client's end of one TLS connection, without I/O (TCP-12)."""

    @property
    def proven(self) -> bool:
        """Whether the relay is the one that is meant; until then nothing may be written."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the wire, none to begin with; returns bytes of the stream.

        Raises:
            UntrustedError: the relay isn't the one that is meant.
            TlsFailedError: there is no TLS with it.

        """

    def write(self, data: bytes) -> None:
        """Take bytes of the stream to be sent."""

    def end(self) -> None:
        """Say that no more is sent."""

    def take(self) -> bytes:
        """Return and forget the bytes of the wire that are to be sent."""
