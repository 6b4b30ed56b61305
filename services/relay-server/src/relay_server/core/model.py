"""Rooms and their members."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from relay_server.core.address import network_of
from relay_server.core.audience import Group, Listener
from relay_server.core.kept import Abroad, Ban
from relay_server.core.limits import AnyLimit
from relay_server.core.receipts import SaidNumbers

if TYPE_CHECKING:
    from relay_server.core.reader import Reader
    from relay_server.core.ring import Ring


class Bans:
    """All bans of a room, in the order in which they were made, found by what they are about without a search."""

    __slots__ = ("_all", "_by_key", "_by_network")

    def __init__(self) -> None:
        self._all: dict[Ban, None] = {}
        self._by_key: dict[str, dict[Ban, None]] = {}
        self._by_network: dict[bytes | None, dict[Ban, None]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def __iter__(self) -> Iterator[Ban]:
        """Go through all."""
        return iter(self._all)

    def add(self, ban: Ban) -> None:
        """Keep out whoever this ban means."""
        self._all[ban] = None
        for index, key in self._places_of(ban):
            index.setdefault(key, {})[ban] = None

    def remove(self, ban: Ban) -> None:
        """Lift a ban."""
        del self._all[ban]
        for index, key in self._places_of(ban):
            del index[key][ban]
            if not index[key]:
                del index[key]

    def cover(self, keys: Iterable[str], network: bytes) -> bool:
        """Tell whether one keeps out who has one of these keys or comes from this network."""
        return network in self._by_network or not self._by_key.keys().isdisjoint(keys)

    def include(self, ban: Ban) -> bool:
        """Tell whether one keeps out everybody whom this ban would."""
        alike = self._by_key.get(next(iter(ban.keys)), ())
        return any(ban.keys <= known.keys and ban.network in {None, known.network} for known in alike)

    def of(self, keys: Iterable[str]) -> tuple[Ban, ...]:
        """Return those with one of these keys, in their order."""
        found = {ban for key in keys for ban in self._by_key.get(key, ())}
        return tuple(found) if len(found) < 2 else tuple(ban for ban in self._all if ban in found)

    def _places_of(self, ban: Ban) -> Iterator[tuple[dict[Any, dict[Ban, None]], object]]:
        yield self._by_network, ban.network
        for key in ban.keys:
            yield self._by_key, key


NO_BANS: Final = Bans()
"""What a room has before it bans anybody, as most rooms do: it is everybody's, and stays empty."""


MAX_KICKED: Final = 256
"""So many seats that were taken away are known at other nodes: tickets are good for minutes after a home is gone."""


@dataclass(slots=True)
class Residence:
    """What a room of a cluster is known by at all nodes (CLU-03)."""

    first_seat: int
    """Seats with smaller numbers are those of an earlier room of this name."""
    seats: int
    """The greatest number of a seat so far. Numbers begin with the time at which the room got its home, so that they
    grow from home to home."""
    term: int = 1
    """How often it got a home, this one included."""
    changes: int = 0
    """How often what is kept of it changed: nothing older counts."""
    host_seat: int = 0
    """Whose seat is the host's."""
    kicked: tuple[int, ...] = ()
    """The seats that were taken away last: their tickets are good for nothing."""
    password_revision: int = 0
    """How often its password changed."""
    numbers: dict["Member", int] = field(default_factory=dict)
    """The numbers of its members' seats."""
    takes_tickets_until: float = float("-inf")
    """Until when members who were there before this was its home take their seats again."""

    def seat(self, member: "Member", number: int | None = None) -> None:
        """Give a member's seat its number, or the next one."""
        self.numbers[member] = self.seats + 1 if number is None else number
        self.seats = max(self.seats, self.numbers[member])

    def kick(self, seat: int) -> None:
        """Let the tickets of a seat be good for nothing any more."""
        self.kicked = (*self.kicked[1 - MAX_KICKED :], seat)


@dataclass(slots=True, eq=False)
class Room(Group):
    """A room: its members, and who of them hears what is said.

    Members that have an address listen, be it provisional (LEN-02).
    """

    name: str
    raw_name: bytes
    network: bytes
    """The creator's, for the cap on rooms per address."""
    host: "Member | None" = None
    """None while a room outlives its host for a grace (ROOM-06)."""
    host_was: tuple[str, bytes] = ("", b"")
    """The host's name and IP, by which it is known again."""
    password_hash: str | None = field(default=None, repr=False)
    """What proves that somebody knows the password, see `relay_server.passwords`; None for an open room."""
    created_at: float = 0.0
    sealed: bool = False
    """Its texts are for its members alone: the relay can't read them (SEAL-03)."""
    topic: str = ""
    bans: Bans = NO_BANS
    mutes: dict[str, frozenset[str]] = field(default_factory=dict)
    """All keys of each muted member's name, under each of them: it stays muted when it comes back (MOD-05).
    No two mutes share a key."""
    waits_for_hash: bool = False
    """A new password of its is being hashed (MOD-08)."""
    members_by_key: dict[str, "Member"] = field(default_factory=dict)
    """Each member under every key of its name, see `names.name_keys`."""
    members: dict["Member", "Session"] = field(default_factory=dict)
    """In the order in which they came, each with its session."""
    ring: "Ring | None" = field(default=None, repr=False)
    """What streams read; None while no member has one (STR-04)."""
    stream_sessions: int = 0
    residence: Residence | None = None
    """None for a relay that is alone."""

    def holds(self, keys: Iterable[str], ip: bytes) -> bool:
        """Tell whether one of these names' keys is a member's at this address, who may ask whether it still is one.

        It may not know a newer password (PWD-02).
        """
        members = (self.members_by_key.get(key) for key in keys)
        return any(member is not None and member.ip == ip for member in members)

    def knows_as_host(self, name: str, ip: bytes) -> bool:
        """Tell whether this is the host, come back within the grace (ROOM-06)."""
        return self.host is None and (name, ip) == self.host_was

    def shuts_out(self, name: str, keys: Iterable[str], ip: bytes, *, stays: bool = False) -> bool:
        """Tell whether somebody is banned (MOD-04); of who ``stays``, only the name counts."""
        return self.bans.cover(keys, b"" if stays else network_of(ip)) and not self.knows_as_host(name, ip)

    def mutes_name(self, keys: Iterable[str]) -> bool:
        """Tell whether who has these keys is muted (MOD-05); of a member `Member.muted` tells the same."""
        return not self.mutes.keys().isdisjoint(keys)


@dataclass(slots=True, eq=False)
class Member:
    """A person in a room: its name and keys, and what it may do there."""

    room: Room
    attribution: bytes
    """What stands before its messages: ``name: `` (UDP-05). The name is kept nowhere else."""
    keys: tuple[str, ...]
    ip: bytes
    """Where it joined or resumed from: bans and limits go by it."""
    joined_at: float = 0.0
    announced: bool = True
    """Whether the others were told that it joined (UDP-10)."""
    muted: bool = False
    """Whether its name is (MOD-05); `limit` is a `Muted` as well, once it was heard."""
    limit: AnyLimit | None = None
    told_at: float = float("-inf")
    may_ask_at: float = 0.0
    """When a list is to be had again (MOD-02)."""
    struck_at: float = float("-inf")
    strikes: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.raw_name.decode()

    @property
    def seat(self) -> int:
        """The number of its seat (see `tickets.Seat`); 0 for a relay that is alone."""
        residence = self.room.residence
        return residence.numbers.get(self, 0) if residence is not None else 0

    @property
    def raw_name(self) -> bytes:
        """Its name as bytes."""
        return self.attribution[: -len(": ")]

    @property
    def session(self) -> "Session":
        """What proves and reaches it now; only members that are in their room have one."""
        return self.room.members[self]


@dataclass(slots=True, eq=False)
class Ticket:
    """What a client shows to take its seat again (RES-01)."""

    text: str = field(repr=False)
    encrypted: bool
    """Whether nobody could overhear it on its way to the client."""
    asked_at: float = float("-inf")
    """When the seat's holder was last asked whether it is there, for somebody else claims the seat (RES-03)."""


@dataclass(slots=True, eq=False)
class Session(Listener):
    """What proves a member and reaches it: its token, its address, and whether somebody hears there.

    It may end and another one take its place, while the member stays who it is.
    """

    member: Member
    token: bytes = field(repr=False)
    header: bytes = field(repr=False)
    """What each of its datagrams begins with: both sizes, room name and token (UDP-01)."""
    header_bytes: int
    ip: bytes
    """Where it was granted to."""
    said: SaidNumbers | None = None
    """What its member said by number; None if it gets no receipts (RCP-01)."""
    ticket: Ticket | None = None
    """None if it gets none (RES-01)."""
    proved_at: float = 0.0
    """When it last showed that its address hears (EVI-07)."""
    moved_at: float = 0.0
    place: "StreamPlace | None" = None
    """None if its member chats over UDP."""
    abroad: Abroad | None = None
    """None for a relay that is alone: it takes memory of every member."""

    @property
    def turn(self) -> int:
        """How many sessions its member had before it, at all nodes; 0 for a relay that is alone."""
        return self.abroad.turn if self.abroad is not None else 0

    @property
    def source_ip(self) -> bytes:
        """Where its datagrams come from: from elsewhere they don't count (UDP-02)."""
        return self.abroad.carried_by or self.ip if self.abroad is not None else self.ip

    @property
    def reader(self) -> "Reader | None":
        """What reaches its member over a stream, if a connection stands."""
        return self.place.reader if self.place is not None else None

    @property
    def is_away(self) -> bool:
        """Whether its stream broke and may be resumed (STR-06)."""
        return self.place is not None and self.place.reader is None

    @property
    def was_heard(self) -> bool:
        """Whether its client ever spoke, so that it is sure to be there."""
        return self.address is not None or (self.place is not None and self.place.is_used)


@dataclass(slots=True, eq=False)
class StreamPlace:
    """Where a session that chats over a stream begins to read, and its connection."""

    heard: int
    """The newest number that its client has, or was told in the completion."""
    has_read: bool = False
    """Whether its client read the same numbering before, and so knows the topic."""
    knows_other_epoch: bool = False
    """Whether its client heard of another numbering, all of which is gone (STR-05)."""
    is_used: bool = False
    """Whether its client sent a line."""
    encrypted: bool = False
    """Whether its connection was granted by TLS."""
    reader: "Reader | None" = None
