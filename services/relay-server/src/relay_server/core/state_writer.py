"""What is saved of a room, a member, a client of the lobby and a ring, as each is now (see `state`)."""

from itertools import pairwise
from math import isfinite
from typing import Final

from relay_server.core.endpoint import Address, Locate
from relay_server.core.lobby import LobbyClient
from relay_server.core.model import Member, Residence, Room, Session, StreamPlace
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.core.ring import Entry
from relay_server.core.state import (
    SavedAddress,
    SavedEntry,
    SavedLobbyClient,
    SavedMember,
    SavedNumbers,
    SavedPlace,
    SavedResidence,
    SavedRing,
    SavedRoom,
    SavedSession,
    SavedTicket,
)

PIECE_ENTRIES: Final = 100
"""So many entries of a ring are written at once."""


class StateWriter:
    """Writes things with their ages; addresses are taken apart by ``locate``."""

    def __init__(self, registry: Registry, locate: Locate) -> None:
        self._registry = registry
        self._locate = locate

    def room(self, room: Room, now: float) -> SavedRoom:
        """Return what is saved of a room."""
        return SavedRoom(
            room=room.raw_name,
            network=room.network,
            created=now - room.created_at,
            host=room.host.name if room.host is not None else None,
            host_was=room.host_was,
            password_hash=room.password_hash,
            sealed=room.sealed,
            topic=room.topic,
            bans=tuple(room.bans),
            mutes=tuple(tuple(sorted(keys)) for keys in dict.fromkeys(room.mutes.values())),
            hostless=self._registry.hostless.age(room, now),
            waits=self._registry.returning.waiting.age(room, now),
            residence=None if room.residence is None else _residence(room.residence, now),
        )

    def member(self, member: Member, now: float) -> SavedMember:
        """Return what is saved of a member that is in its room."""
        session, successor = member.session, self._registry.seats.successor(member)
        said = session.said
        sessions: tuple[SavedSession, ...] = (self._session(session, now),)
        if successor is not None:
            sessions += (self._session(successor, now),)
            said = said if said is not None else successor.said
        return SavedMember(
            room=member.room.raw_name,
            name=member.name,
            keys=member.keys,
            ip=member.ip,
            joined=now - member.joined_at,
            sessions=sessions,
            announced=member.announced,
            said=None if said is None else SavedNumbers(window=said.window, runs=_runs(said)),
            seat=member.seat,
        )

    def client(self, client: LobbyClient, now: float) -> SavedLobbyClient:
        """Return what is saved of a client of the lobby."""
        return SavedLobbyClient(name=client.name, address=self.address(client.address), seen=now - client.seen_at)

    def address(self, address: Address) -> SavedAddress:
        """Take an address apart."""
        ip, port, scope, _, local_ip = self._locate(address)
        return SavedAddress(ip=ip, port=port, scope=scope, local_ip=local_ip)

    @staticmethod
    def ring(room: Room, known: tuple[str, int] | None) -> SavedRing | None:
        """Return what a ring has since what is ``known``: epoch and number; None if that is nothing.

        If entries are gone in between, the numbering begins after them.
        """
        ring = room.ring
        if ring is None or known == (ring.epoch, ring.seq):
            return None
        after = ring.first - 1
        if known is not None and known[0] == ring.epoch:
            after = max(after, known[1])
        entries, before = [], ring.at(after)
        for entry in ring.since(after)[:PIECE_ENTRIES]:
            entries.append(_entry(room, entry, is_message=entry.messages > before.messages))
            before = entry
        return SavedRing(room=room.raw_name, epoch=ring.epoch, after=after, entries=tuple(entries))

    def _session(self, session: Session, now: float) -> SavedSession:
        address, ticket, place = session.address, session.ticket, session.place
        return SavedSession(
            token=session.token,
            ip=session.ip,
            seen=now - session.seen_at,
            address=None if address is None else self.address(address),
            json_notices=session.json_notices,
            receipts=session.said is not None,
            ticket=None if ticket is None else SavedTicket(text=ticket.text, encrypted=ticket.encrypted),
            proved=now - session.proved_at if place is None else None,
            kept=self._registry.seats.kept.age(session, now),
            place=None if place is None else self._place(session, place, now),
            abroad=session.abroad,
        )

    def _place(self, session: Session, place: StreamPlace, now: float) -> SavedPlace:
        return SavedPlace(
            heard=place.heard,
            has_read=place.has_read,
            knows_other_epoch=place.knows_other_epoch,
            is_used=place.is_used,
            encrypted=place.encrypted,
            away=self._registry.streams.waiting.age(session, now),
        )


def _residence(residence: Residence, now: float) -> SavedResidence:
    until = residence.takes_tickets_until
    return SavedResidence(
        first_seat=residence.first_seat,
        seats=residence.seats,
        term=residence.term,
        changes=residence.changes,
        host_seat=residence.host_seat,
        kicked=residence.kicked,
        password_revision=residence.password_revision,
        took_tickets=now - until if isfinite(until) else None,
    )


def _runs(said: SaidNumbers) -> tuple[tuple[int, int], ...]:
    """Return the numbers as rows without gaps; mostly there is one row."""
    numbers = said.all()
    if not numbers:
        return ()
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return ((numbers[0], numbers[-1]),)
    ends = [one for one, after in pairwise(numbers) if after != one + 1]
    starts = [after for one, after in pairwise(numbers) if after != one + 1]
    return tuple(zip((numbers[0], *starts), (*ends, numbers[-1]), strict=True))


def _entry(room: Room, entry: Entry, *, is_message: bool) -> SavedEntry:
    """Return what is saved of an entry; of who left and came back it isn't."""
    owner = entry.owner if entry.owner in room.members else None
    own = "" if owner is None else entry.own.decode()
    return SavedEntry(
        line=entry.line.decode(), is_message=is_message, owner=None if owner is None else owner.name, own=own
    )
