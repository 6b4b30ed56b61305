"""Attackers with plain sockets who send what nobody would think of, and never more than the relay's buffer holds."""

import itertools
import random
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Final, Self

from conformance import wire
from conformance.people import DISCONNECTED, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape
from fuzz.mutations import mutate

STRANGERS: Final = 8
LONGEST_BYTES: Final = 4300
"""A little more than a datagram may have (UDP-01)."""
KERNEL_BYTES: Final = 16_384
"""What a datagram of that size takes of a receive buffer at most, as Linux counts it."""
WORDS: Final = (b"server: ", b"/leave", b"ann:", b"\x03lab", "\u202e".encode(), b"\x1b[2J", b"\xff", bytes(8))


class Vandals:
    """Strangers at addresses of their own, and a member with a listener, who send to both UDP ports."""

    def __init__(self, relay: OwnRelay, people: People, chance: random.Random) -> None:
        self._relay, self._people, self._chance = relay, people, chance
        self._stack = ExitStack()
        self._strangers = [self._stranger(f"127.0.5.{number}") for number in range(1, STRANGERS + 1)]
        # Who hears the watcher knows that all that was sent before has been handled.
        self._watcher, self._witness = people.pair(b"watch")
        self._rooms = itertools.count(1)
        self._enter()
        self.window = int(scrape(relay).value("relay_receive_buffer_bytes")) // (2 * KERNEL_BYTES)
        """So many datagrams fit into the receive buffer, and honest ones beside them."""
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def attack(self, count: int) -> None:
        """Send so many datagrams, half of them to the lobby's port; wait for each window's to be handled."""
        in_lobby = 0
        while self.sent < count:
            size = min(self.window, count - self.sent)
            for number, (to_room, data) in enumerate(itertools.islice(self._datagrams(), size)):
                port = self._relay.relay.udp_port if to_room else self._relay.relay.lobby_port
                sender = self._member.udp if to_room and number % 3 == 0 else self._chance.choice(self._strangers)
                sender.sendto(data, (self._relay.relay.host, port))
                in_lobby += not to_room
            self.sent += size
            self._watcher.say(b"%d" % self.sent)
            self._witness.receive_until(lambda data: data.endswith(b": %d" % self.sent))
            self._await_lobby(in_lobby)
            self._return()

    def _await_lobby(self, count: int) -> None:
        received = "relay_lobby_datagrams_received_total"
        if scrape(self._relay).total(received) < count:
            await_metrics(self._relay, lambda now: now.total(received) >= count)

    def _datagrams(self) -> Iterator[tuple[bool, bytes]]:
        """Yield what to send and whether to the rooms' port: noise, good ones with a fault, good ones with noise."""
        chance = self._chance
        faulty = {to_room: mutate(self._good(to_room=to_room), WORDS, chance) for to_room in (True, False)}
        while True:
            to_room = chance.random() < 0.5
            kind = chance.randrange(3)
            if kind == 0:
                yield to_room, chance.randbytes(self._length())
            elif kind == 1:
                yield to_room, next(faulty[to_room])
            else:
                head = self._member_says(b"") if to_room else wire.lobby(b"vandal")
                yield to_room, head + chance.randbytes(self._length() % 4096)

    def _length(self) -> int:
        """Choose a length: mostly short ones, where the fields are."""
        longest = self._chance.choice((8, 32, 300, 300, LONGEST_BYTES))
        return self._chance.randint(0, longest)

    def _good(self, *, to_room: bool) -> Sequence[bytes]:
        if to_room:
            said = (b"hello", b"", b"/leave", b"ann: hi", "漢字 é".encode(), b"x" * 4000)
            return [self._member_says(message) for message in said]
        return [
            wire.lobby(b"ann", b"hello"),
            wire.lobby(b"server", b"x"),
            wire.lobby(b"b" * 255),
            wire.lobby(b"c", b"y" * 4000),
        ]

    def _member_says(self, message: bytes) -> bytes:
        return wire.chat(self._member.room, self._member.token, message)

    def _enter(self) -> None:
        room = b"vandals %d" % next(self._rooms)
        self._member, self._listener = self._people.create(room, b"mal"), self._people.join(room, b"pal")

    def _return(self) -> None:
        """Make a new member if the last one left, by a datagram that happened to say so."""
        if any(data.startswith(DISCONNECTED) for data in self._listener.waiting()):
            self._member.udp.close()
            self._listener.udp.close()
            self._enter()

    def _stranger(self, address: str) -> socket.socket:
        stranger = self._stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        stranger.bind((address, 0))
        return stranger


class Callers:
    """Clients whose TCP sessions are broken: cut short, changed, sent byte by byte, reset."""

    AT_ONCE: Final = 32
    WORDS: Final = (b"username", b'{"', b'"}', b"\0\0\0", b"\xff" * 29, b"\x16\x03\x01", b"\x03\x01\x00")

    def __init__(self, relay: OwnRelay, chance: random.Random) -> None:
        self._relay, self._chance = relay, chance
        self._requests = mutate([*good_requests()], self.WORDS, chance)
        self._addresses = itertools.cycle(f"127.0.6.{number}" for number in range(1, 21))
        self.sessions = 0

    def attack(self, count: int) -> None:
        """Open and break so many sessions, some of them side by side."""
        while self.sessions < count:
            size = min(self.AT_ONCE, count - self.sessions)
            with ExitStack() as stack:
                self._break([stack.enter_context(self._call()) for _ in range(size)])
            self.sessions += size

    def _call(self) -> socket.socket:
        relay = self._relay.relay
        # From many addresses, or the ports of one would run out.
        source = (next(self._addresses), 0)
        return socket.create_connection((relay.host, relay.tcp_port), wire.WAIT_SECONDS, source)

    def _break(self, connections: Sequence[socket.socket]) -> None:
        pieces = {connection: self._pieces() for connection in connections}
        while pieces:  # a piece of each in turn, so that all are slow
            for connection in list(pieces):
                piece = next(pieces[connection], b"")
                with suppress(ConnectionError):
                    connection.sendall(piece)
                if not piece:
                    del pieces[connection]
                    self._end(connection)

    def _pieces(self) -> Iterator[bytes]:
        request = next(self._requests)
        request = request[: self._chance.choice((len(request), self._chance.randint(0, len(request))))]
        size = self._chance.choice((len(request), len(request), 20, 3)) or 1
        return (request[start : start + size] for start in range(0, len(request), size))

    def _end(self, connection: socket.socket) -> None:
        ending = self._chance.randrange(3)
        with suppress(OSError):  # the relay may have cut it already, which a shutdown calls not connected
            if ending == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # resets
            elif ending == 1:
                connection.shutdown(socket.SHUT_WR)
                for answer in wire.read_frames(connection):
                    assert answer.state in {wire.REPLY, wire.COMPLETION}
        connection.close()


def good_requests() -> Iterator[bytes]:
    """Yield requests that a relay would grant, or refuse for what they say."""
    object_ = b'{"username": "ann", "password": "pw", "reply": "json"}'
    for operation, payload in itertools.product(
        (wire.CREATE, wire.JOIN), (b"ann", b'"bob"', object_[:20] + b"}", object_)
    ):
        yield wire.frame(operation, wire.REQUEST, b"broken", payload)
        yield wire.frame(operation, wire.REPLY, "漢字".encode(), payload) + b"\x23\x29"
