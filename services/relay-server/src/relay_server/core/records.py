"""What the directory of a cluster holds of a room: whatever a new home has to know, and no member (CLU-03)."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from relay_server.core.address import network_of
from relay_server.core.counters import IgnoredRecord
from relay_server.core.kept import Ban
from relay_server.core.model import NO_BANS, Bans, Residence, Room

FORMAT: Final = 1
SEATS_A_SECOND: Final = 2**20
"""Numbers of seats begin with the time, so that a new home's are greater than those of homes before it."""


def seats_at(now: float) -> int:
    """Return where a home that begins now numbers its seats from; ``now`` is in seconds since 1970."""
    return int(now * SEATS_A_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRecord:
    """A room as all nodes know it."""

    room: bytes
    home: str
    """The name of the node that holds it."""
    home_since: float
    """When that node was started, in seconds since 1970: one that is started anew has no rooms."""
    first_seat: int
    term: int
    changes: int
    host_seat: int
    host: str
    host_ip: bytes
    kicked: tuple[int, ...] = ()
    password_hash: str | None = field(default=None, repr=False)
    password_revision: int = 0
    topic: str = ""
    bans: tuple[Ban, ...] = ()
    mutes: tuple[frozenset[str], ...] = ()
    """The keys of each muted name."""
    sealed: bool = False
    ring: tuple[str, int] | None = None
    """Epoch and newest number of its ring, if its home gives it to another node and all was read (CLU-05)."""


class RecordError(Exception):
    """A record can't be read; ``reason`` says why."""

    def __init__(self, reason: IgnoredRecord) -> None:
        super().__init__(reason.value)
        self.reason = reason


def encode_record(record: RoomRecord) -> bytes:
    """Write a record as JSON, with its format; bytes are hexadecimal."""
    return _SHEETS.dump_json(_Sheet(FORMAT, record))


def decode_record(data: bytes) -> RoomRecord:
    """Read a record.

    Raises:
        RecordError: it has another format, or isn't what `encode_record` writes.

    """
    try:
        if _HEADS.validate_json(data).format != FORMAT:
            raise RecordError(IgnoredRecord.FORMAT)
        record = _SHEETS.validate_json(data).record
        record.room.decode()
    except (ValidationError, UnicodeDecodeError):
        raise RecordError(IgnoredRecord.MALFORMED) from None
    networks = {16} | {len(ban.network) for ban in record.bans if ban.network is not None}
    numbers = (record.term, record.changes, record.first_seat, record.host_seat, record.password_revision)
    if len(record.host_ip) != 16 or not networks <= {8, 16} or not 0 <= min(numbers) <= max(numbers) < 2**63:
        raise RecordError(IgnoredRecord.MALFORMED)
    return record


def room_of(record: RoomRecord, seats: int, now: float) -> Room:
    """Make a room of its record, with nobody in it; ``seats`` is the greatest number that a seat may have by now.

    If the clock is slow, greater ones may be known.
    """
    room = Room(
        record.room.decode(), record.room, network_of(record.host_ip), host_was=(record.host, record.host_ip),
        password_hash=record.password_hash, created_at=now, sealed=record.sealed, topic=record.topic,
        bans=bans_of(record.bans),
    )  # fmt: skip
    for keys in record.mutes:
        room.mutes.update(dict.fromkeys(keys, keys))
    room.residence = Residence(
        first_seat=record.first_seat, seats=max(seats, record.host_seat, *record.kicked), term=record.term,
        changes=record.changes,
        host_seat=record.host_seat, kicked=record.kicked, password_revision=record.password_revision,
    )  # fmt: skip
    return room


def bans_of(bans: tuple[Ban, ...]) -> Bans:
    """Return bans as a room has them."""
    if not bans:
        return NO_BANS
    made = Bans()
    for ban in bans:
        made.add(ban)
    return made


def record_of(room: Room, residence: Residence, *, home: str, home_since: float) -> RoomRecord:
    """Write the record of a room as it is now."""
    host, host_ip = room.host_was
    return RoomRecord(
        room=room.raw_name, home=home, home_since=home_since, first_seat=residence.first_seat, term=residence.term,
        changes=residence.changes, host_seat=residence.host_seat, host=host, host_ip=host_ip, kicked=residence.kicked,
        password_hash=room.password_hash, password_revision=residence.password_revision, topic=room.topic,
        bans=tuple(room.bans), mutes=tuple(dict.fromkeys(room.mutes.values())), sealed=room.sealed,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Head:
    """What any format has."""

    format: int


@with_config(ConfigDict(strict=True, extra="forbid", ser_json_bytes="hex", val_json_bytes="hex", allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class _Sheet:
    """A record as it is written."""

    format: int
    record: RoomRecord


_HEADS: Final = TypeAdapter(_Head)
_SHEETS: Final = TypeAdapter(_Sheet)
