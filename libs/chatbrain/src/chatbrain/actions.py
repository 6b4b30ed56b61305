"""What a brain wants done; whoever owns the sockets carries it out, in order."""

from dataclasses import dataclass

from chatbrain.address import ServerAddress


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Open a TCP connection to the relay; answer with ``connected`` or ``stream_closed``.

    Datagrams go to the host that it reaches.
    """

    server: ServerAddress | None = None
    """Where that is; None: the configured server."""
    fingerprint: str = ""
    """The SHA-256 of the only certificate that is taken there; empty: what was configured decides."""
    hasty: bool = False
    """Whether to give it up soon, for there are other servers."""


@dataclass(frozen=True, slots=True)
class SendStream:
    """Write bytes to the TCP connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseStream:
    """Close the TCP connection or give up opening it; say nothing more about it."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find out the relay's addresses, which may be others than before; answer with ``resolved`` or ``unresolved``."""


@dataclass(frozen=True, slots=True)
class BindDatagram:
    """Speak UDP from a new local port; an older one is closed.

    In a room: from the TCP connection's local address to the numeric address that TCP reached.
    """

    port: int
    """The relay's UDP port."""
    address: int = 0
    """Which of the relay's addresses, where several are known (lobby only)."""
    again: bool = False
    """Between the addresses that were spoken between before, whatever TCP reached meanwhile."""


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send a datagram to the relay; it is never empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseDatagram:
    """Close the UDP port."""


Action = OpenStream | SendStream | CloseStream | LookUp | BindDatagram | SendDatagram | CloseDatagram
