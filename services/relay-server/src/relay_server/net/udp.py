"""One UDP port on the event loop: drain it in batches, let the core decide, send what comes of it."""

import asyncio
import errno
import select
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from chatproto import Notice, encode_lobby, encode_notice
from chatproto.notices import SERVER_NAME
from relay_server.core.audience import Forward, Outgoing
from relay_server.core.carried import CarriedMembers
from relay_server.core.counters import Counters, DropReason, SendFailure
from relay_server.core.endpoint import Address, Host
from relay_server.core.receipts import Receipt
from relay_server.net.address import UdpAddress, targets_of
from relay_server.net.answers import with_answers
from relay_server.net.crowds import MAX_QUEUED_COPIES, CrowdQueue
from relay_server.net.fanout import GsoBatch, pack_batches, rows_by_form
from relay_server.net.neighbours import unresolved_hosts
from relay_server.net.portable import PortableSocket
from relay_server.net.sending import Sent

if TYPE_CHECKING:
    from relay_server.net.batch import BatchSocket

LOOK_SECONDS: Final = 1.0
"""So often at most the kernel is asked for neighbours that don't answer; it takes a few milliseconds at worst."""
COPIES_A_TURN: Final = 4096
"""After so many copies (some 10 ms) the other work of the loop has its turn."""

_FAILURES = {
    errno.EAGAIN: SendFailure.BUFFER_FULL,
    errno.ENOBUFS: SendFailure.BUFFER_FULL,
    errno.EHOSTUNREACH: SendFailure.UNREACHABLE,
    errno.ENETUNREACH: SendFailure.UNREACHABLE,
    errno.ECONNREFUSED: SendFailure.UNREACHABLE,
    errno.EPERM: SendFailure.FORBIDDEN,
    errno.EACCES: SendFailure.FORBIDDEN,
}
_OF_THE_ADDRESS = {
    errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EINVAL, errno.EACCES, errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT, errno.ENODEV,
}  # fmt: skip
"""Nothing can be sent there, whatever it is. Not of the address are a want of room or memory, a message's size, and
EPERM, which is a firewall's or that of a full table of connections: those befall whoever is next."""
_SO_MEMINFO, _MEMINFO_BYTES, _DROPS_WORD = 55, 36, 8


Handler: TypeAlias = Callable[[bytes, Address, float], Forward | DropReason | None]
"""Decides about one datagram: its bytes, its source, the time."""


class Encoder(Protocol):
    """Writes a notice as the datagram that a listener receives, as a JSON object or in prose."""

    def __call__(self, notice: Notice, *, json: bool) -> bytes: ...  # noqa: D102


class Chat(Protocol):
    """What stands behind a port: the rooms or the lobby."""

    counters: Counters
    outbox: list[Outgoing]

    def note_undelivered(self, target: Address, quoted: bytes, now: float) -> None:
        """Take an ICMP error."""
        ...

    def note_send_error(self, target: Address, now: float) -> None:
        """Take the kernel's refusal to send."""
        ...

    def note_unresolved(self, hosts: Collection[Host], now: float) -> None:
        """Take which hosts on our own links haven't answered the kernel's question where they are, so far."""
        ...


class UdpPort:
    """Moves datagrams between a socket and a chat; ``clock`` gives monotonic seconds."""

    def __init__(
        self,
        sock: socket.socket,
        handle: Handler,
        chat: Chat,
        clock: Callable[[], float],
        *,
        pinned: bool,
        encode: Encoder = encode_notice,
        portable: bool = False,
        fine: bool = False,
        receipts: list[Receipt] | None = None,
        carried: CarriedMembers | None = None,
        record: Callable[[], None] = lambda: None,
    ) -> None:
        """Send what comes into ``receipts`` along with the messages of its batch (RCP-04).

        ``fine`` is that of `CrowdQueue`; ``carried`` are those who speak to this port and belong to other nodes.
        ``record`` writes down what changed, before anybody is told of it.
        """
        self._raw = sock
        self._sock = PortableSocket(sock) if portable or not _batches(sock) else _batch_socket(sock, pinned=pinned)
        self._handle = handle
        self._chat = chat
        self._clock = clock
        self._encode = encode
        self._receipts = [] if receipts is None else receipts
        self._carried = carried
        self._record = record
        self._waiting: list[tuple[bytes, UdpAddress]] = []
        self._forwards: list[Forward] = []
        self._to_crowds: defaultdict[Any, list[Forward]] = defaultdict(list)
        """What goes to large audiences, by their group."""
        self._crowds = CrowdQueue(fine=fine)
        self._is_scheduled = False
        self._errors_seen = False
        self._look_at = float("-inf")
        self._loop = asyncio.get_running_loop()
        # uvloop goes deaf on a socket with IP_RECVERR after its first error, but not on an epoll around it.
        self._epoll = select.epoll() if sys.platform == "linux" else None
        if self._epoll:
            self._epoll.register(self._sock.fileno(), select.EPOLLIN | select.EPOLLERR)
        self._watched = self._epoll.fileno() if self._epoll else self._sock.fileno()
        self._is_frozen = True

    def start(self) -> None:
        """Read the socket from now on, and send; until then nothing of either happens."""
        self._is_frozen = False
        self._loop.add_reader(self._watched, self._turn)
        self._go_on_later()

    def freeze(self) -> None:
        """Handle and send all that was read, then neither read nor send until `start`.

        What still comes waits in the kernel for whoever reads the socket next.
        """
        self._loop.remove_reader(self._watched)
        while self._waiting:
            self._take(self._waiting, self._clock())
        self.finish()
        self._is_frozen = True

    def close(self) -> None:
        """Send what waits, then stop and close the socket."""
        self.finish()
        self._loop.remove_reader(self._watched)
        if self._epoll:
            self._epoll.close()
        self._waiting = []
        self._sock.close()

    @property
    def receive_buffer_bytes(self) -> int:
        """The receive buffer that the kernel granted."""
        return self._raw.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def kernel_drops(self) -> int:
        """Return how many datagrams the kernel dropped before we could read them (CON-04)."""
        if sys.platform != "linux":
            return 0
        info = self._raw.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_BYTES)
        return memoryview(info).cast("I")[_DROPS_WORD]

    def flush(self) -> None:
        """Send the notices that wait in the chat's outbox, after the messages that were there before them."""
        if self._is_frozen:
            return
        self._record()
        chat = self._chat
        self._flush_messages()
        while chat.outbox:
            outgoing, chat.outbox = chat.outbox, []
            for portion in self._portions(outgoing):
                self._send_notices(portion)
        self._go_on_later()

    def forward(self, forward: Forward) -> None:
        """Send a message that came in another way, along with those of the next turn."""
        audience, crowds = forward[0], self._crowds
        if len(audience.addresses) <= crowds.crowd and not (crowds.copies and crowds.takes(audience, is_notice=False)):
            self._forwards.append(forward)
        else:
            self._to_crowds[audience.group].append(forward)
        self._go_on_later()

    def pass_on(self, datagrams: Sequence[tuple[bytes, UdpAddress]]) -> int:
        """Send at once what another node has for those whom it carries here; returns how many the kernel refused."""
        payloads, addresses = zip(*datagrams, strict=True)
        sent = self._sock.send(list(zip(payloads, targets_of(addresses), repeat(0), strict=False)))
        self._errors_seen |= bool(sent.errors)
        return len(sent.errors)

    def settle(self) -> None:
        """Send the notices that wait, if there are any."""
        if self._chat.outbox:
            self.flush()

    def finish(self) -> None:
        """Send at once all that waits, so that what was accepted is also counted as sent."""
        self.flush()
        while self._crowds:
            self._send_slice()

    def _turn(self) -> None:
        """Handle what has come, up to a turn's measure of work."""
        chat, now, waited = self._chat, self._clock(), bool(self._crowds)
        if self._crowds.copies < MAX_QUEUED_COPIES:
            self._take(self._waiting or self._sock.receive(), now)
        self._flush_messages()
        if waited:  # what has just come is for the next turn: to judge it was work, too
            self._send_slice()
        for target, quoted in self._sock.undelivered():
            chat.note_undelivered(target, quoted, now)
            if self._carried is not None:
                self._carried.note_undelivered(target, quoted, now)
            self._errors_seen = True
        if self._errors_seen and now >= self._look_at:
            self._errors_seen = False
            self._look_at = now + LOOK_SECONDS
            chat.note_unresolved(unresolved_hosts(), now)
        if chat.outbox:
            self.flush()
        self._go_on_later()

    @property
    def _has_more(self) -> bool:
        return bool(self._waiting or self._crowds or self._forwards or self._to_crowds)

    def _go_on_later(self) -> None:
        """Have another turn after the loop's other work, if something waits."""
        if self._has_more and not self._is_scheduled and not self._is_frozen:
            self._is_scheduled = True
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        self._is_scheduled = False
        if self._has_more and not self._is_frozen:  # the readiness of newer datagrams may have resumed already
            self._turn()

    def _take(self, datagrams: Iterable[tuple[bytes, UdpAddress]], now: float) -> None:
        """Handle datagrams up to a turn's measure of copies; the others wait."""
        batch = iter(datagrams)
        self._handle_batch(batch, now)
        self._waiting = list(batch)

    def _handle_batch(self, batch: Iterator[tuple[bytes, UdpAddress]], now: float) -> None:
        handle, forwards, chat, crowds = self._handle, self._forwards, self._chat, self._crowds
        copies, crowd = 0, crowds.crowd
        for data, source in batch:
            result = handle(data, source, now)
            if isinstance(result, tuple):
                audience = result[0]
                listeners = len(audience.addresses)
                if listeners <= crowd and not (crowds.copies and crowds.takes(audience, is_notice=False)):
                    forwards.append(result)
                else:
                    self._to_crowds[audience.group].append(result)
                copies += listeners
                if copies > COPIES_A_TURN:
                    break
            if chat.outbox:
                self.flush()
                if crowds.copies >= MAX_QUEUED_COPIES:  # all leave a large room at once, say: each is a notice to all
                    break

    def _flush_messages(self) -> None:
        """Send what was said, and queue what goes to crowds."""
        together = self._sock.supports_gso
        if self._forwards or self._receipts:
            batches = pack_batches(self._forwards, together=together)
            if self._receipts:
                batches = with_answers(batches, self._receipts, together=together)
            self._send_messages(batches, self._receipts)
            self._forwards.clear()
            self._receipts.clear()
        if self._to_crowds:
            for group, forwards in self._to_crowds.items():
                self._crowds.add(group, pack_batches(forwards, together=together), is_notice=False)
            self._to_crowds.clear()

    def _send_slice(self) -> None:
        """Send some of what goes to crowds."""
        if portion := self._crowds.take():
            if portion.is_notice:
                self._send_notices(portion.batches)
            else:
                self._send_messages(portion.batches)

    def _send_messages(self, batches: Sequence[GsoBatch], answers: Sequence[Receipt] = ()) -> None:
        """Hand messages to the kernel, with the answers among them, and count what became of each copy (CON-02)."""
        sent = self._sock.send(batches)
        self._errors_seen |= bool(sent.errors)
        copies, volume, errors = self._count_answers(sent, answers) if answers else sent
        counters = self._chat.counters
        counters.sent += copies
        counters.bytes_sent += volume
        for target, reason, _ in errors:
            failure = _FAILURES.get(reason, SendFailure.OTHER)
            counters.send_failures[failure] += 1
            if reason in _OF_THE_ADDRESS:
                self._chat.note_send_error(target, self._clock())

    def _count_answers(self, sent: Sent, answers: Sequence[Receipt]) -> Sent:
        """Count what became of answers; returns what became of the messages that were sent with them.

        No member says what reads like an answer (UDP-09), so none of its messages is taken for one.
        """
        known = set(answers) if sent.errors else set[Receipt]()
        errors = [error for error in sent.errors if (error.target, error.payload) not in known]
        refused = [error.payload for error in sent.errors if (error.target, error.payload) in known]
        told = len(answers) - len(refused)
        counters = self._chat.counters
        counters.notices_sent += told
        counters.notice_failures += len(refused)
        volume = sum([len(answer) for _, answer in answers]) - sum(map(len, refused))
        return Sent(sent.copies - told, sent.volume - volume, errors)

    def _send_notices(self, batches: Sequence[GsoBatch]) -> None:
        copies, _, errors = self._sock.send(batches)
        counters = self._chat.counters
        counters.notices_sent += copies
        counters.notice_failures += len(errors)
        self._errors_seen |= bool(errors)

    def _portions(self, outgoing: Iterable[Outgoing]) -> Iterator[list[GsoBatch]]:
        """Divide notices into portions of a turn's measure; those to crowds are queued."""
        portion: list[GsoBatch] = []
        copies = 0
        for notice, audience, but, log in outgoing:
            batches: list[GsoBatch] = []
            for json, row in rows_by_form(audience, but):
                payload = self._encode(notice, json=json)
                if log is not None:
                    log.remember(payload)
                batches.append((payload, row, 0))
            if self._crowds.takes(audience, is_notice=True):
                self._crowds.add(audience.group, batches, is_notice=True)
                continue
            portion += batches
            copies += len(audience.addresses)
            if copies > COPIES_A_TURN:
                yield portion
                portion, copies = [], 0
        yield portion


def encode_lobby_notice(notice: Notice, *, json: bool = False) -> bytes:  # noqa: ARG001 - nobody there asked for it
    """Write a notice as the lobby's clients receive it: as said by the server, in prose (LOB-04)."""
    return encode_lobby(SERVER_NAME.encode(), str(notice).encode())


def _batch_socket(sock: socket.socket, *, pinned: bool) -> "BatchSocket":
    from relay_server.net.batch import BatchSocket  # noqa: PLC0415 - elsewhere the C library has no such calls

    return BatchSocket(sock, pinned=pinned)


def _batches(sock: socket.socket) -> bool:
    """Tell whether the batch calls serve here: Linux with 64 bits, and a kernel with IPv6."""
    return sys.platform == "linux" and sys.maxsize > 2**32 and sock.family == socket.AF_INET6
