"""The lobby's datagrams from anybody, with time and errors in between (LOB-01 to LOB-05, CON-01)."""

from collections import Counter
from typing import Any, Final, cast

from chatproto import encode_lobby, parse_lobby
from fuzz.bites import Bites, piece
from relay_server.core.counters import DropReason
from relay_server.core.lobby import Lobby
from relay_server.core.reachability import FAILURES_TO_EVICT
from relay_server.net.address import UdpAddress, locate
from relay_server.net.udp import encode_lobby_notice
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import at, delivered, new_nonces, take_out

POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"message_rate": 2.0, "message_burst": 3, "byte_rate": 100.0},
    {"max_members_per_room": 2},
    {"max_members_per_address": 1},
)
SOURCES: Final = (at("10.0.0.1"), at("10.0.0.1", 5001), at("10.0.0.2"), at("2001:db8::1"), at("2001:db8::2"))
PAUSES: Final = (0.0, 0.6, 6.0, 20.0, 61.0, 301.0)
MAX_STEPS: Final = 30

SEEDS: Final = (
    b"\0\0\0" + piece(encode_lobby(b"ann", b"hi")) + b"\0\1" + piece(encode_lobby(b"bob", b"hi")) + b"\0\0",
    b"\0\0\2" + piece(encode_lobby(b"Server ", b"x")) + b"\0\2" + piece(b"\xff"),
    b"\1\0\0" + piece(encode_lobby(b"ann")) * 2 + b"\1\5",
    b"\2\0\0" + piece(encode_lobby(b"ann", b"a")) + b"\2\0\2\0\1\3\2\0\2\0\1\3\2\0\2\0",
)
WORDS: Final = (b"\x03ann", b"\x06server", b"\x03bob", b"\xff\x10\x01")


class World:
    """A lobby, and what was sent there."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self._lobby = Lobby(unlimited(**bites.pick(POLICIES)), lambda _: None, new_nonces(), locate)
        self._now = 1.0
        self._received = self._copies = 0
        self._sent = [b""]
        self._notices: list[tuple[bytes, bytes]] = []
        self._proofs: Counter[bytes] = Counter()

    def step(self) -> None:
        """Do one thing, and check what has to be true after it."""
        self._bites.pick((self._send, self._wait, self._bounce))()
        self._lobby.expire(self._now)
        for payload, (address,) in take_out(self._lobby.outbox, encode_lobby_notice):
            assert parse_lobby(payload)
            self._notices.append((locate(address).remote, payload))
        self.check_books()

    def check_books(self) -> None:
        counters = self._lobby.counters
        assert counters.received == self._received == counters.accepted + sum(counters.dropped.values())
        assert sum(size * count for size, count in counters.fanout.items()) == self._copies
        assert all(locate(client.address).remote == remote for remote, client in self._lobby.clients_by_remote.items())

    def _send(self) -> None:
        source, data = self._bites.pick(SOURCES), self._bites.piece()
        others = self._addresses_but(source)
        result = delivered(self._lobby.handle_datagram(data, source, self._now))
        self._received += 1
        if not isinstance(result, DropReason) or result in {DropReason.MESSAGE_RATE, DropReason.BYTE_RATE}:
            self._proofs.pop(locate(source).remote, None)  # it was heard
        if isinstance(result, DropReason):
            return
        parts = parse_lobby(data)
        assert parts, "what is malformed was accepted"
        assert b"".join(parts).decode()
        assert locate(source).remote in self._lobby.clients_by_remote
        payload, addresses = result
        if parts[1]:
            assert (payload, addresses) == (data, others)
            self._copies += len(others)
            self._sent.append(payload)
        else:
            assert not addresses, "a keep-alive was relayed"

    def _addresses_but(self, source: UdpAddress) -> list[UdpAddress]:
        clients = self._lobby.clients_by_remote.items()
        others = [client for remote, client in clients if remote != locate(source).remote]
        return sorted(cast("UdpAddress", client.address) for client in others if not client.paused)

    def _wait(self) -> None:
        self._now += self._bites.pick(PAUSES)

    def _bounce(self) -> None:
        """Let an ICMP error come, true or forged, or a send fail; only what is proven counts (EVI-03)."""
        target, kind = self._bites.pick(SOURCES), self._bites.byte() % 4
        remote = locate(target).remote
        before = len(self._lobby.clients_by_remote)
        if kind == 0:
            self._proofs[remote] += 1
            self._lobby.note_send_error(target, self._now)
        else:
            quoted = self._quotation(kind)
            self._proofs[remote] += any(to == remote and quoted.startswith(payload) for to, payload in self._notices)
            self._lobby.note_undelivered(target, quoted, self._now)
        proven = self._proofs[remote] >= FAILURES_TO_EVICT
        assert proven or len(self._lobby.clients_by_remote) == before, "a forged error evicted somebody"

    def _quotation(self, kind: int) -> bytes:
        if kind == 1:
            return self._bites.piece()
        if kind == 2 and self._notices:
            return self._bites.pick(self._notices[::-1])[1]
        return self._bites.pick(self._sent[::-1])


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites:
            break
        world.step()
    world.check_books()
