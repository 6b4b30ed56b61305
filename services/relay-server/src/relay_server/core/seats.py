"""Seats that are taken again: a ticket gives a member another session, which ends the one before (RES-01 to RES-05)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from chatproto import Challenge, Disconnected, EvictionReason, RefusalCode
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.attempts import REMEMBERED_SECONDS
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.endpoint import Address
from relay_server.core.errors import BannedError, NoSeatError, TooManyError
from relay_server.core.kept import Abroad
from relay_server.core.model import Member, Session, Ticket

if TYPE_CHECKING:
    from relay_server.core.registry import Registry

CHALLENGES: Final = 2
"""So many questions the old address must leave unanswered before an overheard ticket could move a seat (RES-03)."""
PATIENCE_SECONDS: Final = 1.0
"""How long each may be answered; both together leave the transaction time for the rest (TCP-03)."""
ASKING_SECONDS: Final = 0.5
"""A member is asked at most once in this time, however many claim its seat."""


@dataclass(slots=True)
class SeatClaim:
    """Somebody with a ticket, and what came of it so far."""

    ip: bytes
    encrypted: bool
    due_at: float = -inf
    """When it goes on."""
    heard_at: float = -inf
    """When the holder was last heard before it was asked: a clock may stand still until its answer comes."""
    asked: int = 0
    """How often the old address was asked."""


class Seats:
    """Which session a ticket stands for, and which members have two: the first use of the newer ends the older."""

    def __init__(self, registry: "Registry", new_nonce: Callable[[], str]) -> None:
        self._registry = registry
        self._new_nonce = new_nonce
        self._by_ticket: dict[str, Session] = {}
        self._successors: dict[Member, Session] = {}
        """The newer session of who has two."""
        self.kept: DeadlineQueue[Session] = DeadlineQueue(REMEMBERED_SECONDS)
        """Whose answer may have been lost, and whose client may ask once more (RES-02)."""

    @property
    def tickets(self) -> int:
        """How many are good now."""
        return len(self._by_ticket)

    def issue(self, session: Session, text: str, *, encrypted: bool) -> None:
        """Give a session its ticket; ``encrypted`` if nobody can overhear it on its way to the client."""
        session.ticket = Ticket(text, encrypted)
        self._by_ticket[text] = session
        self._registry.changes.note(session.member)

    def holder(self, ticket: str) -> Session | None:
        """Return the session that a ticket stands for."""
        return self._by_ticket.get(ticket)

    def find(self, ticket: str, room: bytes) -> Session | None:
        """Return the session that a ticket stands for, if it is one of this room."""
        session = self.holder(ticket)
        return session if session is not None and session.member.room.raw_name == room else None

    def press(self, claim: SeatClaim, session: Session, now: float) -> bool:
        """Tell whether a claim is good; if not, go on at its ``due_at``.

        From where the seat is it always is. From elsewhere too, unless the ticket may have been overheard: then the
        old address is asked, and must be silent.

        Raises:
            BannedError: the room lets nobody in from there.
            TooManyError: there are as many members from there as there may be.
            NoSeatError: somebody is at the old address.

        """
        ticket, holder = session.ticket, session.member.session
        if ticket is None or claim.ip == session.ip:
            return True
        self._check_place(session.member, claim.ip)
        if ticket.encrypted and claim.encrypted:
            return True
        if not claim.asked:
            claim.heard_at = holder.seen_at
        elif holder.seen_at != claim.heard_at:
            raise NoSeatError
        if now < claim.due_at:
            return False
        if claim.asked == CHALLENGES:
            return True
        claim.asked += 1
        claim.due_at = now + PATIENCE_SECONDS
        if now - ticket.asked_at >= ASKING_SECONDS:
            ticket.asked_at = now
            self._registry.ask(holder, Challenge(self._new_nonce()))
        return False

    def resume(self, session: Session, token: bytes, ip: bytes, now: float, *, stream: bool = False) -> Session:
        """Give a member another session beside the one whose ticket was shown; returns it.

        If that one was not used yet, its ticket is its first use: whoever has it has read the answer.
        """
        member = session.member
        self.use(session)
        self.drop_successor(member, Disconnected(EvictionReason.RESUMED_ELSEWHERE))
        successor = self._registry.begin(member, token, ip, now, stream=stream)
        self.add_successor(member, successor)
        if member.room.residence is not None:
            successor.abroad = Abroad(turn=session.turn + 1)
        return successor

    def use(self, session: Session) -> None:
        """Take note that a session's client speaks: if its member has another one, that ends."""
        if self._successors.get(session.member) is session:
            self.succeed(session)

    def succeed(self, session: Session, source: Address | None = None) -> None:
        """End the session that a member had before this one, which now is used; ``source`` tells from where."""
        member, registry = session.member, self._registry
        room, before = member.room, member.session
        del self._successors[member]
        audience, notice = room.audience_of(before), Disconnected(EvictionReason.RESUMED_ELSEWHERE)
        registry.end(before, notice)
        room.members[member] = session
        if before.address not in {None, source}:
            registry.post(notice, audience, log=room.sent)
        if session.ip != before.ip:
            self._move(member, session.ip)
        registry.observe(events.MemberResumed(room.name, member.name, moved=session.ip != before.ip))

    def lapse(self, session: Session, take_out: Callable[[Member], None]) -> None:
        """Let a session go; its member stays if it has another, else ``take_out`` is called."""
        member = session.member
        if self._successors.get(member) is session:
            self.drop_successor(member)
        elif member in self._successors:
            self.succeed(self._successors[member])
        elif session.token in self._registry.sessions_by_token:
            take_out(member)

    def drop_successor(self, member: Member, notice: Disconnected | None = None) -> None:
        """End the newer session of a member that has two; ``notice`` as in `Registry.end`."""
        session = self.pop_successor(member)
        if session is not None:
            self._registry.end(session, notice)

    def successor(self, member: Member) -> Session | None:
        """Return the newer session of a member that has two."""
        return self._successors.get(member)

    def add_successor(self, member: Member, session: Session) -> None:
        """Let a member have a newer session, too."""
        self._successors[member] = session
        if network_of(session.ip) != network_of(member.ip):
            self._registry.admission.members.arrive(network_of(session.ip))

    def pop_successor(self, member: Member) -> Session | None:
        """Let a member have one session only; returns the newer one, if there is one, which goes on."""
        session = self._successors.pop(member, None)
        if session is not None and network_of(session.ip) != network_of(member.ip):
            self._registry.admission.members.depart(network_of(session.ip))
        return session

    def forget(self, session: Session) -> None:
        """Let the ticket of a session that ends be good for nothing."""
        self.kept.discard(session)
        if session.ticket is not None:
            del self._by_ticket[session.ticket.text]

    def forsake(self, session: Session, now: float) -> None:
        """Take back a place whose client never got its token (threat T11)."""
        self.lapse(session, lambda member: self._registry.leave(member, now))

    def keep(self, session: Session, now: float) -> None:
        """Let a place that nobody has used yet wait for who asks again (RES-02)."""
        if not session.was_heard and session.token in self._registry.sessions_by_token:
            self.kept.add(session, now)
            self._registry.changes.note(session.member)

    def stop_keeping(self, session: Session) -> None:
        """Let a place be as any other: its client came, or asked again."""
        self.kept.discard(session)
        self._registry.changes.note(session.member)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self.kept.next_deadline()

    def expire(self, now: float) -> None:
        """Take back places that were kept and that nobody asked for again."""
        while (session := self.kept.pop_due(now)) is not None:
            self.forsake(session, now)

    def _check_place(self, member: Member, ip: bytes) -> None:
        room, members = member.room, self._registry.admission.members
        if room.host is not member and room.bans.cover((), network_of(ip)):
            raise BannedError
        if network_of(ip) != network_of(member.ip) and members.is_full_for(network_of(ip)):
            raise TooManyError(RefusalCode.TOO_MANY_MEMBERS_OF_ADDRESS)

    def _move(self, member: Member, ip: bytes) -> None:
        """Take it that a member is at another IP address from now on."""
        if network_of(ip) != network_of(member.ip):
            self._registry.admission.members.depart(network_of(member.ip))
        member.ip = ip
        if member.room.host is member:
            member.room.host_was = (member.name, ip)
            self._registry.change(member.room)
