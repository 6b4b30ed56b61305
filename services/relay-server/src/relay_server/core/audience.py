"""Who hears what is said. How it reaches them is the business of `net`: nothing here knows a layout or a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from chatproto import Notice
from relay_server.core.endpoint import Address
from relay_server.core.reachability import Challenges, Failures, SentLog


@dataclass(slots=True, eq=False, kw_only=True)
class Listener:
    """A member, or a client of the lobby, as somebody who may be reached."""

    address: Address | None = None
    """Of the newest accepted datagram; None until there is one."""
    seen_at: float = 0.0
    failures: Failures | None = None
    challenges: Challenges | None = None
    paused: bool = False
    """It gets nothing but challenges, for it provably can't be reached (EVI-08)."""
    json_notices: bool = False
    """It reads notices as JSON objects (FEAT-03)."""


@dataclass(slots=True, eq=False)
class Audience:
    """All who listen in a place at a time, and where.

    It never changes: when somebody comes, moves or goes, there is another one. So what goes to the same audience goes
    the same way.
    """

    addresses: Mapping[Any, Address]
    """By `Listener`."""
    group: Any = field(default=None, repr=False)
    """The `Group` that they are of, if it matters in which order it hears what is said."""
    route: Any = field(default=None, repr=False)
    """What `net` worked out to send there; the core never looks at it."""


class Log(Protocol):
    """Remembers what was sent, to check an ICMP error's quotation against."""

    def remember(self, payload: bytes) -> None:
        """Note the bytes of a datagram that is about to be sent."""
        ...


class Outgoing(NamedTuple):
    """Something that the relay itself says."""

    notice: Notice
    audience: Audience
    but: Listener | None = None
    """Whoever of the audience doesn't get it."""
    log: Log | None = None
    """Is to be told the bytes that the notice was sent as."""


Forward: TypeAlias = tuple[Audience, Listener, bytes]
"""An audience, a sender and a payload: everybody in the audience but the sender gets the payload.

A bare tuple: a named one takes longer to make than the rest of a decision.
"""


@dataclass(slots=True, eq=False, kw_only=True)
class Group:
    """Those who hear the same: a room's members, or the lobby's clients."""

    sent: SentLog = field(init=False, default_factory=SentLog)
    audience: Audience | None = field(init=False, default=None)
    """The one of now, if `gather` made it; None when it changed since."""
    _addresses: dict[Listener, Address] = field(init=False, default_factory=dict)

    def listen(self, listener: Listener, address: Address) -> None:
        """Send the listener's copies to this address from now on."""
        self._change()[listener] = address

    def stop_listening(self, listener: Listener) -> None:
        """Send the listener nothing any more."""
        if listener in self._addresses:
            del self._change()[listener]

    def gather(self) -> Audience:
        """Return those who listen now; it is the same object as long as nobody comes, moves or goes."""
        if self.audience is None:
            self.audience = Audience(self._addresses, self)
        return self.audience

    def gather_with(self, listener: Listener) -> Audience:
        """Return those who listen now and one more, who may be paused."""
        alone = self.audience_of(listener) if listener.paused else None
        return Audience({**self._addresses, **alone.addresses}, self) if alone else self.gather()

    def audience_of(self, listener: Listener) -> Audience | None:
        """Return a listener as an audience of one, be it paused; None if nothing can be sent to it."""
        address = listener.address if listener.paused else self._addresses.get(listener)
        return None if address is None else Audience({listener: address}, self)

    def _change(self) -> dict[Listener, Address]:
        """Return the addresses to change; those of an audience stay as they are."""
        if self.audience is not None:
            self.audience = None
            self._addresses = dict(self._addresses)
        return self._addresses
