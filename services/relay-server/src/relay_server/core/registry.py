"""The rooms and members of this relay: who may come in, and who goes."""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from chatproto import (
    Disconnected,
    EvictionReason,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    RefusalCode,
    Topic,
    check_room_name,
    encode_datagram,
)
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.admission import Admission
from relay_server.core.changes import Changes
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.endpoint import Address, Locate
from relay_server.core.errors import (
    BannedError,
    NameTakenError,
    NoSuchRoomError,
    RoomExistsError,
    RoomFullError,
    WrongPasswordError,
)
from relay_server.core.limits import Muted, SpeechLimit
from relay_server.core.model import Member, Residence, Room, Session
from relay_server.core.name_rules import OF_ROOMS, check_shown, judge_user_name
from relay_server.core.names import name_keys
from relay_server.core.policy import Policy
from relay_server.core.proofs import Proofs
from relay_server.core.provisional import ProvisionalAddresses
from relay_server.core.reaching import Reaching
from relay_server.core.returning import Returning
from relay_server.core.seats import Seats
from relay_server.core.streams import Streams

ADDRESS_CHANGE_SECONDS: Final = 1.0
"""A member's port may change once in this time (UDP-03)."""


class Registry(Reaching):
    """Holds what is true of rooms and members, and tells them about it."""

    def __init__(self, policy: Policy, observer: events.Observer, new_nonce: Callable[[], str], locate: Locate) -> None:
        super().__init__(
            announces=policy.announce, locate=locate, new_nonce=new_nonce,
            give_up=self._evict_for(EvictionReason.UNREACHABLE),
        )  # fmt: skip
        self.admission = Admission(policy)
        self.seats = Seats(self, new_nonce)
        self.streams = Streams(self, policy, new_nonce, self._evict_for(EvictionReason.SILENCE))
        self.rooms: dict[bytes, Room] = {}
        self._policy = policy
        self.observe = observer
        self.proofs = Proofs(policy.max_session_seconds, new_nonce, self.ask, self._evict_for(EvictionReason.EXPIRED))
        self.provisional = ProvisionalAddresses(allowed=policy.provisional_address)
        self.returning = Returning(self, policy)
        self.on_change: Callable[[Room], None] = lambda _: None
        """Called when what a cluster knows of a room isn't true any more."""
        self.on_close: Callable[[Room], None] = lambda _: None
        self.edges: set[bytes] = set()
        """The IPs of nodes that carry members here (CLU-04)."""
        self.changes = Changes()
        """Of rooms and members."""
        self.active: DeadlineQueue[Session] = DeadlineQueue(policy.silence_timeout_seconds, attrgetter("seen_at"))
        self.pending: DeadlineQueue[Session] = DeadlineQueue(policy.pending_timeout_seconds)
        self.hostless: DeadlineQueue[Room] = DeadlineQueue(policy.host_grace_seconds)

    def check_new_room(self, room_name: bytes, ip: bytes) -> None:
        """Check that this address may create a room of this name now.

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.admission.check_member(ip)
        check_shown(check_room_name(room_name), OF_ROOMS)
        if room_name in self.rooms:
            raise RoomExistsError
        self.admission.check_room(ip)

    def create_room(
        self,
        room_name: bytes, user_name: str, token: bytes, ip: bytes, now: float,
        *, keys: tuple[str, ...] = (), port: Address | None = None, password_hash: str | None = None,
        stream: bool = False, sealed: bool = False, residence: Residence | None = None,
    ) -> Member:  # fmt: skip
        """Make a room with its host; ``port`` is the address to send to until a datagram tells (LEN-02).

        ``keys`` are the name's (see `names.name_keys`), if they are known. With a ``password_hash`` only who proves the
        password comes in (TCP-11). With ``stream`` it chats over the connection (STR-01). ``residence`` is what a
        cluster knows the room by. For ``sealed`` see SEAL-03.

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.check_new_room(room_name, ip)
        name, network = check_room_name(room_name), network_of(ip)
        room = Room(name, room_name, network, password_hash=password_hash, created_at=now)
        room.sealed, room.residence = sealed, residence
        member = self._admit(room, user_name, keys or name_keys(user_name), ip, now)
        self._seat(member, token, now, port, stream=stream)
        self.make_host(member)
        self.rooms[room_name] = room
        self.admission.rooms.add(network)
        self.observe(events.RoomCreated(name))
        self.observe(events.MemberJoined(name, user_name))
        return member

    def join_room(
        self, room_name: bytes, user_name: str, token: bytes, ip: bytes, now: float,
        *, keys: tuple[str, ...] = (), port: Address | None = None, proof: str | None = None,
        told_when_heard: bool = False, stream: bool = False,
    ) -> Member:  # fmt: skip
        """Let a member into a room; ``keys`` and ``port`` as in `create_room`.

        With ``told_when_heard`` the others are told at its first datagram.
        ``proof`` is the hash that the member's password was found to fit, so a room that was created anew while
        that was found out stays closed (PWD-02).

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.admission.check_member(ip)
        # Before the look-up: what takes long must take as long where there is no room (PWD-05).
        check_shown(check_room_name(room_name), OF_ROOMS)
        keys = keys or name_keys(user_name)
        room = self.rooms.get(room_name)
        if room is None:
            raise NoSuchRoomError
        if room.password_hash is not None and room.holds(keys, ip):
            raise NameTakenError
        if room.password_hash is not None and room.password_hash != proof:
            raise WrongPasswordError if proof else WrongPasswordError(RefusalCode.PASSWORD_NEEDED)
        if 0 < self._policy.max_members_per_room <= len(room.members):
            raise RoomFullError
        member = self._admit(room, user_name, keys, ip, now)
        self._seat(member, token, now, port, stream=stream)
        if room.knows_as_host(user_name, ip):
            self.make_host(member)
        self.observe(events.MemberJoined(room.name, user_name))
        member.announced = not told_when_heard
        self.announce(member, MemberJoined(user_name))
        self.streams.go_on(member.session)
        return member

    def make_host(self, member: Member) -> None:
        """Make a member the host of its room, in place of whoever is or was it."""
        room = member.room
        room.host, room.host_was = member, (member.name, member.ip)
        self.hostless.discard(room)
        self.change(room)

    def change(self, room: Room) -> None:
        """Take note that a room changed; the cluster is to know, if there is one."""
        self.changes.note(room)
        if room.residence is not None:
            if room.host is not None and room.host.seat:
                room.residence.host_seat = room.host.seat
            self.on_change(room)

    def hear(self, session: Session, source: Address, now: float) -> None:
        """Take a datagram's source, whose IP was checked, as the session's address (UDP-03)."""
        self._resume(session)
        if session.address == source:
            return
        member, newcomer = session.member, session.address is None
        if newcomer:
            if session is not member.session:
                self.seats.succeed(session, source)
            self.seats.stop_keeping(session)
            self.pending.discard(session)
            self.active.add(session, now)
            self.limit_speech(member, now)
        elif now - session.moved_at < ADDRESS_CHANGE_SECONDS:
            return
        else:
            self.counters.address_changes += 1
            self.forget_remote(session)
        session.moved_at = now
        self.take_address(session, source)
        self.introduce(member)
        if newcomer and member.room.topic:
            self.tell(member, Topic(member.room.topic))

    def take_address(self, session: Session, address: Address) -> None:
        """Reach a session here from now on; if it was elsewhere, that is forgotten by now (see `forget_remote`)."""
        session.address = address
        remote = self.locate(address).remote
        self.sessions_by_remote.add(remote, session)
        self.provisional.withdraw(session)
        self.provisional.prove(remote)
        session.member.room.listen(session, address)
        self.changes.note(session.member)

    def set_provisional_port(self, member: Member, port: Address) -> None:
        """Send to this address until the member's first datagram tells better (TCP-09, LEN-02)."""
        session = member.room.members.get(member)
        if session is not None and session.address is None:
            self.provisional.offer(session, port, self.locate(port))

    def leave(self, member: Member, now: float) -> None:
        """Take a member out by its own wish (UDP-08)."""
        if not self.take_out(member):
            return
        self.observe(events.MemberLeft(member.room.name, member.name))
        self.announce(member, MemberLeft(member.name))
        self._after_removal(member, EvictionReason.HOST_LEFT, now)

    def evict(self, member: Member, reason: EvictionReason, now: float, *, banned: bool = False) -> None:
        """Take a member's place from it and tell it why (EVI-02)."""
        if not self._expel(member, reason, banned=banned):
            return
        self.announce(member, MemberEvicted(member.name, reason))
        self._after_removal(member, reason, now)

    def close_room(self, room: Room, reason: EvictionReason, *, members_see: EvictionReason) -> None:
        """End a room: every member is told, every token dies, the name is free (ROOM-01)."""
        if self.rooms.get(room.raw_name) is not room:
            return
        del self.rooms[room.raw_name]
        self.hostless.discard(room)
        self.admission.rooms.remove(room.network)
        for member in list(room.members):
            self._expel(member, members_see)
        self.returning.end(room)
        self.streams.end_ring(room)
        self.changes.note(room)
        self.on_close(room)
        self.observe(events.RoomClosed(room.name, reason))

    def shut_down(self) -> None:
        """Close every room and let nobody in any more (EVI-06)."""
        self.admission.close()
        for room in list(self.rooms.values()):
            self.close_room(room, EvictionReason.SHUTDOWN, members_see=EvictionReason.SHUTDOWN)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        queues = self.active, self.pending, self.hostless, self.proofs, self.seats, self.streams, self.returning
        return min(queue.next_deadline() for queue in queues)

    def expire(self, now: float) -> None:
        """Evict who was silent or never came, and close rooms whose host stayed away (EVI-01, ROOM-04)."""
        for queue, reason in ((self.active, EvictionReason.SILENCE), (self.pending, EvictionReason.NEVER_CONNECTED)):
            while (session := queue.pop_due(now)) is not None:
                self._evict_for(reason)(session, now)
        while (room := self.hostless.pop_due(now)) is not None:
            self.close_room(room, EvictionReason.HOST_LEFT, members_see=EvictionReason.HOST_LEFT)
        self.proofs.expire(now)
        self.seats.expire(now)
        self.streams.expire(now)
        self.returning.expire(now)
        self._watch.tick(now)

    def _evict_for(self, reason: EvictionReason) -> Callable[[Session, float], None]:
        return lambda session, now: self.seats.lapse(session, lambda member: self.evict(member, reason, now))

    def seat(
        self, room: Room, user_name: str, keys: tuple[str, ...], token: bytes, ip: bytes, now: float, *,
        stays: bool, stream: bool,
    ) -> Member:  # fmt: skip
        """Give somebody who was in the room elsewhere a seat, which nobody is told of.

        Who ``stays`` at the address that it had then may do so, though others from there are banned (MOD-04).

        Raises:
            ProtocolError: the status of its class says why not.

        """
        if room.shuts_out(user_name, keys, ip, stays=stays):
            raise BannedError
        member = self._admit(room, user_name, keys, ip, now, returns=True)
        self._seat(member, token, now, None, stream=stream)
        return member

    def _admit(
        self, room: Room, user_name: str, keys: tuple[str, ...], ip: bytes, now: float, *, returns: bool = False
    ) -> Member:
        judge_user_name(user_name, keys)
        if any(key in room.members_by_key for key in keys):
            raise NameTakenError  # before a ban: who is in stays, and may ask so whether it still is
        if not returns and room.shuts_out(user_name, keys, ip):
            raise BannedError
        if self._policy.announce and not returns:
            self.admission.check_announcement(ip, len(room.members), now)
        member = Member(room, user_name.encode() + b": ", keys, ip, now, muted=room.mutes_name(keys))
        if room.residence is not None:
            room.residence.seat(member)
            self.changes.note(room)
        room.members_by_key.update(dict.fromkeys(keys, member))
        self.admission.members.add(network_of(ip))
        return member

    def begin(self, member: Member, token: bytes, ip: bytes, now: float, *, stream: bool = False) -> Session:
        """Make a session for a member that may have another, to chat over UDP or over a stream."""
        header = encode_datagram(member.room.raw_name, token)
        session = Session(member, token, header, len(header), ip, seen_at=now)
        self.sessions_by_token[token] = session
        self.changes.note(member)
        if stream:
            self.streams.begin(session)
            self.limit_speech(member, now)
            return session
        self.sessions_by_header[header] = session
        self.pending.add(session, now)
        self.proofs.begin(session, now)
        return session

    def limit_speech(self, member: Member, now: float) -> None:
        """Limit a newcomer's words; who was there before in another session is limited already."""
        if member.limit is None:
            limit = SpeechLimit(self._policy, now) if self._policy.message_rate or self._policy.byte_rate else None
            member.limit = Muted(limit) if member.muted else limit

    def _seat(self, member: Member, token: bytes, now: float, port: Address | None, *, stream: bool) -> None:
        """Give a newcomer its session."""
        session = member.room.members[member] = self.begin(member, token, member.ip, now, stream=stream)
        if port is not None:
            self.provisional.offer(session, port, self.locate(port))

    def take_out(self, member: Member, notice: Disconnected | None = None) -> bool:
        """Take a member out and tell nobody, but by a stream ``notice``; False if it is gone already."""
        room, session = member.room, member.room.members.pop(member, None)
        if session is None:
            return False
        self.seats.drop_successor(member, notice)
        self.end(session, notice)
        for key in member.keys:
            del room.members_by_key[key]
        if room.residence is not None:
            room.residence.numbers.pop(member)
        self.admission.members.remove(network_of(member.ip))
        return True

    def end(self, session: Session, notice: Disconnected | None = None) -> None:
        """Let a session's token die, and send nothing to its client any more; over a stream ``notice`` is the last."""
        del self.sessions_by_token[session.token]
        self.sessions_by_header.pop(session.header, None)
        self.provisional.withdraw(session)
        session.member.room.stop_listening(session)
        session.paused = False
        self.forget_remote(session)
        self.active.discard(session)
        self.pending.discard(session)
        self.proofs.end(session)
        self.seats.forget(session)
        self.streams.end(session, notice)
        self.changes.note(session.member)
        self._watch.forget(session)

    def _expel(self, member: Member, reason: EvictionReason, *, banned: bool = False) -> bool:
        """Remove a member and tell it why, at its last address; False if it is gone already."""
        room, session = member.room, member.room.members.get(member)
        if session is None:
            return False
        if reason is EvictionReason.MOVED and not (session.abroad and session.abroad.follows):
            reason = EvictionReason.SHUTDOWN  # who follows nobody joins anew (FEAT-02)
        audience, notice = room.audience_of(session), Disconnected(reason, banned)
        if reason is EvictionReason.KICKED and room.residence is not None:
            room.residence.kick(member.seat)
            self.change(room)
        self.take_out(member, notice)
        self.observe(events.MemberEvicted(room.name, member.name, reason))
        if session.address is not None:  # else somebody else may listen at its provisional address
            self.post(notice, audience, log=room.sent)
        return True

    def _after_removal(self, member: Member, reason: EvictionReason, now: float) -> None:
        room = member.room
        if room.host is not member:
            return
        room.host = None
        self.changes.note(room)
        if self._policy.host_grace_seconds:
            self.hostless.add(room, now)
        else:
            self.close_room(room, reason, members_see=EvictionReason.HOST_LEFT)

    def forget_remote(self, session: Session) -> None:
        """Take it that a session isn't where it was, if it was anywhere."""
        if session.address is not None:
            remote = self.locate(session.address).remote
            self.provisional.forget(remote)
            self.sessions_by_remote.remove(remote, session)
