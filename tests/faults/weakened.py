"""A relay with one guard taken away: an attack that doesn't succeed against it proves nothing about the guard."""

import ctypes
import errno
import random
import secrets
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import chatproto
import chatproto.receipts
from chatproto import Advice, transaction
from chatproto.tls import RecordCounter
from faults.weakening import replace
from relay_server import asked, control
from relay_server.core import (
    admission,
    fair_queue,
    judge,
    limits,
    lobby,
    names,
    provisional,
    registry,
    relay,
    stream_relay,
)
from relay_server.core.audience import Audience, Forward, Listener, Outgoing
from relay_server.core.carried import CarriedMembers
from relay_server.core.commands import Commands
from relay_server.core.counters import DropReason
from relay_server.core.endpoint import Address, Endpoint
from relay_server.core.homing import Homing
from relay_server.core.model import Member, Session
from relay_server.core.nodes import Nodes, Verdict
from relay_server.core.reachability import SentLog, Watch
from relay_server.core.reader import Reader
from relay_server.core.receipts import SaidNumbers
from relay_server.core.seats import Seats
from relay_server.core.streams import Streams
from relay_server.net import batch, http, sockets, streams, tcp, tls, udp, wire
from relay_server.net.hosts import OwnNames
from relay_server.net.sending import SendError


def believe_quotations() -> None:
    """Take any error that quotes what the room heard for true, as if members couldn't forge it."""

    def note_undelivered(watch: "Watch[Any]", peer: Any, sent: SentLog, quoted: bytes, now: float) -> None:
        if sent.holds(quoted):
            watch.note_failure(peer, now)

    replace(Watch, "note_undelivered", note_undelivered)


def answer_strangers() -> None:
    """Send a notice to the source of each dropped datagram."""
    judge = relay.Relay.handle_datagram

    def handle_datagram(this: relay.Relay, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        result = judge(this, data, source, now)
        if isinstance(result, DropReason):
            this._registry.outbox.append(Outgoing(Advice("?"), Audience({Listener(): source})))
        return result

    replace(relay.Relay, "handle_datagram", handle_datagram)


def trust_any_address() -> None:
    """Let a token speak from everywhere."""
    identify = relay.Relay._identify

    def identify_anywhere(this: relay.Relay, data: bytes, source: Address, now: float) -> Any:
        result = identify(this, data, source, now)
        if result is DropReason.ADDRESS_MISMATCH:
            return this._registry.sessions_by_token[data[2 + data[0] :][: data[1]]]
        return result

    replace(relay.Relay, "_identify", identify_anywhere)


def short_tokens() -> None:
    """Give out tokens of which there are 256."""
    chance = random.Random(1)
    replace(secrets, "token_urlsafe", lambda _: f"{chance.randrange(256):02x}")


def move_at_once() -> None:
    """Follow a member's port with every datagram."""
    replace(registry, "ADDRESS_CHANGE_SECONDS", 0.0)


def count_no_drops() -> None:
    """Don't count dropped datagrams."""
    replace(relay.Relay, "_drop", lambda _, reason: reason)


def count_no_copies() -> None:
    """Don't count sent copies."""
    replace(udp.UdpPort, "_flush_messages", _uncounted(udp.UdpPort._flush_messages))


def count_no_stream_drops() -> None:
    """Don't count messages of streams that aren't relayed."""
    replace(stream_relay.StreamRelay, "_refuse", lambda *_: None)


def count_no_stream_copies() -> None:
    """Don't count copies that streams were handed."""
    replace(Reader, "take", _uncounted_take(Reader.take))


def _uncounted_take(take: Callable[[Reader, int], bytes]) -> Callable[[Reader, int], bytes]:
    def take_uncounted(this: Reader, max_bytes: int) -> bytes:
        before = this._counters.sent
        taken = take(this, max_bytes)
        this._counters.sent = before
        return taken

    return take_uncounted


def _uncounted(flush: Callable[[udp.UdpPort], None]) -> Callable[[udp.UdpPort], None]:
    def flush_messages(this: udp.UdpPort) -> None:
        counters = this._chat.counters
        before = counters.sent
        flush(this)
        counters.sent = before

    return flush_messages


def blame_whoever_is_next() -> None:
    """Take an error that waited for the failure of the datagram it stopped, and don't send that one again."""

    def send_rest(this: batch.BatchSocket, headers: Any, index: int, count: int) -> list[SendError]:
        refused: list[SendError] = []
        while index < count:
            refused += this._errors(index, errno.ECONNREFUSED)
            index += 1
            rest = ctypes.byref(headers, index * batch._HEADER_BYTES)
            index += max(0, batch._libc.sendmmsg(this._fd, rest, count - index, socket.MSG_DONTWAIT))
        return refused

    replace(batch.BatchSocket, "_send_rest", send_rest)


def pause_nobody() -> None:
    """Send copies to those who provably can't be reached, as to all others."""
    replace(registry.Registry, "_pause", lambda *_: None)


def believe_path_mtus() -> None:
    """Let the kernel send as ICMP says (IP_PMTUDISC_DO): datagrams larger than the path MTU are refused."""
    replace(sockets, "_PMTUDISC_OMIT", 2)


def take_any_port() -> None:
    """Believe that a member listens wherever it says."""

    def offer(_: provisional.ProvisionalAddresses, session: Session, address: Address, __: Endpoint) -> None:
        session.member.room.listen(session, address)

    replace(provisional.ProvisionalAddresses, "offer", offer)


def hash_for_whoever_comes_first() -> None:
    """Hash for any name, as often as anybody likes, and let nobody in the queue yield."""

    def put(this: "fair_queue.FairQueue[Any]", key: bytes, item: object) -> object:
        if len(this) >= this._limit or len(this._items_by_key.get(key, ())) >= this._limit_per_key:
            return item
        this._items_by_key.setdefault(key, deque()).append(item)
        this._count += 1
        return None

    replace(fair_queue.FairQueue, "put", put)
    replace(admission.Admission, "check_new_password", lambda *_: None)


def count_no_records() -> None:
    """Let a connection bring TLS any number of records."""
    replace(RecordCounter, "count", lambda *_: 0)


def count_no_connections() -> None:
    """Let an address connect as often as it likes."""
    replace(admission, "CONNECTIONS_PER_JOIN", 0)


def count_no_large_rooms() -> None:
    """Copy whatever is said within a member's rate, however many hear it."""
    replace(relay, "SMALL_AUDIENCE", 1 << 30)


def write_after_the_end() -> None:
    """Read and answer on when the sending side has ended, as if nobody would send anything then."""

    def end_stream(this: tls.TlsTransport) -> None:
        this._end.end()
        this._flush()
        this._below.write_eof()

    replace(wire.Wire, "is_open", property(lambda this: not this.is_closing()))
    replace(tls.TlsTransport, "write_eof", end_stream)
    replace(tcp.Connection, "is_over", property(lambda _: False))
    replace(transaction.ServerTransaction, "abandon", lambda _: None)


def answer_everywhere() -> None:
    """Take any source of a datagram for one that can be answered."""
    for module in (relay, lobby):
        replace(module, "is_answerable", lambda *_: True)
    replace(lobby, "is_own", lambda *_: False)


def count_by_64_alone() -> None:
    """Take each /64 for somebody else's, however many have the same /48."""
    for module in (admission, limits):
        replace(module, "networks_around", lambda _: ())


def sanitize_in_pieces() -> None:
    """Make a message harmless in hundreds of steps."""

    def sanitize(text: str) -> str:
        return "".join(chatproto.sanitize(text[start : start + 8]) for start in range(0, len(text), 8))

    replace(judge, "sanitize", sanitize)


def write_every_list() -> None:
    """Compare all members with all mutes for every request, and check the rate only afterwards."""
    obey = Commands.obey

    def obey_slowly(this: Commands, member: Member, *asked: Any) -> None:
        mutes = member.room.mutes.values()
        for other in member.room.members:
            any(not muted.isdisjoint(other.keys) for muted in mutes)
        obey(this, member, *asked)

    replace(Commands, "obey", obey_slowly)


def judge_every_name() -> None:
    """Look at all names in the lobby, whatever becomes of them."""
    replace(lobby, "NEW_NAMES_A_SECOND", 0.0)
    replace(lobby, "ALL_NEW_NAMES_AT_ONCE", 1e9)
    replace(names, "MAX_NORMAL_CHARACTERS", 1_000_000)


def let_ops_connections_stay() -> None:
    """Let any number of connections to the ops port stay for as long as they like."""
    replace(http, "OPS_CONNECTIONS", 0)
    replace(http, "REQUEST_SECONDS", 3600.0)


def answer_to_any_name() -> None:
    """Serve the ops port's pages for any host name."""
    replace(OwnNames, "accept", lambda *_: True)


def answer_at_length() -> None:
    """Make the answer to a numbered message much longer than the message."""

    def encode_receipt(number: int, reason: str = "") -> bytes:
        return chatproto.receipts.encode_receipt(number, reason) + bytes(200)

    replace(relay, "encode_receipt", encode_receipt)


def remember_no_numbers() -> None:
    """Relay a number again whenever it comes."""
    replace(SaidNumbers, "add", lambda *_: None)


def believe_any_claim() -> None:
    """Let whoever shows a ticket have its seat, from anywhere and unasked."""
    replace(Seats, "press", lambda *_: True)


def take_tickets_for_good() -> None:
    """Let no ticket die."""
    replace(Seats, "forget", lambda *_: None)


def name_attempts_alone() -> None:
    """Give whoever names an attempt the answer to it."""
    replace(asked.Asked, "attempt", property(lambda this: this.request.attempt or None))


def relay_any_text() -> None:
    """Relay in a sealed room whatever is said there."""
    replace(judge, "may_be_said", lambda *_: True)


def let_anybody_be_in_sealed_rooms() -> None:
    """Let those in who don't know what a sealed room is."""
    replace(control, "check_join", lambda *_: None)


def write_to_who_doesnt_read() -> None:
    """Write to a stream whatever there is, as if its reader took it."""
    replace(streams.StreamConnection, "pause_writing", lambda _: None)


def listen_to_every_line() -> None:
    """Go on reading a stream that says too much."""
    replace(streams, "_TOO_MUCH", frozenset())


def count_no_streams() -> None:
    """Grant a stream to everybody."""
    replace(Streams, "check", lambda _: None)


def adopt_without_a_question() -> None:
    """Take any node for dead that isn't heard for a moment."""
    replace(Nodes, "judge", lambda *_: Verdict.GONE)


def never_yield() -> None:
    """Go on with a room that has another home."""
    keep = Homing._keep

    def keep_anyway(this: Any, known: Any, mine: Any) -> bool:
        return (known.record is None or known.record.term <= mine.term) and keep(this, known, mine)

    replace(Homing, "_keep", keep_anyway)


def carry_from_anywhere() -> None:
    """Let an edge take a member's datagrams from everywhere."""
    identify: Any = CarriedMembers.identify
    replace(CarriedMembers, "identify", lambda this, *told: this._by_token.get(told[1]) or identify(this, *told))
