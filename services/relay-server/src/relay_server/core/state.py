"""What outlives a relay's process: rooms, members and the lobby, as lines that another process reads.

Each line is one JSON object with one key, which tells what the line is about. A line about something that was told of
before replaces what was told, so lines only have to be in the order of time. Times are ages in seconds, counted from
the `Clock` line before them: another process, or another boot, has another monotonic clock.

Tokens, tickets and password hashes stand in these lines: who reads them can speak for every member.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from chatproto import BadNameError, check_room_name, check_user_name
from chatproto.constants import MAX_TOKEN_BYTES
from relay_server.core.kept import Abroad, Ban

FORMAT: Final = 1
READABLE: Final = frozenset({1})
"""The formats that this program reads: its own and the one before."""
MAX_KEYS: Final = 3
"""No name has more (see `names.name_keys`)."""
MAX_KEY_CHARACTERS: Final = 16_384
"""No key is longer: a name has up to 512 characters after NFKC, and none of them looks like more than 18."""
MAX_NUMBER: Final = 2**32 - 1
"""A member's greatest number for a message (RCP-01)."""

_saved: Final = with_config(
    ConfigDict(strict=True, extra="forbid", ser_json_bytes="hex", val_json_bytes="hex", allow_inf_nan=False)
)
Age: TypeAlias = Annotated[float, Field(gt=-1e10, lt=1e10)]
"""Seconds since something was; less than 0 if it will be."""
Ip: TypeAlias = Annotated[bytes, Field(min_length=16, max_length=16)]
Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
Key: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARACTERS)]
Number: TypeAlias = Annotated[int, Field(ge=1, le=MAX_NUMBER)]


class Moment(NamedTuple):
    """A time by two clocks."""

    now: float
    """Monotonic, in seconds."""
    at: float
    """In seconds since 1970."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file or a hand-over begins with."""

    format: int
    formats: tuple[int, ...]
    """Those that the program reads that wrote this."""
    version: str
    """The program's."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When the lines after this one were written."""

    at: Age
    """In seconds since 1970."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAddress:
    """An address of UDP, taken apart (see `endpoint.Endpoint`)."""

    ip: Ip
    port: Annotated[int, Field(ge=1, le=65_535)]
    scope: Annotated[int, Field(ge=0, lt=2**32)] = 0
    local_ip: Ip | None = None


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedResidence:
    """What a room of a cluster is known by (see `model.Residence`)."""

    first_seat: Count
    seats: Count
    term: Count = 1
    changes: Count = 0
    host_seat: Count = 0
    kicked: tuple[Count, ...] = ()
    password_revision: Count = 0
    took_tickets: Age | None = None
    """Since when tickets of before are good for nothing; None if they never were good."""
    since: Age = 0.0
    """When the node was started that held the room, in seconds since 1970: so its record in the directory says."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRoom:
    """A room without its members."""

    room: bytes
    network: Annotated[bytes, Field(min_length=8, max_length=16)]
    created: Age
    host: str | None
    host_was: tuple[str, Ip]
    password_hash: str | None = field(default=None, repr=False)
    sealed: bool = False
    topic: str = ""
    bans: tuple[Ban, ...] = ()
    mutes: tuple[tuple[Key, ...], ...] = ()
    """The keys of each muted name."""
    hostless: Age | None = None
    """Since when it outlives its host; None if it has one, or never had one here."""
    waits: Age | None = None
    """Since when its members may come back from another node; None if they don't."""
    residence: SavedResidence | None = None


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class RoomGone:
    """A room ended, and with it everybody in it."""

    room: bytes


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTicket:
    """What takes a seat again: any text that a client was given (see `model.Ticket`)."""

    text: Annotated[str, Field(min_length=1)] = field(repr=False)
    encrypted: bool


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlace:
    """A session's place in its room's numbering (see `model.StreamPlace`)."""

    heard: Count
    has_read: bool = False
    knows_other_epoch: bool = False
    is_used: bool = False
    encrypted: bool = False
    away: Age | None = None
    """Since when it has no connection; None if it has one."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """What proves and reaches a member (see `model.Session`); that it is paused isn't told: it is found out again."""

    token: Annotated[bytes, Field(min_length=1, max_length=MAX_TOKEN_BYTES)] = field(repr=False)
    ip: Ip
    seen: Age
    address: SavedAddress | None = None
    json_notices: bool = False
    receipts: bool = False
    """Whether its numbers are remembered, see `SavedMember.said`."""
    ticket: SavedTicket | None = None
    proved: Age | None = None
    """None if it chats over a stream."""
    kept: Age | None = None
    """Since when it waits for who asks again; None if it doesn't (RES-02)."""
    place: SavedPlace | None = None
    abroad: Abroad | None = None


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNumbers:
    """Which numbers were said (see `receipts.SaidNumbers`)."""

    window: Annotated[int, Field(ge=1, le=2**16)]
    runs: tuple[tuple[Number, Number], ...] = ()
    """The first and the last of each row without a gap."""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMember:
    """A member with its session, or with two: the newer one is the last. It is where the first one was granted to."""

    room: bytes
    name: str
    keys: Annotated[tuple[Key, ...], Field(min_length=1, max_length=MAX_KEYS)]
    ip: Ip
    joined: Age
    sessions: Annotated[tuple[SavedSession, ...], Field(min_length=1, max_length=2)]
    announced: bool = True
    said: SavedNumbers | None = None
    """Of all its sessions that get receipts."""
    seat: Count = 0


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberGone:
    """A member isn't in its room any more."""

    room: bytes
    name: str


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLobbyClient:
    """Somebody in the lobby."""

    name: bytes
    address: SavedAddress
    seen: Age


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyClientGone:
    """Somebody isn't in the lobby any more; of the address only the peer's side counts."""

    address: SavedAddress


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedEntry:
    """An entry of a ring (see `ring.Entry`)."""

    line: str
    is_message: bool
    owner: str | None = None
    """The name of a member who still is in the room."""
    own: str = ""


@_saved
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRing:
    """Consecutive entries of a room's numbering; they continue it, or begin it anew."""

    room: bytes
    epoch: Annotated[str, Field(min_length=1)]
    """What the numbering is called."""
    after: Count = 0
    """The number before the first of these entries."""
    entries: tuple[SavedEntry, ...] = ()


Item: TypeAlias = (
    Header | Clock | SavedRoom | RoomGone | SavedMember | MemberGone | SavedLobbyClient | LobbyClientGone | SavedRing
)

_KINDS: Final[dict[bytes, type[Any]]] = {
    b"header": Header,
    b"clock": Clock,
    b"room": SavedRoom,
    b"room_gone": RoomGone,
    b"member": SavedMember,
    b"member_gone": MemberGone,
    b"lobby_client": SavedLobbyClient,
    b"lobby_client_gone": LobbyClientGone,
    b"ring": SavedRing,
}
_ADAPTERS: Final[dict[bytes, TypeAdapter[Any]]] = {kind: TypeAdapter(its_type) for kind, its_type in _KINDS.items()}
_BY_TYPE: Final = {its_type: (b'{"%b":' % kind, _ADAPTERS[kind]) for kind, its_type in _KINDS.items()}
_LINE: Final = re.compile(rb'\{"([a-z_]+)":(\{.*\})\}\n?')


class StateError(Exception):
    """A state can't be read; ``str()`` is a clause that says why, for a sentence of the caller's."""


def encode_line(item: Item) -> bytes:
    """Write an item as a line of JSON, with its end; bytes are hexadecimal."""
    head, adapter = _BY_TYPE[type(item)]
    return b"%b%b}\n" % (head, adapter.dump_json(item, exclude_defaults=True))


def decode_line(line: bytes) -> Item:
    """Read a line.

    Raises:
        StateError: it isn't what `encode_line` writes.

    """
    parts = _LINE.fullmatch(line)
    adapter = _ADAPTERS.get(parts[1]) if parts else None
    if parts is None or adapter is None:
        raise StateError("it has a line that is none of this format")
    try:
        item: Item = adapter.validate_json(parts[2])
        _check(item)
    except (ValueError, BadNameError):
        raise StateError(f"it has a malformed line about a {parts[1].decode()}") from None
    return item


def check_format(header: Item) -> Header:
    """Check that this program reads what begins with this, and return it.

    Raises:
        StateError: it doesn't.

    """
    if not isinstance(header, Header):
        raise StateError("it doesn't begin with a header")
    if header.format not in READABLE:
        formats = " and ".join(map(str, sorted(READABLE)))
        raise StateError(f"it has format {header.format}, and this program reads {formats}")
    return header


def _check(item: Item) -> None:
    """Check what no single field tells."""
    if isinstance(item, SavedMember):
        check_user_name(item.name.encode())
        _check_keys(item.keys)
        _check_runs(item.said)
        if item.ip != item.sessions[0].ip:
            raise ValueError
    elif isinstance(item, SavedRoom):
        check_room_name(item.room)
        networks = {len(item.network)} | {len(ban.network) for ban in item.bans if ban.network is not None}
        if not networks <= {8, 16} or not all(ban.keys for ban in item.bans):
            raise ValueError
        _check_keys(tuple(key for keys in item.mutes for key in keys))


def _check_keys(keys: tuple[str, ...]) -> None:
    if len(set(keys)) < len(keys):
        raise ValueError


def _check_runs(said: SavedNumbers | None) -> None:
    """Check that the numbers grow, and that there are no more than are remembered."""
    if said is None:
        return
    ends = [number for run in said.runs for number in run]
    gaps = [first - last for (_, last), (first, _) in zip(said.runs, said.runs[1:], strict=False)]
    total = sum(last - first + 1 for first, last in said.runs)
    if ends != sorted(ends) or min(gaps, default=2) < 2 or total > said.window:
        raise ValueError
