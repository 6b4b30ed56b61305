"""Junk and idleness from people who know no protocol: no join suffers, and no honest message gets lost."""

import itertools
import random
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress

import pytest

from conformance import wire
from conformance.people import People, call
from conformance.relays import Relay
from e2e.relay_metrics import await_metrics, scrape
from faults.pair import honest_pair
from faults.relays import StartRelay

LENGTHS = range(4201)
SIZE_BYTES = (0, 1, 127, 254, 255)
JUNK_AT_ONCE = 16
"""So few datagrams of 4200 bytes fit into the receive buffer that any system grants."""
IDLE_CONNECTIONS = 50


def join_honestly(relay: Relay, room: bytes) -> None:
    """Create a room, join it, talk, and leave."""
    with People(relay) as people:
        ann, bob = people.create(room, b"ann"), people.join(room, b"bob")
        ann.heard(after=bob)
        ann.say(b"hi")
        assert bob.hear() == b"ann: hi"


def junk_datagrams(lengths: Iterable[int], chance: random.Random) -> Iterator[bytes]:
    """Yield datagrams of these lengths whose first two bytes promise every kind of size (threat U8)."""
    filling = chance.randbytes(LENGTHS.stop)
    for length in lengths:
        for sizes in itertools.product(SIZE_BYTES, repeat=2):
            yield (bytes(sizes) + filling)[:length]


def test_junk_datagrams(start_relay: StartRelay) -> None:
    relay = start_relay()
    junk = junk_datagrams(LENGTHS, random.Random(1))
    with honest_pair(relay) as pair, socket.socket(type=socket.SOCK_DGRAM) as vandal:
        before = scrape(relay).total("relay_datagrams_received_total")
        sent = 0
        while batch := list(itertools.islice(junk, JUNK_AT_ONCE)):
            for datagram in batch:
                vandal.sendto(datagram, ("127.0.0.1", relay.relay.udp_port))
            sent += len(batch)
            pair.talk()
        join_honestly(relay.relay, b"meanwhile")
        assert sent == len(LENGTHS) * len(SIZE_BYTES) ** 2
        check_silence_to(vandal)
        after = scrape(relay)
        assert after.total("relay_datagrams_received_total") >= before + sent + pair.said
        assert after.total("relay_datagrams_dropped_total") == sent
        assert after.value("relay_kernel_drops_total") == 0


def check_silence_to(vandal: socket.socket) -> None:
    """Check that nobody answered (CON-03)."""
    vandal.setblocking(False)
    with pytest.raises(BlockingIOError):
        vandal.recv(65_535)


def test_junk_in_the_lobby(start_relay: StartRelay) -> None:
    relay = start_relay()
    chance = random.Random(2)
    with honest_pair(relay) as pair, socket.socket(type=socket.SOCK_DGRAM) as vandal:
        count = 0
        for length, size in itertools.product((0, 1, 2, 254, 255, 256, 4096, 4097, 4200), (0, 255)):
            vandal.sendto((bytes([size]) + chance.randbytes(4200))[:length], ("127.0.0.1", relay.relay.lobby_port))
            count += 1
            pair.talk()
        after = await_metrics(relay, lambda now: now.total("relay_lobby_datagrams_received_total") == count)
        assert after.total("relay_lobby_datagrams_dropped_total") == count
        check_silence_to(vandal)


def junk_requests(chance: random.Random) -> Iterator[bytes]:
    """Yield invalid requests: wrong operations and states (threat T6), oversized ones, other protocols, noise."""
    edges = (0, 1, 2, 3, 127, 255)
    for operation, state in itertools.product(edges, repeat=2):
        if state > 1 or operation not in {wire.CREATE, wire.JOIN}:  # LEN-03 takes state 1 for 0
            yield wire.frame(operation, state, b"room", b"ann")
    request = wire.frame(wire.CREATE, wire.REQUEST, b"room", b"ann")
    yield request * 2
    yield request + bytes(3)
    yield wire.frame(wire.CREATE, wire.REQUEST, b"", b"ann")
    yield wire.frame(wire.CREATE, wire.REQUEST, b"room", b'{"username": ')
    yield wire.frame(wire.CREATE, wire.REQUEST, b"room", b"[" * 4096)
    yield wire.frame(wire.CREATE, wire.REQUEST, b"room", b'{"username": ' + b"[" * 4000)
    yield b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(600)
    for _ in range(50):
        yield chance.randbytes(chance.randrange(32, 5000))


def test_junk_requests(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_TRANSACTION_TIMEOUT_SECONDS="1")
    with honest_pair(relay) as pair:
        for number, junk in enumerate(junk_requests(random.Random(3))):
            with call(relay.relay) as connection, suppress(ConnectionError):
                connection.sendall(junk)
                connection.shutdown(socket.SHUT_WR)
                for answer in wire.read_frames(connection):
                    assert (answer.state, answer.payload[0] > 0) == (wire.REPLY, True)
            pair.talk()
            if number % 8 == 0:
                join_honestly(relay.relay, b"meanwhile")
        metrics = await_metrics(relay, lambda now: now.value("relay_tcp_connections") == 0)
        assert (metrics.value("relay_rooms"), metrics.value("relay_members")) == (1, 2)


def test_connections_cut_anywhere(start_relay: StartRelay) -> None:
    relay = start_relay()
    request = wire.frame(wire.CREATE, wire.REQUEST, b"cut", b"ann")
    reset = struct.pack("ii", 1, 0)
    with honest_pair(relay) as pair:
        for length in range(len(request) + 1):
            with call(relay.relay) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                connection.sendall(request[:length])
            pair.talk()
        join_honestly(relay.relay, b"meanwhile")
        # A client that was admitted but never read its token loses its membership (threat T11).
        await_metrics(relay, lambda now: (now.value("relay_tcp_connections"), now.value("relay_members")) == (0, 2))


def test_idle_connections(start_relay: StartRelay) -> None:
    relay = start_relay(RELAY_TRANSACTION_TIMEOUT_SECONDS="4")
    with honest_pair(relay) as pair, ExitStack() as stack:
        idle = [stack.enter_context(call(relay.relay)) for _ in range(IDLE_CONNECTIONS)]
        for half in idle[::2]:
            half.sendall(b"\x04\x01\x00")
        for number in range(10):
            join_honestly(relay.relay, b"room %d" % number)
            pair.talk()
        for connection in idle:  # the relay ends them all by itself
            (answer,) = wire.read_frames(connection)
            assert answer.payload == bytes([wire.MALFORMED])
        stack.close()
        metrics = await_metrics(relay, lambda now: now.value("relay_tcp_connections") == 0)
        assert metrics.value("relay_members") == 2
