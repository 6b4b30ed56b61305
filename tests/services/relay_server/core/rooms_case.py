"""Rooms with people in them, on a clock of floats."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from chatproto import encode_datagram, encode_notice
from relay_server.core.address import network_of, parse_ip
from relay_server.core.audience import Audience, Forward, Listener, Outgoing
from relay_server.core.commands import Commands, NewPassword
from relay_server.core.counters import DropReason
from relay_server.core.judge import Judge
from relay_server.core.model import Member
from relay_server.core.moderation import Moderation
from relay_server.core.registry import Registry
from relay_server.core.relay import Relay
from relay_server.net.address import UdpAddress, locate, make_address
from relay_server.net.udp import Encoder
from services.relay_server.core.policies import unlimited

if TYPE_CHECKING:
    from relay_server.core.events import Event

Said = tuple[str, list[UdpAddress]]
"""What was said, and to which addresses, sorted."""
Heard = tuple[bytes, list[UdpAddress]]
"""A payload, and to which addresses it goes, sorted."""
NOTHING_SAID: Heard = (b"", [])


def at(ip: str = "10.0.0.1", port: int = 5000) -> UdpAddress:
    """Build an address."""
    return make_address(parse_ip(ip), port)


def home(member: Member, port: int = 5000) -> UdpAddress:
    """Return where a member speaks from."""
    return make_address(member.ip, port)


def new_nonces() -> Callable[[], str]:
    """Return a function that makes nonces: 1, 2, 3..."""
    numbers = count(1)
    return lambda: f"{next(numbers):016x}"


def delivered(result: Forward | DropReason | None) -> Heard | DropReason:
    """Tell who gets what of a decision about a datagram."""
    if result is None:
        return NOTHING_SAID
    if isinstance(result, DropReason):
        return result
    audience, sender, payload = result
    return payload, addresses_but(audience, sender)


def addresses_but(audience: Audience, listener: Listener | None) -> list[UdpAddress]:
    """Return where an audience listens, without one of it."""
    return sorted(cast("UdpAddress", address) for one, address in audience.addresses.items() if one is not listener)


def address_of(member: Member) -> UdpAddress | None:
    """Return where a member's notices go; None if nowhere."""
    audience = member.room.audience_of(member.session)
    return cast("UdpAddress", audience.addresses[member.session]) if audience else None


def take_out(outbox: list[Outgoing], encode: Encoder = encode_notice) -> list[Heard]:
    """Take all out of an outbox as a port does: write each notice, and tell its log the bytes."""
    heard = []
    for notice, audience, but, log in outbox:
        others = [one for one in audience.addresses if one is not but]
        for form in (False, True):
            if addresses := sorted(
                cast("UdpAddress", audience.addresses[one]) for one in others if one.json_notices is form
            ):
                payload = encode(notice, json=form)
                if log is not None:
                    log.remember(payload)
                heard.append((payload, addresses))
    outbox.clear()
    return heard


def relayed(result: Heard | DropReason) -> Said:
    """Take apart what is forwarded."""
    assert isinstance(result, tuple), result
    payload, addresses = result
    return payload.decode(), addresses


class NoConnection:
    """What a reader's lines go to, where nobody reads them."""

    def wake(self) -> None:
        """Take note of nothing."""

    pump = wake


class Case:
    """A registry with its relay; everybody has an IP of their own unless told otherwise."""

    def __init__(self, *, moderation: bool = True, **policy: Any) -> None:
        self.events: list[Event] = []
        self.policy = unlimited(**policy)
        self.registry = Registry(self.policy, self.events.append, new_nonces(), locate)
        self.moderation = Moderation(self.registry)
        self.to_hash: list[NewPassword] = []
        self.commands = Commands(self.registry, self.moderation, self.events.append, hash_aside=self.to_hash.append)
        self.judge = Judge(self.registry, self.policy, self.commands if moderation else None)
        self.relay = Relay(self.registry, self.policy, self.judge)
        self.tokens: dict[Member, bytes] = {}
        """Of everybody who ever came in."""
        self._numbers = count(1)
        self._hosts = count(1)

    def create(
        self,
        name: str = "ann",
        room: str = "demo",
        *,
        ip: str | None = None,
        now: float = 0.0,
        json_notices: bool = False,
        **more: Any,
    ) -> Member:
        """Create a room; the host hasn't spoken yet."""
        place = parse_ip(ip or self._new_ip())
        return self._enter(self.registry.create_room, room, name, place, now, json_notices=json_notices, **more)

    def join(
        self,
        name: str = "bob",
        room: str = "demo",
        *,
        ip: str | None = None,
        now: float = 0.0,
        json_notices: bool = False,
        **more: Any,
    ) -> Member:
        """Join a room; the member hasn't spoken yet."""
        place = parse_ip(ip or self._new_ip())
        return self._enter(self.registry.join_room, room, name, place, now, json_notices=json_notices, **more)

    def say(
        self, member: Member, message: str | bytes = b"", now: float = 0.0, source: UdpAddress | None = None
    ) -> Heard | DropReason:
        """Send a member's message from its home, or from ``source``; returns who gets what."""
        raw = message.encode() if isinstance(message, str) else message
        data = encode_datagram(member.room.raw_name, self.tokens[member], raw)
        return delivered(self.relay.handle_datagram(data, source or home(member), now))

    def trio(self, now: float = 0.0) -> tuple[Member, Member, Member]:
        """Put ann (the host), bob and eve in a room, all of whom have spoken; nothing waits to be said."""
        members = self.create("ann", now=now), self.join("bob", now=now), self.join("eve", now=now)
        for member in members:
            self.say(member, b"", now)
        self.said()
        self.events.clear()
        return members

    def said(self) -> list[Said]:
        """Take out what the relay says by itself."""
        return [(payload.decode(), addresses) for payload, addresses in take_out(self.registry.outbox)]

    def knows(self, member: Member) -> bool:
        """Tell whether the member's token is alive."""
        return any(session.member is member for session in self.registry.sessions_by_token.values())

    def assert_all_is_counted(self) -> None:
        """Check CON-01, and that no trace is left of who is gone."""
        counters = self.registry.counters
        assert counters.received == counters.accepted + counters.carried + sum(counters.dropped.values())
        members = {member for room in self.registry.rooms.values() for member in room.members}
        successors = set(self.registry.seats._successors.values())
        sessions = {member.session for member in members} | successors
        assert all(member.session.member is member for member in members)
        assert set(self.registry.sessions_by_token.values()) == sessions
        assert set(self.registry.sessions_by_header.values()) == {
            one for one in sessions if not one.paused and one.place is None
        }
        assert set(self.registry.sessions_by_remote) <= sessions
        assert all(member.muted == member.room.mutes_name(member.keys) for member in members)
        admission = self.registry.admission
        for census, true in ((admission.members, len(members)), (admission.rooms, len(self.registry.rooms))):
            assert census.total == true
        moving = sum(network_of(session.ip) != network_of(session.member.ip) for session in successors)
        assert sum(admission.members.by_network.values()) == len(members) + moving
        assert sum(admission.rooms.by_network.values()) == len(self.registry.rooms)

    def new_token(self) -> bytes:
        """Make a token: 1, 2, 3..."""
        return b"token-%d" % next(self._numbers)

    def _enter(
        self, enter: Callable[..., Member], room: str, name: str, *rest: Any, json_notices: bool, **more: Any
    ) -> Member:
        token = self.new_token()
        member = enter(room.encode(), name, token, *rest, **more)
        member.session.json_notices = json_notices
        self.tokens[member] = token
        return member

    def _new_ip(self) -> str:
        number = next(self._hosts)
        return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
