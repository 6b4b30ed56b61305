"""Rooms that come here from another node, and their members, who take their seats again (CLU-03, CLU-05)."""

from typing import TYPE_CHECKING, Final

from chatproto import EvictionReason
from relay_server.core import events
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.errors import NoSeatError, RoomFullError
from relay_server.core.kept import Abroad
from relay_server.core.limits import Halted
from relay_server.core.model import Member, Room, Session
from relay_server.core.names import name_keys
from relay_server.core.policy import Policy
from relay_server.core.records import RoomRecord, room_of
from relay_server.core.tickets import Seat

if TYPE_CHECKING:
    from relay_server.core.registry import Registry


HALT_SECONDS: Final = 1.0
"""Within this the directory has answered whether another node has the room now, or it has not been moved."""


class Returning:
    """Takes rooms over, and gives back the seats that their members had elsewhere."""

    def __init__(self, registry: "Registry", policy: Policy) -> None:
        self._registry = registry
        self._policy = policy
        self.waiting: DeadlineQueue[Room] = DeadlineQueue(policy.resume_seconds)
        """Rooms whose members may come back."""

    def open_room(self, record: RoomRecord, seats: int, now: float) -> Room:
        """Be the home of a room from now on, as another node or an earlier run of this one left it.

        It has nobody in it; who had a seat may take it for `Policy.resume_seconds`, the host too. ``seats`` is the
        greatest number that a seat may have by now.
        """
        registry, room = self._registry, room_of(record, seats, now)
        assert room.residence is not None  # noqa: S101 - a room of a record has one
        room.residence.takes_tickets_until = now + self._policy.resume_seconds
        if record.ring is not None:
            room.ring = registry.streams.rings.make(*record.ring)
        registry.rooms[room.raw_name] = room
        registry.admission.rooms.add(room.network)
        self.waiting.add(room, now)
        registry.changes.note(room)
        registry.observe(events.RoomCreated(room.name))
        return room

    def take_seat(
        self, room: Room, seat: Seat, token: bytes, ip: bytes, now: float, *, encrypted: bool, stream: bool
    ) -> Session:
        """Give back a seat that somebody had before the room came here; of two with one name the newer one counts.

        Raises:
            NoSeatError: the ticket is good for nothing, or not from there.
            ProtocolError: the status of its class says why not.

        """
        residence = room.residence
        if residence is None or now >= residence.takes_tickets_until:
            raise NoSeatError
        if seat.number < residence.first_seat or seat.number in residence.kicked:
            raise NoSeatError
        if seat.password_revision < residence.password_revision:
            raise NoSeatError
        if ip != seat.ip and not (seat.encrypted and encrypted):
            raise NoSeatError  # nobody is left to be asked whether the seat is still used (RES-03)
        keys = name_keys(seat.name)
        holder = next((room.members_by_key[key] for key in keys if key in room.members_by_key), None)
        if holder is not None:
            self._yield(holder, seat, now)
        if holder is not None and holder.seat == seat.number:
            session = self._registry.seats.resume(holder.session, token, ip, now, stream=stream)
        else:
            session = self._admit(room, seat, keys, token, ip, now, stream=stream)
        session.abroad = Abroad(turn=seat.turn + 1)
        self._registry.observe(events.MemberResumed(room.name, seat.name, moved=ip != seat.ip))
        return session

    def halt(self, room: Room, now: float) -> tuple[str, int] | None:
        """Let nothing be said for a moment in a room that is to move; returns where its numbering ends, if it has one.

        Everybody who can follow hears at the new home what comes after that, and nothing twice (CLU-05).
        """
        for member in room.members:
            self._registry.limit_speech(member, now)  # as its first word would, which may come meanwhile
            own = member.limit.inner if isinstance(member.limit, Halted) else member.limit
            member.limit = Halted(own, now + HALT_SECONDS)
        return None if room.ring is None else (room.ring.epoch, room.ring.seq)

    def end(self, room: Room) -> None:
        """Wait for nobody in a room that is closed."""
        self.waiting.discard(room)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self.waiting.next_deadline()

    def expire(self, now: float) -> None:
        """Close rooms whose host didn't come back."""
        while (room := self.waiting.pop_due(now)) is not None:
            self._registry.changes.note(room)
            if room.host is None:
                self._registry.close_room(room, EvictionReason.HOST_LEFT, members_see=EvictionReason.HOST_LEFT)

    def _yield(self, holder: Member, seat: Seat, now: float) -> None:
        """Let who has the name now go, if the ticket is of a newer seat, or of a later session of the same.

        The session that this ticket was good for is no later one if it was never used: its answer may be lost (RES-02).
        """
        later = (holder.seat, holder.session.turn)
        if later == (seat.number, seat.turn + 1) and not holder.session.was_heard:
            return
        if later > (seat.number, seat.turn):
            raise NoSeatError
        if holder.seat != seat.number:
            self._registry.evict(holder, EvictionReason.RESUMED_ELSEWHERE, now)

    def _admit(
        self, room: Room, seat: Seat, keys: tuple[str, ...], token: bytes, ip: bytes, now: float, *, stream: bool
    ) -> Session:
        registry, residence = self._registry, room.residence
        assert residence is not None  # noqa: S101 - it was looked at
        registry.admission.check_member(ip)
        if 0 < self._policy.max_members_per_room <= len(room.members):
            raise RoomFullError
        is_host = seat.number == residence.host_seat
        member = registry.seat(room, seat.name, keys, token, ip, now, stays=ip == seat.ip, stream=stream)
        residence.seat(member, seat.number)
        if is_host and room.host is None:
            registry.make_host(member)
        return member.session
