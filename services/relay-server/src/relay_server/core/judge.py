"""What a member's words mean: a message to the others, something for the relay alone, or nothing that counts."""

from typing import Final

from chatproto import EvictionReason, MessageDropped, NotRelayed, is_answer, parse_command, sanitize
from chatproto.commands import LEAVE_WORDS
from chatproto.constants import MAX_DELIVERY_BYTES
from relay_server.core.address import network_of
from relay_server.core.commands import Commands
from relay_server.core.counters import DropReason
from relay_server.core.limits import SMALL_AUDIENCE, NetworkBuckets, copy_rate
from relay_server.core.model import Member, Room
from relay_server.core.names import passes_for_server
from relay_server.core.policy import Policy
from relay_server.core.registry import Registry
from relay_server.core.sealed import may_be_said
from relay_server.core.voice import TELL_SECONDS

LEAVE_COMMANDS: Final = frozenset(word.encode() for word in LEAVE_WORDS)
STRIKES_TO_EVICT: Final = 30
"""Told so often, with no pause in between, that it broke the limit: abuse (EVI-03)."""
STRIKE_PAUSE_SECONDS: Final = 5.0
"""A pause this long makes the next strike the first."""
ONLY_PLAIN: Final = bytes(code if 32 <= code < 127 or code == ord("\t") else ord("?") for code in range(256))
"""Leaves a message as it is if it is ASCII without controls: faster to ask than anything about text."""
SLASH: Final = ord("/")


class Judge:
    """Judges what members say, in whichever way it came; who asks counts what comes of it."""

    def __init__(self, registry: Registry, policy: Policy, commands: Commands | None = None) -> None:
        """``commands`` carries out what hosts write; without it that is text like any other (MOD-01)."""
        self._registry = registry
        self._commands = commands
        self._copies = NetworkBuckets(*copy_rate(policy))
        self.attribution = policy.attribution
        """Whether the relay says who says something."""
        self._sanitize = policy.sanitize
        self._leave_commands = policy.leave_commands
        self.over_bytes = 0
        """By how many bytes the newest message that was too long exceeded what a delivery may have."""

    def judge(self, member: Member, message: bytes, now: float, *, answers: bool = False) -> bytes | DropReason:
        """Return what the others get of a message, nothing if it isn't for them, or why it is dropped.

        With ``answers`` its member is told by the answer to its number, here and below.
        """
        if member.limit is not None and (reason := member.limit.exceeded(len(message), now)) is not None:
            return self.hold_back(member, message, reason, now, answers=answers)
        meant = self.interpret(member, message, now, answers=answers)
        if meant and not isinstance(meant, DropReason):
            return self.over_copies(member, now, answers=answers) or meant
        return meant

    def interpret(self, member: Member, message: bytes, now: float, *, answers: bool) -> bytes | DropReason:
        """Do as `judge` does with what is within the limits, but for how many get it."""
        obeyed = self._obey(member, message, now, answers=answers)
        if obeyed is not None:
            return obeyed
        if not may_be_said(member.room, message):
            self._advise(member, NotRelayed.NOT_SEALED, now, answers=answers)
            return DropReason.NOT_SEALED
        payload = self._render(member, message)
        if payload is None:
            return DropReason.RESERVED_NAME if _is_utf8(message) else DropReason.INVALID_UTF8
        if len(payload) > MAX_DELIVERY_BYTES:
            self.over_bytes = len(payload) - MAX_DELIVERY_BYTES
            self._advise(member, NotRelayed.TOO_LONG, now, answers=answers)
            return DropReason.TOO_LONG
        return payload

    def hold_back(
        self, member: Member, message: bytes, reason: DropReason, now: float, *, answers: bool
    ) -> bytes | DropReason:
        """Drop what is over a limit; who is muted may still be there, leave and use commands (MOD-05)."""
        if reason is DropReason.MOVING:
            return reason
        if reason is not DropReason.MUTED:
            return self._over_limit(member, reason, now, answers=answers)
        meant = self._obey(member, message, now, answers=answers)
        if meant is None:
            self._advise(member, NotRelayed.MUTED, now, answers=answers)
            return reason
        return meant

    def over_copies(self, member: Member, now: float, *, answers: bool) -> DropReason | None:
        """Count what the members of one address make the relay send in large rooms; the member alone isn't to blame."""
        others = listeners(member.room) - 1
        if others <= SMALL_AUDIENCE or self._copies.take(network_of(member.ip), now, others):
            return None
        self._advise(member, NotRelayed.COPY_RATE, now, answers=answers)
        return DropReason.COPY_RATE

    def _advise(self, member: Member, reason: NotRelayed, now: float, *, answers: bool) -> None:
        """Tell a member that a message of its wasn't relayed, if no answer will."""
        if not answers:
            self._registry.advise(member, dropped(reason, self.over_bytes), now)

    def _obey(self, member: Member, message: bytes, now: float, *, answers: bool) -> bytes | DropReason | None:
        """Do what a message means if it is for the relay and for nobody else; None if it is to be relayed."""
        if not message:
            return b""
        if message[0] != SLASH:
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
        # Everybody may hear of what a host does, so it counts as a message would.
        if member.room.host is member and (over := self.over_copies(member, now, answers=answers)):
            return over
        self._commands.obey(member, *asked, now)
        return b""

    def _render(self, member: Member, message: bytes) -> bytes | None:
        """Return what the others see of a message, or None if they may not see it (UDP-05, UDP-09, UDP-11)."""
        if self._sanitize and message.translate(ONLY_PLAIN) != message:
            try:
                message = sanitize(message.decode()).encode()
            except UnicodeDecodeError:
                return None
        if not self.attribution:
            return None if _speaks_as_server(message) else message
        if message.startswith(member.raw_name) and _names_itself(message, member.raw_name):
            return message
        return member.attribution + message

    def _over_limit(self, member: Member, reason: DropReason, now: float, *, answers: bool) -> DropReason:
        since_struck = now - member.struck_at
        if since_struck >= TELL_SECONDS:
            member.struck_at = now
            member.strikes = member.strikes + 1 if since_struck < STRIKE_PAUSE_SECONDS else 1
            self._advise(member, NotRelayed(reason), now, answers=answers)
            if member.strikes >= STRIKES_TO_EVICT:
                self._registry.evict(member, EvictionReason.ABUSE, now)
        return reason


def dropped(reason: NotRelayed, over_bytes: int) -> MessageDropped:
    """Return what tells a member why its message wasn't relayed."""
    return MessageDropped(reason, over_bytes if reason is NotRelayed.TOO_LONG else 0)


def listeners(room: Room) -> int:
    """Return how many hear what is said in a room."""
    ring = room.ring
    return len(room.gather().addresses) + (0 if ring is None else len(ring.readers))


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
