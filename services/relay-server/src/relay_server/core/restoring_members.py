"""Members that another process saved, and their sessions, put into place (see `restoring`)."""

from dataclasses import replace

from relay_server.core.address import network_of
from relay_server.core.ages import Ages
from relay_server.core.endpoint import MakeAddress
from relay_server.core.limits import AnyLimit, Muted
from relay_server.core.model import Member, Room, Session
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.core.state import SavedMember, SavedNumbers, SavedPlace, SavedSession, SavedTicket, StateError


class RestoringMembers:
    """Makes members what was saved of them; who is there already stays the same `Member`."""

    def __init__(self, registry: Registry, make_address: MakeAddress, ages: Ages) -> None:
        self._registry = registry
        self._make_address = make_address
        self._ages = ages
        self._connected: dict[Session, None] = {}
        """Whose streams last until the other process ends."""

    def finish(self, now: float) -> None:
        """Take it that the other process ended, and so all streams broke."""
        waiting = self._registry.streams.waiting
        for session in self._connected:
            if session in waiting:  # else it ended meanwhile
                waiting.add(session, now)

    def put(self, room: Room, saved: SavedMember) -> None:
        """Let a member be in its room as it was saved, in place of everybody with one of its keys.

        Raises:
            StateError: one of its tokens or tickets is somebody else's.

        """
        known = self._find(room, saved)
        self._check_own(room, known, saved)
        member = known or self._make(room, saved)
        successor = self._registry.seats.pop_successor(member)
        before = [one for one in (room.members.get(member), successor) if one is not None]
        self._update(member, saved)
        said = _said(saved.said)
        sessions = [self._session(member, one, said) for one in saved.sessions]
        room.members[member] = sessions[0]
        if len(sessions) > 1:
            self._registry.seats.add_successor(member, sessions[1])
        for session in before:
            if session not in sessions:
                self._registry.end(session)

    def judge_mutes(self, room: Room) -> None:
        """Let the room's mutes, which changed, be true of its members (MOD-05)."""
        for member in room.members:
            muted = room.mutes_name(member.keys)
            if muted != member.muted:
                member.muted = muted
                if member.limit is not None or member.session.was_heard:
                    member.limit = Muted(member.limit) if muted else _own(member.limit)

    def _find(self, room: Room, saved: SavedMember) -> Member | None:
        """Return the member that is meant; who else has its name, or one that looks like it, is gone by now."""
        found = None
        for key in saved.keys:
            holder = room.members_by_key.get(key)
            if holder is not None and (holder.name, holder.keys) == (saved.name, saved.keys):
                found = holder
            elif holder is not None:
                self._registry.take_out(holder)
        return found

    def _make(self, room: Room, saved: SavedMember) -> Member:
        attribution = saved.name.encode() + b": "
        member = Member(room, saved.name, attribution, saved.keys, saved.ip, muted=room.mutes_name(saved.keys))
        room.members_by_key.update(dict.fromkeys(saved.keys, member))
        self._registry.admission.members.add(network_of(saved.ip))
        return member

    def _update(self, member: Member, saved: SavedMember) -> None:
        census, before, after = self._registry.admission.members, network_of(member.ip), network_of(saved.ip)
        if before != after:
            census.depart(before)
            census.arrive(after)
        member.ip = saved.ip
        member.joined_at = self._ages.when(saved.joined)
        member.announced = saved.announced
        if member.room.residence is not None:
            member.room.residence.seat(member, saved.seat)

    def _check_own(self, room: Room, member: Member | None, saved: SavedMember) -> None:
        """Check that each session is proved by what proves no other one."""
        tickets = [one.ticket.text for one in saved.sessions if one.ticket is not None]
        is_twice = len({one.token for one in saved.sessions}) + len(set(tickets)) < len(saved.sessions) + len(tickets)
        if is_twice or not all(self._is_own(member, one) for one in saved.sessions):
            raise StateError(f"it has a token or a ticket of {room.name} twice")

    def _is_own(self, member: Member | None, saved: SavedSession) -> bool:
        registry, ticket = self._registry, None if saved.ticket is None else saved.ticket.text
        session = registry.sessions_by_token.get(saved.token)
        holder = None if ticket is None else registry.seats.holder(ticket)
        if session is None:
            return holder is None
        is_same_chat = (session.place is None) == (saved.place is None)
        has_same_ticket = session.ticket is None or session.ticket.text == ticket
        return session.member is member and is_same_chat and has_same_ticket and holder in {None, session}

    def _session(self, member: Member, saved: SavedSession, said: SaidNumbers | None) -> Session:
        registry, place = self._registry, saved.place
        session = registry.sessions_by_token.get(saved.token)
        seen_at = self._ages.since(saved.seen)
        proved_at = registry.proofs.still_good(self._ages.when(saved.proved or 0.0), self._ages.present)
        if session is None:
            session = registry.begin(member, saved.token, saved.ip, proved_at, stream=place is not None)
        session.seen_at = seen_at
        session.json_notices = saved.json_notices
        session.said = said if saved.receipts else None
        self._let_be_abroad(session, saved)
        self._issue(session, saved.ticket)
        if saved.kept is None:
            registry.seats.kept.discard(session)
        else:
            registry.seats.kept.add(session, self._ages.since(saved.kept))
        if place is not None:
            self._wait(session, place)
        else:
            registry.proofs.begin(session, proved_at)
            self._reach(session, saved)
        return session

    def _let_be_abroad(self, session: Session, saved: SavedSession) -> None:
        session.abroad = None if saved.abroad is None else replace(saved.abroad)
        if session.abroad is not None and session.abroad.carried_by is not None:
            self._registry.edges.add(session.abroad.carried_by)

    def _issue(self, session: Session, ticket: SavedTicket | None) -> None:
        if ticket is not None and session.ticket is None:
            self._registry.seats.issue(session, ticket.text, encrypted=ticket.encrypted)

    def _wait(self, session: Session, saved: SavedPlace) -> None:
        """Let a session wait for who resumes its stream: no connection outlives a process (STR-05)."""
        place = session.place
        assert place is not None  # noqa: S101 - it was begun so
        place.heard, place.has_read = saved.heard, saved.has_read
        place.knows_other_epoch = saved.knows_other_epoch
        place.is_used, place.encrypted = saved.is_used, saved.encrypted
        self._registry.streams.waiting.add(session, self._ages.since(saved.away or 0.0))
        if saved.away is None:
            self._connected[session] = None
        else:
            self._connected.pop(session, None)

    def _reach(self, session: Session, saved: SavedSession) -> None:
        """Let a session be where it was heard; a provisional address is proved by nobody, and so is forgotten."""
        registry = self._registry
        if saved.address is None:
            registry.pending.add(session, session.seen_at)
            return
        told = saved.address
        address = self._make_address(told.ip, told.port, scope=told.scope, local_ip=told.local_ip)
        registry.pending.discard(session)
        registry.active.add(session, session.seen_at)
        if session.address != address:
            registry.forget_remote(session)
            registry.take_address(session, address)
        registry.limit_speech(session.member, self._ages.present)


def _said(saved: SavedNumbers | None) -> SaidNumbers | None:
    if saved is None:
        return None
    said = SaidNumbers(saved.window)
    said.recall([number for first, last in saved.runs for number in range(first, last + 1)])
    return said


def _own(limit: AnyLimit | None) -> AnyLimit | None:
    return limit.inner if isinstance(limit, Muted) else limit
