"""The rooms' data path: what becomes of one datagram (UDP-01 to UDP-11, RCP-01 to RCP-04)."""

from typing import Final

from chatproto import parse_datagram
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.receipts import encode_receipt, parse_numbered
from relay_server.core.address import is_answerable, network_of
from relay_server.core.audience import Forward
from relay_server.core.carried import CarriedMember, CarriedMembers
from relay_server.core.counters import DropReason
from relay_server.core.endpoint import Address
from relay_server.core.entries import add_message
from relay_server.core.judge import ONLY_PLAIN, SLASH, Judge
from relay_server.core.limits import SMALL_AUDIENCE, NetworkBuckets
from relay_server.core.model import Session
from relay_server.core.policy import Policy
from relay_server.core.receipts import Answer, Receipt
from relay_server.core.registry import Registry

GUESSES_A_SECOND: Final = 20.0
"""Unknown tokens from one address; what is over counts as guessing (LIM-01)."""

_SURELY_SHORT_BYTES = MAX_DELIVERY_BYTES - 255 - len(": ")
"""A message of this size is short enough with any name before it (UDP-06)."""


class Relay:
    """Judges datagrams: each is forwarded, goes on to another node, or is dropped for one reason."""

    def __init__(self, registry: Registry, policy: Policy, judge: Judge, carried: CarriedMembers | None = None) -> None:
        """``carried`` are the members of rooms on other nodes; None for a relay that is alone."""
        self._registry = registry
        self._judge = judge
        self._counters = registry.counters
        self._fanout = registry.counters.fanout
        self._find_sender = registry.sessions_by_header.get
        self._locate = registry.locate
        self._guesses = NetworkBuckets(GUESSES_A_SECOND, GUESSES_A_SECOND)
        self._attribution = policy.attribution
        self._carried = carried
        self.receipts: list[Receipt] = []
        """Answers to messages that have a number; who sends them takes them out."""

    def handle_datagram(self, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        """Decide about one datagram and count the decision (CON-01); None: nobody here gets it."""
        size = len(data)
        counters = self._counters
        counters.received += 1
        counters.bytes_received += size
        sender = self._find_sender(data[: 2 + data[0] + data[1]]) if size > 3 else None
        if sender is None or sender.address != source or size > MAX_DATAGRAM_BYTES:
            newcomer = self._identify(data, source, now)
            if not isinstance(newcomer, Session):
                return self._send_off(newcomer, data)
            sender = newcomer
        sender.seen_at = now
        sender.failures = None
        message = data[sender.header_bytes :]
        if sender.said is not None and (numbered := parse_numbered(message)) is not None:
            return self._take_number(sender, *numbered, now)
        return self._take(sender, 0, message, now)

    def _take_number(self, sender: Session, number: int, message: bytes, now: float) -> Forward | DropReason | None:
        """Judge a message that has a number, unless it was said before or may have been, and answer it (RCP-02)."""
        said = sender.said
        if said is not None and number <= said.greatest:
            if number in said:
                self._answer(sender, Answer.REPEATED, number)
                return self._conclude(sender, 0, b"")
            if said.is_stale(number):
                self._answer(sender, Answer.NOT_SAID, number, DropReason.STALE)
                return self._drop(DropReason.STALE)
        return self._take(sender, number, message, now)

    def _take(self, sender: Session, number: int, message: bytes, now: float) -> Forward | DropReason | None:
        """Judge a message, and answer it if it has a number, which is 0 else.

        Every message comes this way, so it calls little: with most of them `Judge.interpret` would find nothing to do.
        """
        member = sender.member
        limit = member.limit
        if limit is not None and (reason := limit.exceeded(len(message), now)) is not None:
            held = self._judge.hold_back(member, message, reason, now, answers=number > 0)
            return self._conclude(sender, number, held)
        attribution = member.attribution
        room = member.room
        # An ordinary message: short, plain, no command, not one that may begin with its sender's own name, and not in a
        # sealed room.
        if (
            self._attribution
            and message.translate(ONLY_PLAIN) == message != b""
            and (first := message[0]) != SLASH
            and first != attribution[0]
            and len(message) <= _SURELY_SHORT_BYTES
            and not room.sealed
        ):
            payload = attribution + message
        else:
            meant = self._judge.interpret(member, message, now, answers=number > 0)
            if not meant or isinstance(meant, DropReason):
                return self._conclude(sender, number, meant)
            payload = meant
        audience = room.audience or room.gather()
        others = len(audience.addresses) - 1
        ring = room.ring
        if (others > SMALL_AUDIENCE or ring is not None) and (
            over := self._judge.over_copies(member, now, answers=number > 0)
        ) is not None:
            return self._conclude(sender, number, over)
        if number:
            self._settle(sender, number, payload)
        self._counters.accepted += 1
        if now >= room.sent.due_at:
            room.sent.sample(payload, now)
        self._fanout[others] += 1
        if ring is not None:
            add_message(ring, member, payload, number, self._registry.stream_counters, names=self._attribution)
        return audience, sender, payload

    def _settle(self, sender: Session, number: int, meant: bytes | DropReason) -> None:
        """Answer a number by what became of its message, and remember it if it was said (RCP-01, RCP-02)."""
        said = sender.said
        assert said is not None  # noqa: S101 - nobody else's messages have numbers
        if not isinstance(meant, DropReason):
            said.add(number)
            self._answer(sender, Answer.SAID, number)
        elif meant is not DropReason.MOVING:  # it isn't answered, so it is said again where the room is then
            self._answer(sender, Answer.NOT_SAID, number, meant)

    def _answer(self, sender: Session, answer: Answer, number: int, reason: str = "") -> None:
        """Tell a member what became of its number, where it is known to be; who is gone by now, isn't told (RCP-04)."""
        if sender.address is not None and sender.member in sender.member.room.members:
            self._counters.answers[answer] += 1
            self.receipts.append((sender.address, encode_receipt(number, reason)))

    def _identify(self, data: bytes, source: Address, now: float) -> Session | CarriedMember | DropReason:
        """Find out who sends from a new address, or why it doesn't count (UDP-02, UDP-03)."""
        if len(data) > MAX_DATAGRAM_BYTES:
            return DropReason.OVERSIZED
        parts = parse_datagram(data)
        if parts is None:
            return DropReason.MALFORMED
        endpoint = self._locate(source)
        if not is_answerable(endpoint.ip, endpoint.port):
            return DropReason.UNANSWERABLE
        raw_room, token, message = parts
        session = self._registry.sessions_by_token.get(token)
        if session is None or session.place is not None:  # a stream's token is good for nothing here (STR-06)
            carried = self._carried
            whose = carried.identify(raw_room, token, message, source, endpoint, now) if carried is not None else None
            return whose or self._note_unknown(endpoint.ip, now)
        if session.member.room.raw_name != raw_room:
            return DropReason.ROOM_MISMATCH
        if endpoint.ip != session.source_ip:
            return DropReason.ADDRESS_MISMATCH
        self._registry.hear(session, source, now)
        return session

    def _note_unknown(self, ip: bytes, now: float) -> DropReason:
        """Tell a guess from a mistake; a node speaks for many, and those whom it carries guess at it, not here."""
        if ip in self._registry.edges or self._guesses.take(network_of(ip), now):
            return DropReason.UNKNOWN_TOKEN
        return DropReason.GUESSING

    def _send_off(self, whose: CarriedMember | DropReason, data: bytes) -> DropReason | None:
        """Let a datagram that isn't for a room here go on to its own, or nowhere (CLU-04)."""
        if isinstance(whose, DropReason):
            return self._drop(whose)
        self._counters.carried += 1
        assert whose.homeward is not None  # noqa: S101 - who has a token has a way
        whose.homeward.send(data)
        return None

    def _conclude(self, sender: Session, number: int, meant: bytes | DropReason) -> DropReason | None:
        """Count a datagram that nobody gets, and answer its number if it has one."""
        if number:
            self._settle(sender, number, meant)
        if isinstance(meant, DropReason):
            return self._drop(meant)
        self._counters.accepted += 1
        return None

    def _drop(self, reason: DropReason) -> DropReason:
        self._counters.dropped[reason] += 1
        return reason
