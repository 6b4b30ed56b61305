"""Members of rooms on other nodes whom this node carries there: who they are, and whose datagrams go on (CLU-04)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Protocol

from chatproto import Challenge, Disconnected, EvictionReason, RefusalCode, encode_notice
from chatproto.receipts import parse_numbered
from relay_server.core.address import network_of
from relay_server.core.admission import Census
from relay_server.core.audience import Audience, Listener
from relay_server.core.counters import DropReason
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.endpoint import Address, Endpoint
from relay_server.core.errors import TooManyError
from relay_server.core.judge import LEAVE_COMMANDS
from relay_server.core.places import Node
from relay_server.core.policy import Policy
from relay_server.core.reachability import SentLog, Watch
from relay_server.core.registry import ADDRESS_CHANGE_SECONDS, Registry

LEAVING_SECONDS: Final = 2.0
"""So long somebody who said that it leaves may still be answered."""
_FAREWELLS: Final = frozenset(
    encode_notice(Disconnected(reason, banned), json=json)
    for reason, banned, json in product(EvictionReason, (False, True), (False, True))
)
"""What a home says last to a member, whose token is dead then; a home of another version may have other words."""


class Homeward(Protocol):
    """The way of a member's datagrams to its room's home."""

    def send(self, data: bytes) -> None:
        """Send one there; what comes back goes to the member."""
        ...

    def close(self) -> None:
        """Let the home find out that nobody hears here, until the next one is sent."""
        ...


@dataclass(slots=True, eq=False)
class CarriedMember(Listener):
    """Somebody whom this node carries."""

    ip: bytes
    """Where it joined from; its datagrams come from there (UDP-02)."""
    room: bytes = b""
    token: bytes = field(default=b"", repr=False)
    homeward: Homeward | None = None
    """None for who chats over a stream, or has no answer yet."""
    silence_seconds: float = 0.0
    patience_seconds: float = 0.0
    """It may be silent for so long now."""
    moved_at: float = float("-inf")
    has_place: bool = True
    """Whether it still counts."""
    sent: SentLog = field(default_factory=SentLog)
    home: Node | None = None
    """The node that holds its room."""
    follows: bool = False
    """Whether its client takes its seat again elsewhere (CLU-02)."""

    @property
    def ends_at(self) -> float:
        """When it is given up unless it speaks."""
        return self.seen_at + self.patience_seconds


class CarriedMembers:
    """All whom this node carries, by their tokens. The homes alone know who they are, and judge what they say."""

    def __init__(self, registry: Registry, policy: Policy, new_nonce: Callable[[], str]) -> None:
        self._registry = registry
        self._pending_seconds = policy.pending_timeout_seconds
        self._leave_commands = policy.leave_commands
        self._census = Census(policy.max_members, policy.max_members_per_address)
        self._by_token: dict[bytes, CarriedMember] = {}
        self._by_remote: dict[bytes, dict[CarriedMember, None]] = {}
        self._queue: DeadlineQueue[CarriedMember] = DeadlineQueue(0.0, lambda member: member.ends_at)
        self._watch: Watch[CarriedMember] = Watch(new_nonce, self._ask, self._give_up, self._pause, self._resume)

    def __len__(self) -> int:
        """Return how many there are, over datagrams, streams, and those who wait for an answer."""
        return self._census.total

    def __iter__(self) -> Iterator[CarriedMember]:
        """Go through those who chat over datagrams."""
        yield from self._by_token.values()

    def admit(self, ip: bytes) -> CarriedMember:
        """Take a place for somebody who is about to be carried; `end` gives it back.

        Raises:
            TooManyError: there is none.

        """
        if self._census.is_full():
            raise TooManyError(RefusalCode.TOO_MANY_CARRIED)
        if self._census.is_full_for(network_of(ip)):
            raise TooManyError(RefusalCode.TOO_MANY_MEMBERS_OF_ADDRESS)
        self._census.add(network_of(ip))
        return CarriedMember(ip)

    def begin(
        self, member: CarriedMember, room: bytes, token: bytes, homeward: Homeward, silence_seconds: float, now: float
    ) -> None:
        """Let somebody who got a token be heard; who asks once more gets the same token (RES-02), and counts once."""
        self.end_by_token(token)
        member.room, member.token, member.homeward = room, token, homeward
        member.silence_seconds = silence_seconds
        self._by_token[token] = member
        member.seen_at = now
        self._wait_for(member, self._pending_seconds, now)

    def take_over(self, member: CarriedMember) -> None:
        """Put somebody into place whom another process carries, as it is there; again if something changed."""
        self.end_by_token(member.token)
        self._census.add(network_of(member.ip))
        self._by_token[member.token] = member
        self._queue.add(member, member.seen_at)
        if member.address is not None:
            self._note_remote(member, self._registry.locate(member.address).remote)

    def end(self, member: CarriedMember) -> None:
        """Carry somebody no more; nothing happens a second time."""
        if not member.has_place:
            return
        member.has_place = False
        self._census.remove(network_of(member.ip))
        if member.homeward is None:
            return
        del self._by_token[member.token]
        self._queue.discard(member)
        self._watch.forget(member)
        self._forget_remote(member)
        member.homeward.close()
        member.homeward = None

    def end_by_token(self, token: bytes) -> None:
        """Carry somebody no more, if there is somebody with this token."""
        if (member := self._by_token.get(token)) is not None:
            self.end(member)

    def lose_home(self, node: Node) -> None:
        """Tell all members of a node that is gone that their places are, and carry them no more."""
        self._dismiss([each for each in self._by_token.values() if each.home == node])

    def let_go(self) -> None:
        """Tell all that they aren't carried any more, for this process ends."""
        self._dismiss(list(self._by_token.values()))

    def _dismiss(self, members: Iterable[CarriedMember]) -> None:
        for member in members:
            if member.address is not None:
                reason = EvictionReason.MOVED if member.follows else EvictionReason.SHUTDOWN
                self._registry.post(Disconnected(reason), Audience({member: member.address}), log=member.sent)
            self.end(member)

    def identify(
        self, room: bytes, token: bytes, message: bytes, source: Address, endpoint: Endpoint, now: float
    ) -> CarriedMember | DropReason | None:
        """Find out whose datagram this is, or why it doesn't go on (UDP-02); None: it is nobody's who is carried.

        ``endpoint`` is what ``source`` tells.
        """
        member = self._by_token.get(token)
        if member is None:
            return None
        if member.room != room:
            return DropReason.ROOM_MISMATCH
        if member.ip != endpoint.ip:
            return DropReason.ADDRESS_MISMATCH
        self._hear(member, source, endpoint.remote, now)
        if self._leave_commands and _text_of(message) in LEAVE_COMMANDS:
            self._wait_for(member, LEAVING_SECONDS, now)
        return member

    def note_sent(self, member: CarriedMember, payload: bytes, now: float) -> None:
        """Remember some of what goes to a member, to check errors against; carry no more whom its home evicts.

        Else it would count here until it was silent for long, and people of its address couldn't join elsewhere.
        """
        if payload in _FAREWELLS:
            self.end(member)
        elif now >= member.sent.due_at:
            member.sent.sample(payload, now)

    def note_undelivered(self, target: Address, quoted: bytes, now: float) -> None:
        """Take an ICMP error: once a challenge comes back, the home is to learn that nobody hears (EVI-03)."""
        at_target = list(self._by_remote.get(self._registry.locate(target).remote, ()))
        # Of those who share a socket one is asked, however many errors come; what is proven is true of all.
        if at_target and self._watch.note_undelivered(at_target[0], at_target[0].sent, quoted, now):
            for member in at_target[1:]:
                self._watch.note_failure(member, now)

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self._queue.next_deadline()

    def expire(self, now: float) -> None:
        """Give up who was silent for too long, and ask those again who provably failed."""
        while (member := self._queue.pop_due(now)) is not None:
            self.end(member)
        self._watch.tick(now)

    def _hear(self, member: CarriedMember, source: Address, remote: bytes, now: float) -> None:
        member.seen_at, member.failures, member.paused = now, None, False
        if member.address == source or now - member.moved_at < ADDRESS_CHANGE_SECONDS:  # UDP-03
            return
        if member.address is None:
            self._wait_for(member, member.silence_seconds, now)
        self._forget_remote(member)
        member.address, member.moved_at = source, now
        self._note_remote(member, remote)

    def _note_remote(self, member: CarriedMember, remote: bytes) -> None:
        self._by_remote.setdefault(remote, {})[member] = None
        self._registry.provisional.prove(remote)

    def _forget_remote(self, member: CarriedMember) -> None:
        if member.address is not None:
            remote = self._registry.locate(member.address).remote
            self._registry.provisional.forget(remote)
            del self._by_remote[remote][member]
            if not self._by_remote[remote]:
                del self._by_remote[remote]

    def _wait_for(self, member: CarriedMember, seconds: float, now: float) -> None:
        member.patience_seconds = seconds
        self._queue.discard(member)  # its time may be shorter now
        self._queue.add(member, now)

    def _ask(self, member: CarriedMember, challenge: Challenge) -> None:
        registry = self._registry
        registry.counters.challenges += 1
        registry.post(challenge, Audience({member: member.address}), log=member.challenges)

    def _pause(self, member: CarriedMember) -> None:
        """Close the way: so the home's copies come back to it, and it judges by itself (EVI-08)."""
        if member.homeward is not None and not member.paused:
            member.paused = True
            member.homeward.close()

    def _resume(self, member: CarriedMember) -> None:
        """Leave it to the member's next datagram to open the way: only then does the home know where it begins."""

    def _give_up(self, member: CarriedMember, _now: float) -> None:
        self._pause(member)


def _text_of(message: bytes) -> bytes:
    numbered = parse_numbered(message)
    return message if numbered is None else numbered[1]
