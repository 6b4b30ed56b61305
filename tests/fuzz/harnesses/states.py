"""A file of state that anybody may have written: it is refused as a whole, or what it tells ends as all does."""

from itertools import count
from math import inf
from typing import Final

from relay_server.core.address import parse_ip
from relay_server.core.kept import Abroad, Ban
from relay_server.core.lobby import Lobby
from relay_server.core.registry import Registry
from relay_server.core.restoring import Restoring
from relay_server.core.saving import Saving
from relay_server.core.state import (
    Clock,
    Header,
    Item,
    LobbyClientGone,
    MemberGone,
    Moment,
    RoomGone,
    SavedAddress,
    SavedEntry,
    SavedLobbyClient,
    SavedMember,
    SavedNumbers,
    SavedPlace,
    SavedResidence,
    SavedRing,
    SavedRoom,
    SavedSession,
    SavedTicket,
    StateError,
    decode_line,
    encode_line,
)
from relay_server.net.address import locate, make_address
from services.relay_server.core.policies import unlimited

_IP: Final = parse_ip("10.0.0.1")
_HERE: Final = SavedAddress(ip=_IP, port=5000)
_BEGIN: Final = (
    Header(format=1, formats=(1,), version="1"),
    Clock(at=1e6),
    SavedRoom(room=b"a", network=_IP, created=1.0, host="b", host_was=("b", _IP)),
)
_ANN: Final = SavedSession(token=b"t", ip=_IP, seen=1.0, address=_HERE, proved=1.0, receipts=True, json_notices=True)
_BOB: Final = SavedSession(
    token=b"u", ip=_IP, seen=1.0, ticket=SavedTicket(text="k", encrypted=True), kept=0.5,
    place=SavedPlace(heard=3, is_used=True, away=2.0), abroad=Abroad(turn=1, carried_by=_IP),
)  # fmt: skip


def _member(name: str, *sessions: SavedSession) -> SavedMember:
    said = SavedNumbers(window=64, runs=((1, 3), (5, 9)))
    return SavedMember(room=b"a", name=name, keys=(name,), ip=_IP, joined=1.0, sessions=sessions, said=said)


def _write(*items: Item) -> bytes:
    return b"".join(map(encode_line, (*_BEGIN, *items)))


SEEDS: Final = (
    _write(_member("b", _ANN), _member("c", _BOB)),
    _write(_member("b", _ANN, _BOB), MemberGone(room=b"a", name="b"), RoomGone(room=b"a")),
    _write(_member("c", _BOB), SavedRing(room=b"a", epoch="e", entries=(SavedEntry(line="l", is_message=True),))),
    _write(SavedLobbyClient(name=b"l", address=_HERE, seen=1.0), LobbyClientGone(address=_HERE)),
    _write(
        SavedRoom(
            room=b"b", network=_IP, created=1.0, host=None, host_was=("b", _IP), topic="t", sealed=True, waits=1.0,
            bans=(Ban("e", frozenset({"e"}), _IP),), mutes=(("b",),), hostless=1.0,
            residence=SavedResidence(first_seat=1, seats=2, kicked=(1,), took_tickets=-1.0),
        )
    ),
)  # fmt: skip
WORDS: Final = (
    *(b'{"clock":{"at":', b'{"room_gone":{"room":"61"}}\n', b'{"member_gone":{"room":"61","name":"b"}}\n', b"}\n"),
    *(b'"format":', b'"seen":', b'"joined":', b'"kept":', b'"runs":[[', b'"mutes":[["', b'"kicked":[', b'"window":'),
    *(
        b"null",
        b"-1e9",
        b"9e9",
        b"1e400",
        b"65536",
        b"9223372036854775807",
        b'"keys":["b","c"]',
        b"\\u202e",
        b"\\ud83d",
    ),
)


def check(data: bytes) -> None:
    registry, lobby = relay()
    restoring = Restoring(registry, lobby, make_address, Moment(1000.0, 1e6), handed_over=bool(len(data) % 2))
    try:
        for line in data.splitlines():
            item = decode_line(line)
            assert decode_line(encode_line(item)) == item
            restoring.apply(item)
    except StateError:
        restoring.undo()
        assert_nothing_is_left(registry, lobby)
        return
    restoring.finish(1000.0)
    again = Restoring(*relay(), make_address, Moment(5.0, 1e6), handed_over=True)
    for line in save(registry, lobby):
        again.apply(decode_line(line))
    again.finish(5.0)
    registry.expire(1e12)
    registry.shut_down()
    lobby.shut_down()
    assert_nothing_is_left(registry, lobby)


def relay() -> tuple[Registry, Lobby]:
    numbers = count(1)
    policy = unlimited(message_rate=10.0, host_grace_seconds=60.0, max_session_seconds=1000.0)
    registry = Registry(policy, lambda _: None, lambda: f"new {next(numbers)}", locate)
    return registry, Lobby(policy, lambda _: None, lambda: "nonce", locate)


def save(registry: Registry, lobby: Lobby) -> list[bytes]:
    bulk = Saving(registry, lobby, locate).bulk()
    lines = []
    while piece := bulk.take(Moment(1000.0, 1e6)):
        lines += piece
    return lines


def assert_nothing_is_left(registry: Registry, lobby: Lobby) -> None:
    assert not registry.rooms
    assert not registry.sessions_by_token
    assert not registry.seats.tickets
    assert not registry.streams.total
    assert not registry.admission.members.by_network
    assert not registry.admission.rooms.by_network
    assert not lobby.clients_by_remote
    assert registry.next_deadline() == lobby.next_deadline() == inf
