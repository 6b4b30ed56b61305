"""The rooms and members of this relay: who may come in, who goes, and who is told."""

from collections.abc import Callable, Collection, Iterable, Iterator
from operator import attrgetter
from typing import Final

from chatproto import (
    Challenge,
    Disconnected,
    EvictionReason,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Notice,
    Topic,
    check_room_name,
    encode_datagram,
)
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.admission import Admission
from relay_server.core.audience import Audience, Log, Outgoing
from relay_server.core.counters import Counters
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.endpoint import Address, Host, Locate
from relay_server.core.errors import (
    BannedError,
    NameTakenError,
    NoSuchRoomError,
    RoomExistsError,
    RoomFullError,
    WrongPasswordError,
)
from relay_server.core.limits import Muted, SpeechLimit
from relay_server.core.model import Member, Room
from relay_server.core.names import name_keys
from relay_server.core.policy import Policy
from relay_server.core.proofs import Proofs
from relay_server.core.provisional import ProvisionalAddresses
from relay_server.core.reachability import SilentHosts, Watch
from relay_server.core.remotes import MembersByRemote
from relay_server.core.shown import check_shown, judge_user_name

ADDRESS_CHANGE_SECONDS: Final = 1.0
"""A member's port may change once in this time (UDP-03)."""
TELL_SECONDS: Final = 1.0
"""A member is advised at most once in this time (UDP-06, LIM-01, MOD-05)."""


class Registry:
    """Holds what is true of rooms and members; what is to be said about it waits in an outbox."""

    def __init__(self, policy: Policy, observer: events.Observer, new_nonce: Callable[[], str], locate: Locate) -> None:
        self.locate = locate
        self.counters = Counters()
        self.admission = Admission(policy)
        self.rooms: dict[bytes, Room] = {}
        self.members_by_token: dict[bytes, Member] = {}
        self.members_by_header: dict[bytes, Member] = {}
        """What the beginning of a datagram proves; the data path asks nothing else. Who is paused isn't in it."""
        self._policy = policy
        self._observer = observer
        self._watch: Watch[Member] = Watch(
            new_nonce, self._suspect, self._evict_for(EvictionReason.UNREACHABLE), self._pause, self._resume
        )
        self._silent_hosts = SilentHosts()
        self.proofs = Proofs(policy.max_session_seconds, new_nonce, self._ask, self._evict_for(EvictionReason.EXPIRED))
        self.provisional = ProvisionalAddresses(allowed=policy.provisional_address)
        self._members_by_remote = MembersByRemote()
        self._active: DeadlineQueue[Member] = DeadlineQueue(policy.silence_timeout_seconds, attrgetter("seen_at"))
        self._pending: DeadlineQueue[Member] = DeadlineQueue(policy.pending_timeout_seconds)
        self._hostless: DeadlineQueue[Room] = DeadlineQueue(policy.host_grace_seconds)
        self.outbox: list[Outgoing] = []
        """What is to be said; who sends it takes it out."""

    def check_new_room(self, room_name: bytes, ip: bytes) -> None:
        """Check that this address may create a room of this name now.

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.admission.check_member(ip)
        check_shown(check_room_name(room_name), "room")
        if room_name in self.rooms:
            raise RoomExistsError
        self.admission.check_room(ip)

    def create_room(
        self,
        room_name: bytes,
        user_name: str,
        token: bytes,
        ip: bytes,
        now: float,
        *,
        port: Address | None = None,
        password_hash: str | None = None,
    ) -> Member:
        """Make a room with its host; ``port`` is the address to send to until a datagram tells (LEN-02).

        With a ``password_hash`` only who proves the password comes in (TCP-11).

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.check_new_room(room_name, ip)
        name, network = check_room_name(room_name), network_of(ip)
        room = Room(name, room_name, network, password_hash=password_hash, created_at=now)
        member = self._admit(room, user_name, token, ip, now, port)
        self.make_host(member)
        self.rooms[room_name] = room
        self.admission.rooms.add(network)
        self._observer(events.RoomCreated(name))
        self._observer(events.MemberJoined(name, user_name))
        return member

    def join_room(
        self,
        room_name: bytes,
        user_name: str,
        token: bytes,
        ip: bytes,
        now: float,
        *,
        port: Address | None = None,
        proof: str | None = None,
    ) -> Member:
        """Let a member into a room; ``port`` as in `create_room`.

        ``proof`` is the hash that the member's password was found to fit, so a room that was created anew while
        that was found out stays closed (PWD-02).

        Raises:
            ProtocolError: the status of its class says why not.

        """
        self.admission.check_member(ip)
        # Before the look-up: what takes long must take as long where there is no room (PWD-05).
        check_shown(check_room_name(room_name), "room")
        keys = name_keys(user_name)
        room = self.rooms.get(room_name)
        if room is None:
            raise NoSuchRoomError
        if room.password_hash is not None and room.holds(keys, ip):
            raise NameTakenError
        if room.password_hash is not None and room.password_hash != proof:
            raise WrongPasswordError if proof else WrongPasswordError("The room has a password: give it to join.")
        if 0 < self._policy.max_members_per_room <= len(room.members):
            raise RoomFullError
        member = self._admit(room, user_name, token, ip, now, port)
        if room.knows_as_host(user_name, ip):
            self.make_host(member)
        self._observer(events.MemberJoined(room.name, user_name))
        self._announce(member, MemberJoined(user_name))
        return member

    def make_host(self, member: Member) -> None:
        """Make a member the host of its room, in place of whoever is or was it."""
        room = member.room
        room.host, room.host_was = member, (member.name, member.ip)
        self._hostless.discard(room)

    def hear(self, member: Member, source: Address, now: float) -> None:
        """Take a datagram's source, whose IP was checked, as the member's address (UDP-03)."""
        self._resume(member)
        if member.address == source:
            return
        room, newcomer = member.room, member.address is None
        if member.address is None:
            self._pending.discard(member)
            self._active.add(member, now)
            limited = self._policy.message_rate or self._policy.byte_rate
            limit = SpeechLimit(self._policy, now) if limited else None
            member.limit = Muted(limit) if member.muted else limit
        elif now - member.moved_at < ADDRESS_CHANGE_SECONDS:
            return
        else:
            self.counters.address_changes += 1
            self._forget_remote(member)
        member.address = source
        member.moved_at = now
        remote = self.locate(source).remote
        self._members_by_remote.add(remote, member)
        self.provisional.withdraw(member)
        self.provisional.prove(remote)
        room.listen(member, source)
        if newcomer and room.topic:
            self.tell(member, Topic(room.topic))

    def set_provisional_port(self, member: Member, port: Address) -> None:
        """Send to this address until the member's first datagram tells better (TCP-09, LEN-02)."""
        if member.address is None and member.token in self.members_by_token:
            self.provisional.offer(member, port, self.locate(port))

    def leave(self, member: Member, now: float) -> None:
        """Take a member out by its own wish (UDP-08)."""
        if not self._remove(member):
            return
        self._observer(events.MemberLeft(member.room.name, member.name))
        self._announce(member, MemberLeft(member.name))
        self._after_removal(member, EvictionReason.HOST_LEFT, now)

    def evict(self, member: Member, reason: EvictionReason, now: float) -> None:
        """Take a member's place from it and tell it why (EVI-02)."""
        audience = member.room.audience_of(member)
        if not self._remove(member):
            return
        self._tell_evicted(member, audience, reason)
        self._announce(member, MemberEvicted(member.name, reason))
        self._after_removal(member, reason, now)

    def close_room(self, room: Room, reason: EvictionReason, *, members_see: EvictionReason) -> None:
        """End a room: every member is told, every token dies, the name is free (ROOM-01)."""
        if self.rooms.get(room.raw_name) is not room:
            return
        del self.rooms[room.raw_name]
        self._hostless.discard(room)
        self.admission.rooms.remove(room.network)
        for member in list(room.members):
            audience = room.audience_of(member)
            self._remove(member)
            self._tell_evicted(member, audience, members_see)
        self._observer(events.RoomClosed(room.name, reason))

    def let_nobody_in(self) -> None:
        """Refuse creates and joins from now on; who is in a room stays (EVI-06)."""
        self.admission.close()

    def shut_down(self) -> None:
        """Close every room and let nobody in any more (EVI-06)."""
        self.let_nobody_in()
        for room in list(self.rooms.values()):
            self.close_room(room, EvictionReason.SHUTDOWN, members_see=EvictionReason.SHUTDOWN)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return min(queue.next_deadline() for queue in (self._active, self._pending, self._hostless, self.proofs))

    def expire(self, now: float) -> None:
        """Evict who was silent or never came, and close rooms whose host stayed away (EVI-01, ROOM-04)."""
        while (member := self._active.pop_due(now)) is not None:
            self.evict(member, EvictionReason.SILENCE, now)
        while (member := self._pending.pop_due(now)) is not None:
            self.evict(member, EvictionReason.NEVER_CONNECTED, now)
        while (room := self._hostless.pop_due(now)) is not None:
            self.close_room(room, EvictionReason.HOST_LEFT, members_see=EvictionReason.HOST_LEFT)
        self.proofs.expire(now)
        self._watch.tick(now)

    def note_undelivered(self, target: Address, quoted: bytes, now: float) -> None:
        """Take an ICMP error about a member (EVI-03)."""
        members = self._members_by_remote.at(self.locate(target).remote)
        # Of those who share a socket one is asked, however many errors come; what is proven is true of all.
        if members and self._watch.note_undelivered(members[0], members[0].room.sent, quoted, now):
            for member in self._still_here(members[1:]):
                self._watch.note_failure(member, now)

    def note_send_error(self, target: Address, now: float) -> None:
        """Count that the kernel had no way to this address (EVI-03)."""
        for member in self._still_here(self._members_by_remote.at(self.locate(target).remote)):
            self._watch.note_failure(member, now)

    def note_unresolved(self, hosts: Collection[Host], now: float) -> None:
        """Take which hosts the kernel has asked for in vain so far (EVI-03)."""
        silent = self._silent_hosts.look(hosts, now)
        if silent:
            ips = {host.ip for host in silent}  # few members have one: only their addresses are taken apart
            known = [one for one in self.members_by_token.values() if one.ip in ips and one.address is not None]
            gone = [one for one in known if self.locate(one.address).host in silent]
            for member in self._still_here(gone):
                self._watch.note_failure(member, now)

    def tell(self, member: Member, notice: Notice) -> None:
        """Say something to one member."""
        self._post(notice, member.room.audience_of(member), log=member.room.sent)

    def tell_all(self, member: Member, notice: Notice) -> None:
        """Say something to a member, be it paused, and to everybody else in its room."""
        self._post(notice, member.room.gather_with(member), log=member.room.sent)

    def advise(self, member: Member, notice: Notice, now: float) -> None:
        """Tell a member what became of its words, unless it was told something a moment ago."""
        if now - member.told_at >= TELL_SECONDS:
            member.told_at = now
            self.tell(member, notice)

    def _ask(self, member: Member, challenge: Challenge, log: Log | None = None) -> None:
        """Send a challenge; what only one hears is no quotation of the room's."""
        self.counters.challenges += 1
        self._post(challenge, member.room.audience_of(member), log=log)

    def _suspect(self, member: Member, challenge: Challenge) -> None:
        self._ask(member, challenge, member.challenges)

    def _still_here(self, members: Iterable[Member]) -> Iterator[Member]:
        """Yield members as long as they are some: whoever goes may be a host, and take others with it."""
        return (member for member in members if member.token in self.members_by_token)

    def _pause(self, member: Member) -> None:
        """Send a member nothing but challenges until it is heard; nothing is added to the data path (EVI-08)."""
        if not member.paused:
            member.paused = True
            member.room.stop_listening(member)
            del self.members_by_header[member.header]

    def _resume(self, member: Member) -> None:
        if member.paused and member.address is not None:
            member.paused = False
            member.room.listen(member, member.address)
            self.members_by_header[member.header] = member

    def _evict_for(self, reason: EvictionReason) -> Callable[[Member, float], None]:
        return lambda member, now: self.evict(member, reason, now)

    def _admit(self, room: Room, user_name: str, token: bytes, ip: bytes, now: float, port: Address | None) -> Member:
        raw_name, keys = user_name.encode(), judge_user_name(user_name)
        if any(key in room.members_by_key for key in keys):
            raise NameTakenError  # before a ban: who is in stays, and may ask so whether it still is
        if room.shuts_out(user_name, keys, ip):
            raise BannedError("The host of this room has banned you.")
        if self._policy.announce:
            self.admission.check_announcement(ip, len(room.members), now)
        header = encode_datagram(room.raw_name, token)
        attribution = raw_name + b": "
        member = Member(
            room, user_name, raw_name, token, keys, ip, header, len(header), attribution, joined_at=now, seen_at=now
        )
        member.muted = room.mutes_name(keys)
        room.members[member] = None
        room.members_by_key.update(dict.fromkeys(keys, member))
        self.members_by_token[token] = member
        self.members_by_header[header] = member
        self.admission.members.add(network_of(ip))
        self._pending.add(member, now)
        self.proofs.begin(member, now)
        if port is not None:
            self.provisional.offer(member, port, self.locate(port))
        return member

    def _remove(self, member: Member) -> bool:
        if self.members_by_token.pop(member.token, None) is None:
            return False
        room = member.room
        del room.members[member]
        self.provisional.withdraw(member)
        room.stop_listening(member)
        self.members_by_header.pop(member.header, None)
        member.paused = False
        for key in member.keys:
            del room.members_by_key[key]
        self._forget_remote(member)
        self._active.discard(member)
        self._pending.discard(member)
        self.proofs.end(member)
        self._watch.forget(member)
        self.admission.members.remove(network_of(member.ip))
        return True

    def _after_removal(self, member: Member, reason: EvictionReason, now: float) -> None:
        room = member.room
        if room.host is not member:
            return
        room.host = None
        if self._policy.host_grace_seconds:
            self._hostless.add(room, now)
        else:
            self.close_room(room, reason, members_see=EvictionReason.HOST_LEFT)

    def _forget_remote(self, member: Member) -> None:
        if member.address is not None:
            remote = self.locate(member.address).remote
            self.provisional.forget(remote)
            self._members_by_remote.remove(remote, member)

    def _tell_evicted(self, member: Member, audience: Audience | None, reason: EvictionReason) -> None:
        self._observer(events.MemberEvicted(member.room.name, member.name, reason))
        if member.address is not None:  # else somebody else may listen at its provisional address
            self._post(Disconnected(reason), audience, log=member.room.sent)

    def _announce(self, member: Member, notice: Notice) -> None:
        """Tell the others of the member's room about it."""
        if self._policy.announce:
            self._post(notice, member.room.gather(), member, log=member.room.sent)

    def _post(self, notice: Notice, audience: Audience | None, but: Member | None = None, *, log: Log | None) -> None:
        if audience is not None and len(audience.addresses) > (but in audience.addresses):
            self.outbox.append(Outgoing(notice, audience, but, log))
