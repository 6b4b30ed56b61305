"""Datagrams of members, former members and strangers, with time, errors and departures in between (UDP-01 to UDP-11).

After each step the books balance (CON-01, CON-02), strangers got no answer (CON-03), and whoever was to hear a
message, nobody else, has a copy that is short enough and harmless.
"""

from contextlib import suppress
from typing import Any, Final, cast

from chatproto import EvictionReason, ProtocolError, encode_datagram, parse_datagram, sanitize
from chatproto.constants import MAX_DELIVERY_BYTES
from chatproto.notices import SERVER_NAME
from fuzz.bites import Bites, piece
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.errors import BusyError
from relay_server.core.model import Member
from relay_server.core.receipts import SaidNumbers
from relay_server.net.address import UdpAddress, locate
from services.relay_server.core.rooms_case import Case, address_of, at, delivered, home, take_out

POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"message_rate": 2.0, "message_burst": 3, "byte_rate": 100.0},
    {"attribution": False},
    {"moderation": False},
    {"sanitize": False, "leave_commands": False, "announce": False},
    {"host_grace_seconds": 5.0, "max_members_per_room": 4},
)
WORDS_SAID: Final = (
    *(b"hello", b"", b"/leave", b"/exit", b"/quit", b"ann: hello", b"bob  : hi", b"server: disconnected: kicked"),
    *(b"/say 1 hello", b"/say 2", b"/say 0 hello", b"/say 1 /leave", b"/say 3 \xff"),
    *(b"e2e1.AAAA", b"/say 1 e2e1.AAAA", b" e2e1.AAAA"),
    *(b" SERVER : x", b"a\nb\x1b[2J", "\u202e".encode(), b"\xff", b"\n" * 1400, b"x" * 4096),
)
COMMANDS: Final = (
    *(b"/who", b"/topic tea", b"/topic -", b"/kick bob", b"/ban eve", b"/unban eve", b"/mute bob", b"/unmute bob"),
    *(b"/host bob", b"/host eve", b"/password pw", b"/password -", b"/here 0000000000000001", b"/KICK  bob"),
)
PAUSES: Final = (0.0, 0.01, 0.6, 1.0, 6.0, 20.0, 61.0, 290.0, 301.0)
STRANGERS: Final = (at("10.0.0.1", 5001), at("10.0.0.2"), at("10.9.9.9"), at("2001:db8::1"))
WORLDS: Final = (*((policy, False) for policy in POLICIES), ({}, True))
"""The last one's room is sealed (SEAL-03)."""
MAX_STEPS: Final = 30
MORE_BYTES: Final = 32 + 12
"""By so much an answer may be longer (RCP-04); what comes with a relay's own tokens is 12 bytes longer at least."""

SEEDS: Final = (
    b"\0\0\0\0\1\1\1\2\2\0",
    b"\6\0\0\0\0\1\15\0\0\15\0\1\16\1\0" + piece(b"e2e1.AAAA") + b"\1\2" + piece(b"hello"),
    b"\0\1\0" + piece(b"hello") + b"\1\1" + piece("\u6f22\u5b57".encode()),
    b"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"\2\0\1\7\0\2\10",
    b"\0\2\0\0" + piece(b"\x04\x07demotoken-1hi") + b"\2\1\1" + piece(b"\xff\xff"),
    b"\0\3\0\5\3" + b"\0\0\0\4\1\0\0\0\0\0\4\1\0\3\6\0\0\0\4\1\0",
    b"\4\0\0\2\6" + piece(b"ann") + b"\6" + piece(b"cem") + b"\0\3\2",
)
WORDS: Final = (
    b"demo",
    b"token-1",
    b"token-2",
    b"\x04\x07demotoken-1",
    b"server:",
    b"/leave",
    b"/say 1 ",
    b"ann:",
    b"/mute ",
    b"/ban ",
    b"/topic ",
    b"e2e1.",
)


class World:
    """A room with ann (the host), bob and eve, and what was sent there."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self.policy, self._sealed = bites.pick(WORLDS)
        self._case = Case(**self.policy)
        self._members: list[Member] = list(self._case.trio())
        self._members[1].session.said = SaidNumbers()
        self._members[0].room.sealed = self._sealed
        self._now = 1.0
        self._received = self._case.registry.counters.received
        self._copies = 0
        self._sent = [b""]
        self._heard_at: dict[Member, float] = {}

    def step(self) -> None:
        """Do one thing, and check what has to be true after it."""
        bites = self._bites
        actions = (
            self._say_words,
            self._say_anything,
            self._send_anything,
            self._wait,
            self._bounce,
            self._join,
            self._hash,
        )
        bites.pick(actions)()
        self._case.registry.expire(self._now)
        self._take_notices()
        self.check_books()

    def check_books(self) -> None:
        self._case.assert_all_is_counted()
        counters = self._case.registry.counters
        assert counters.received == self._received
        assert sum(size * count for size, count in counters.fanout.items()) == self._copies

    def _say_words(self) -> None:
        member = self._bites.pick(self._members)
        self._say(member, self._bites.pick((*WORDS_SAID, *COMMANDS)), home(member))

    def _say_anything(self) -> None:
        member = self._bites.pick(self._members)
        self._say(member, self._bites.piece(), home(member, 5000 + self._bites.byte() % 2))

    def _say(self, member: Member, message: bytes, source: UdpAddress) -> None:
        data = (
            bytes((len(member.room.raw_name), len(self._case.tokens[member])))
            + member.room.raw_name
            + self._case.tokens[member]
            + message
        )
        self._send(data, source)

    def _send_anything(self) -> None:
        source = self._bites.pick((*STRANGERS, *(home(member) for member in self._members)))
        data = bytearray(self._bites.piece())
        if self._bites.byte() % 2:  # something valid with something wrong
            member = self._bites.pick(self._members)
            data[:0] = encode_datagram(member.room.raw_name, self._case.tokens[member])
            data[self._bites.byte() % len(data)] ^= self._bites.byte()
        self._send(bytes(data), source)

    def _send(self, data: bytes, source: UdpAddress) -> None:
        sender = self._sender_of(data, source)
        notices = len(self._case.registry.outbox)
        listeners = self._listeners_but(sender) if sender else []
        result = delivered(self._case.relay.handle_datagram(data, source, self._now))
        self._received += 1
        self._check_answers(sender, len(data))
        if sender is None:
            assert isinstance(result, DropReason), "who is no member was heard"
            assert len(self._case.registry.outbox) == notices, "who is no member was answered"
        elif not isinstance(result, DropReason):
            self._heard_at[sender] = self._now
            payload, addresses = result
            if payload:
                self._check_delivery(sender, payload)
                assert addresses == listeners
                self._copies += len(listeners)
                self._sent.append(payload)

    def _check_answers(self, sender: Member | None, size: int) -> None:
        answers = self._case.relay.receipts
        assert len(answers) <= 1, "one datagram was answered by several"
        for address, payload in answers:
            assert sender, "who is no member was answered"
            assert sender.session.said is not None, "who has no receipts was answered"
            assert address == sender.session.address
            assert len(payload) <= size + MORE_BYTES
        answers.clear()

    def _sender_of(self, data: bytes, source: UdpAddress) -> Member | None:
        parts = parse_datagram(data)
        session = self._case.registry.sessions_by_token.get(parts[1]) if parts and len(data) <= 4096 else None
        member = session.member if session else None
        known = member and parts and member.room.raw_name == parts[0] and member.ip == locate(source).ip
        return member if known else None

    def _listeners_but(self, sender: Member) -> list[UdpAddress]:
        others = [member for member in sender.room.members if member is not sender and not member.session.paused]
        return sorted(address for address in map(address_of, others) if address is not None)

    def _check_delivery(self, sender: Member, payload: bytes) -> None:
        assert len(payload) <= MAX_DELIVERY_BYTES
        if self.policy.get("sanitize", True):
            assert sanitize(payload.decode()) == payload.decode(), "what is relayed isn't harmless"
        name, colon, text = payload.partition(b":")
        assert not self._sealed or text.startswith(b" e2e1.") or payload.startswith(b"e2e1."), "it isn't sealed"
        if self.policy.get("attribution", True):
            assert (name.rstrip(b" "), colon) == (sender.raw_name, b":"), "it doesn't say who said it"
        else:
            assert not colon or name.decode(errors="replace").strip().casefold() != SERVER_NAME

    def _address_of(self, member: Member) -> UdpAddress:
        """Return where a member was last heard, or its home."""
        known = self._case.knows(member) and member.session.address
        return cast("UdpAddress", known or home(member))

    def _wait(self) -> None:
        self._now += self._bites.pick(PAUSES)

    def _bounce(self) -> None:
        """Let an ICMP error come, true or forged, or a send fail (EVI-03)."""
        registry, member = self._case.registry, self._bites.pick(self._members)
        target = self._bites.pick((home(member), self._address_of(member), *STRANGERS))
        heard = {
            one.member.name
            for one in registry.sessions_by_token.values()
            if self._now - self._heard_at.get(one.member, -11) < 10
        }
        self._case.events.clear()
        kind = self._bites.byte() % 3
        if kind == 0:
            registry.note_send_error(target, self._now)
        else:
            quoted = self._bites.piece() if kind == 1 else self._sent[-1 - self._bites.byte() % len(self._sent)]
            registry.note_undelivered(target, quoted, self._now)
        told = (one for one in self._case.events if isinstance(one, events.MemberEvicted))
        evicted = {one.name for one in told if one.reason is EvictionReason.UNREACHABLE}
        assert heard.isdisjoint(evicted), "somebody was evicted who had just been heard"

    def _join(self) -> None:
        name = self._bites.piece().decode(errors="replace")
        with suppress(ProtocolError):
            self._members.append(self._case.join(name, now=self._now))

    def _hash(self) -> None:
        """Let the work on a new password end, or fail, whoever is the host by now (MOD-08)."""

        def hashed() -> str:
            if self._bites.byte() % 2:
                raise BusyError
            return "a hash"

        if self._case.to_hash:
            self._case.commands.set_password(self._case.to_hash.pop(), hashed)

    def _take_notices(self) -> None:
        for payload, addresses in take_out(self._case.registry.outbox):
            assert addresses, "a notice to nobody"
            assert sanitize(payload.decode()) == payload.decode()
            assert len(payload) <= MAX_DELIVERY_BYTES
            self._sent.append(payload)


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites:
            break
        world.step()
    world.check_books()
