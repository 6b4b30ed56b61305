"""The rooms' data path: what becomes of one datagram (UDP-01 to UDP-11, RCP-01 to RCP-04)."""

from typing import Final

from chatproto import EvictionReason, MessageDropped, NotRelayed, is_answer, parse_command, parse_datagram, sanitize
from chatproto.commands import LEAVE_WORDS
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.receipts import NUMBERED, encode_receipt, parse_numbered
from relay_server.core.address import is_answerable, network_of
from relay_server.core.audience import Forward
from relay_server.core.commands import Commands
from relay_server.core.counters import DropReason
from relay_server.core.endpoint import Address
from relay_server.core.limits import SMALL_AUDIENCE, NetworkBuckets, copy_rate
from relay_server.core.model import Member, Session
from relay_server.core.names import passes_for_server
from relay_server.core.policy import Policy
from relay_server.core.receipts import Answer, Receipt
from relay_server.core.registry import TELL_SECONDS, Registry
from relay_server.core.sealed import may_be_said

LEAVE_COMMANDS: Final = frozenset(word.encode() for word in LEAVE_WORDS)
STRIKES_TO_EVICT: Final = 30
"""Told so often, with no pause in between, that it broke the limit: abuse (EVI-03)."""
STRIKE_PAUSE_SECONDS: Final = 5.0
"""A pause this long makes the next strike the first."""
GUESSES_A_SECOND: Final = 20.0
"""Unknown tokens from one address; what is over counts as guessing (LIM-01)."""

_SLASH = ord("/")
_SURELY_SHORT_BYTES = MAX_DELIVERY_BYTES - 255 - len(": ")
"""A datagram of this size is short enough with any name before it (UDP-06)."""
_ONLY_PLAIN = bytes(code if 32 <= code < 127 or code == ord("\t") else ord("?") for code in range(256))
"""Leaves a message as it is if it is ASCII without controls: faster to ask than anything about text."""


class Relay:
    """Judges datagrams: each is forwarded, or dropped for one reason."""

    def __init__(self, registry: Registry, policy: Policy, commands: Commands | None = None) -> None:
        """``commands`` carries out what hosts write; without it that is text like any other (MOD-01)."""
        self._registry = registry
        self._commands = commands
        self._counters = registry.counters
        self._fanout = registry.counters.fanout
        self._find_sender = registry.sessions_by_header.get
        self._locate = registry.locate
        self._guesses = NetworkBuckets(GUESSES_A_SECOND, GUESSES_A_SECOND)
        self._copies = NetworkBuckets(*copy_rate(policy))
        self._attribution = policy.attribution
        self._sanitize = policy.sanitize
        self._leave_commands = policy.leave_commands
        self.receipts: list[Receipt] = []
        """Answers to messages that have a number; who sends them takes them out."""
        self._answers = False
        """Whether the message in hand has a number, so that its answer tells what became of it."""

    def handle_datagram(self, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        """Decide about one datagram and count the decision (CON-01); None: it was accepted, and nobody gets it.

        Every message comes this way, so it calls little: with most of them `_interpret` would find nothing to do.
        """
        size = len(data)
        counters = self._counters
        counters.received += 1
        counters.bytes_received += size
        sender = self._find_sender(data[: 2 + data[0] + data[1]]) if size > 3 else None
        if sender is None or sender.address != source or size > MAX_DATAGRAM_BYTES:
            newcomer = self._identify(data, source, now)
            if isinstance(newcomer, DropReason):
                return self._drop(newcomer)
            sender = newcomer
        sender.seen_at = now
        sender.failures = None
        message = data[sender.header_bytes :]
        member = sender.member
        reason = None
        if (sender.said is not None and message.startswith(NUMBERED)) or (
            member.limit is not None and (reason := member.limit.exceeded(len(message), now)) is not None
        ):
            return self._hold_back(member, message, reason, now) if reason else self._take_number(sender, message, now)
        attribution = member.attribution
        # An ordinary message: short, plain, no command, not one that may begin with its sender's own name, and not in a
        # sealed room.
        if (
            self._attribution
            and message.translate(_ONLY_PLAIN) == message != b""
            and (first := message[0]) != _SLASH
            and first != attribution[0]
            and size <= _SURELY_SHORT_BYTES
            and not member.room.sealed
        ):
            payload = attribution + message
        else:
            meant = self._interpret(member, message, now)
            if not meant or isinstance(meant, DropReason):
                return self._conclude(meant)
            payload = meant
        room = member.room
        audience = room.audience or room.gather()
        others = len(audience.addresses) - 1
        if others > SMALL_AUDIENCE and (copied := self._over_copies(member, others, now)):
            return self._drop(copied)
        counters.accepted += 1
        if now >= room.sent.due_at:
            room.sent.sample(payload, now)
        self._fanout[others] += 1
        return audience, sender, payload

    def _take_number(self, sender: Session, message: bytes, now: float) -> Forward | DropReason | None:
        """Judge a message that has a number, unless it was said before, and answer it (RCP-01, RCP-02)."""
        numbered, said = parse_numbered(message), sender.said
        if numbered is None or said is None:
            return self._judge(sender, message, now)
        number, text = numbered
        if number <= said.greatest:
            if number in said:
                self._answer(sender, Answer.REPEATED, number)
                return self._conclude(b"")
            if said.is_stale(number):
                self._answer(sender, Answer.NOT_SAID, number, DropReason.STALE)
                return self._drop(DropReason.STALE)
        self._answers = True
        result = self._judge(sender, text, now)
        self._answers = False
        if isinstance(result, DropReason):
            self._answer(sender, Answer.NOT_SAID, number, result)
        else:
            said.add(number)
            self._answer(sender, Answer.SAID, number)
        return result

    def _judge(self, sender: Session, message: bytes, now: float) -> Forward | DropReason | None:
        """Do as `handle_datagram` does with a member's message, without its short cuts."""
        member = sender.member
        if member.limit is not None and (reason := member.limit.exceeded(len(message), now)) is not None:
            return self._hold_back(member, message, reason, now)
        meant = self._interpret(member, message, now)
        if not meant or isinstance(meant, DropReason):
            return self._conclude(meant)
        audience = member.room.gather()
        others = len(audience.addresses) - 1
        if others > SMALL_AUDIENCE and (copied := self._over_copies(member, others, now)):
            return self._drop(copied)
        self._counters.accepted += 1
        if now >= member.room.sent.due_at:
            member.room.sent.sample(meant, now)
        self._fanout[others] += 1
        return audience, sender, meant

    def _answer(self, sender: Session, answer: Answer, number: int, reason: str = "") -> None:
        """Tell a member what became of its number, where it is known to be; who is gone by now, isn't told (RCP-04)."""
        if sender.address is not None and sender.member in sender.member.room.members:
            self._counters.answers[answer] += 1
            self.receipts.append((sender.address, encode_receipt(number, reason)))

    def _advise(self, member: Member, reason: NotRelayed, now: float, over_bytes: int = 0) -> None:
        """Tell a member that a message of its wasn't relayed, if no answer will."""
        if not self._answers:
            self._registry.advise(member, MessageDropped(reason, over_bytes), now)

    def _identify(self, data: bytes, source: Address, now: float) -> Session | DropReason:
        """Find out who sends from a new address, or why it doesn't count (UDP-02, UDP-03)."""
        if len(data) > MAX_DATAGRAM_BYTES:
            return DropReason.OVERSIZED
        parts = parse_datagram(data)
        if parts is None:
            return DropReason.MALFORMED
        endpoint = self._locate(source)
        if not is_answerable(endpoint.ip, endpoint.port):
            return DropReason.UNANSWERABLE
        raw_room, token, _ = parts
        session = self._registry.sessions_by_token.get(token)
        if session is None:
            known_guesser = not self._guesses.take(network_of(endpoint.ip), now)
            return DropReason.GUESSING if known_guesser else DropReason.UNKNOWN_TOKEN
        if session.member.room.raw_name != raw_room:
            return DropReason.ROOM_MISMATCH
        if endpoint.ip != session.ip:
            return DropReason.ADDRESS_MISMATCH
        self._registry.hear(session, source, now)
        return session

    def _interpret(self, member: Member, message: bytes, now: float) -> bytes | DropReason:
        """Return what the others see of a message, nothing if it isn't for them, or why it is dropped."""
        obeyed = self._obey(member, message, now)
        if obeyed is not None:
            return obeyed
        if not may_be_said(member.room, message):
            self._advise(member, NotRelayed.NOT_SEALED, now)
            return DropReason.NOT_SEALED
        payload = self._render(member, message)
        if payload is None:
            return DropReason.RESERVED_NAME if _is_utf8(message) else DropReason.INVALID_UTF8
        if len(payload) > MAX_DELIVERY_BYTES:
            over = len(payload) - MAX_DELIVERY_BYTES
            self._advise(member, NotRelayed.TOO_LONG, now, over)
            return DropReason.TOO_LONG
        return payload

    def _obey(self, member: Member, message: bytes, now: float) -> bytes | DropReason | None:
        """Do what a message means if it is for the relay and for nobody else; None if it is to be relayed."""
        if not message:
            return b""
        if message[0] != _SLASH:
            return None
        if is_answer(message):
            self._registry.proofs.take_answer(member.session, message, now)
            return b""
        if message in LEAVE_COMMANDS and self._leave_commands:
            self._registry.leave(member, now)
            return b""
        asked = parse_command(message.decode(errors="replace")) if self._commands else None
        if asked is None or self._commands is None:
            return None
        if not _is_utf8(message):
            return DropReason.INVALID_UTF8
        others = len(member.room.members) - 1
        # Everybody may hear of what a host does, so it counts as a message would.
        if member.room.host is member and others > SMALL_AUDIENCE and (over := self._over_copies(member, others, now)):
            return over
        self._commands.obey(member, *asked, now)
        return b""

    def _hold_back(self, member: Member, message: bytes, reason: DropReason, now: float) -> DropReason | None:
        """Drop what is over a limit; who is muted may still be there, leave and use commands (MOD-05)."""
        if reason is not DropReason.MUTED:
            return self._drop(self._over_limit(member, reason, now))
        meant = self._obey(member, message, now)
        if meant is None:
            self._advise(member, NotRelayed.MUTED, now)
            return self._drop(reason)
        return self._conclude(meant)

    def _render(self, member: Member, message: bytes) -> bytes | None:
        """Return what the others see of a message, or None if they may not see it (UDP-05, UDP-09, UDP-11)."""
        if self._sanitize and message.translate(_ONLY_PLAIN) != message:
            try:
                message = sanitize(message.decode()).encode()
            except UnicodeDecodeError:
                return None
        if not self._attribution:
            return None if _speaks_as_server(message) else message
        if message.startswith(member.raw_name) and _names_itself(message, member.raw_name):
            return message
        return member.attribution + message

    def _conclude(self, meant: bytes | DropReason) -> DropReason | None:
        """Count a datagram that nobody gets."""
        if isinstance(meant, DropReason):
            return self._drop(meant)
        self._counters.accepted += 1
        return None

    def _drop(self, reason: DropReason) -> DropReason:
        self._counters.dropped[reason] += 1
        return reason

    def _over_copies(self, member: Member, others: int, now: float) -> DropReason | None:
        """Count what the members of one address make the relay send in large rooms; the member alone isn't to blame."""
        if self._copies.take(network_of(member.ip), now, others):
            return None
        self._advise(member, NotRelayed.COPY_RATE, now)
        return DropReason.COPY_RATE

    def _over_limit(self, member: Member, reason: DropReason, now: float) -> DropReason:
        since_struck = now - member.struck_at
        if since_struck >= TELL_SECONDS:
            member.struck_at = now
            member.strikes = member.strikes + 1 if since_struck < STRIKE_PAUSE_SECONDS else 1
            self._advise(member, NotRelayed(reason), now)
            if member.strikes >= STRIKES_TO_EVICT:
                self._registry.evict(member, EvictionReason.ABUSE, now)
        return reason


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


def _names_itself(message: bytes, raw_name: bytes) -> bool:
    return message[len(raw_name) :].lstrip(b" ").startswith(b":")


def _speaks_as_server(message: bytes) -> bool:
    name, colon, _ = message.partition(b":")
    return bool(colon) and passes_for_server(name.decode(errors="replace"))
