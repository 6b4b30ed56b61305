"""The lobby: whoever speaks is in, and hears what the others say (LOB-01 to LOB-05)."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import EvictionReason, encode_lobby
from relay_server.core import events, lobby
from relay_server.core.address import parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.limits import SMALL_AUDIENCE
from relay_server.core.lobby import ALL_NEW_NAMES_AT_ONCE, NEW_NAMES_AT_ONCE, Lobby
from relay_server.core.names import passes_for_server
from relay_server.net.address import UdpAddress, locate, make_address
from relay_server.net.udp import encode_lobby_notice
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import NOTHING_SAID, Heard, at, delivered, new_nonces, take_out

ANN, BOB, EVE = at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")


class LobbyCase:
    """A lobby on a clock of floats."""

    def __init__(self, **policy: Any) -> None:
        self.events: list[events.Event] = []
        self.lobby = Lobby(unlimited(**policy), self.events.append, new_nonces(), locate)

    def say(self, source: UdpAddress, name: str, message: str | bytes = b"", now: float = 0.0) -> Heard | DropReason:
        raw = message.encode() if isinstance(message, str) else message
        return delivered(self.lobby.handle_datagram(encode_lobby(name.encode(), raw), source, now))

    def trio(self) -> None:
        for source, name in ((ANN, "ann"), (BOB, "bob"), (EVE, "eve")):
            self.say(source, name)

    def said(self) -> list[tuple[bytes, list[UdpAddress]]]:
        return take_out(self.lobby.outbox, encode_lobby_notice)

    def assert_all_is_counted(self) -> None:
        counters = self.lobby.counters
        assert counters.received == counters.accepted + sum(counters.dropped.values())
        assert sum(self.lobby._census.by_network.values()) == len(self.lobby.clients_by_remote)


@pytest.mark.requirement("LOB-05")
@pytest.mark.parametrize("source", [at("10.0.0.1", 0), at("224.0.0.1"), at("ff02::1"), at("255.255.255.255")])
def test_who_cant_be_answered_is_no_client(source: UdpAddress) -> None:
    case = LobbyCase()
    assert case.say(source, "ann", "hi") is DropReason.UNANSWERABLE
    assert not case.lobby.clients_by_remote
    case.assert_all_is_counted()


@pytest.mark.requirement("LOB-05")
@pytest.mark.parametrize("bound", [parse_ip("10.0.0.9"), None], ids=["bound to one address", "bound to all"])
def test_the_lobby_is_no_client_of_itself(bound: bytes | None) -> None:
    case = LobbyCase()
    case.lobby = Lobby(unlimited(), case.events.append, new_nonces(), locate, port=9002, ip=bound)
    here = None if bound else parse_ip("10.0.0.9")
    itself, neighbour, namesake = (
        make_address(parse_ip(ip), port, local_ip=here)
        for ip, port in (("10.0.0.9", 9002), ("10.0.0.9", 9001), ("10.0.0.1", 9002))
    )
    assert case.say(itself, "ann", "hi") is DropReason.UNANSWERABLE
    for source in (neighbour, namesake):
        case.say(source, "ann", "hi")
    assert set(case.lobby.clients_by_remote) == {locate(one).remote for one in (neighbour, namesake)}


def farewell(reason: EvictionReason) -> bytes:
    return b"\x06serverdisconnected: " + reason.encode()


@pytest.mark.requirement("LOB-02", "LOB-03")
def test_who_spoke_once_hears_what_the_others_say_byte_for_byte() -> None:
    case = LobbyCase()
    assert case.say(ANN, "ann", "is anybody here?") == (b"\x03annis anybody here?", [])
    assert case.say(BOB, "bob", "hi\x1b\n") == (b"\x03bobhi\x1b\n", [ANN])
    assert case.say(ANN, "ann", "ah") == (b"\x03annah", [BOB])
    assert len(case.lobby.clients_by_remote) == 2
    assert case.said() == []


@pytest.mark.requirement("LOB-03")
def test_an_empty_message_only_keeps_its_sender() -> None:
    case = LobbyCase(silence_timeout_seconds=100.0)
    case.trio()
    assert case.say(ANN, "ann", "", 50.0) == NOTHING_SAID
    case.lobby.expire(100.0)
    assert [client.name for client in case.lobby.clients_by_remote.values()] == [b"ann"]


@pytest.mark.requirement("LOB-02")
def test_a_client_may_change_its_name_and_is_known_by_its_address() -> None:
    case = LobbyCase()
    case.trio()
    case.say(ANN, "anna", "hi")
    case.say(make_address(parse_ip("10.0.0.1"), 5000, local_ip=parse_ip("10.0.0.9")), "anna", "hi")
    assert len(case.lobby.clients_by_remote) == 3
    case.say(at("10.0.0.1", 5001), "ann", "another socket")
    assert len(case.lobby.clients_by_remote) == 4


@pytest.mark.requirement("LOB-04", "EVI-01")
def test_a_silent_client_is_forgotten_and_told() -> None:
    case = LobbyCase(silence_timeout_seconds=100.0)
    assert case.lobby.next_deadline() == inf
    case.trio()
    case.say(ANN, "ann", "", 50.0)
    assert case.lobby.next_deadline() == 100.0
    case.lobby.expire(99.9)
    assert case.events == []
    case.lobby.expire(100.0)
    assert case.said() == [(farewell(EvictionReason.SILENCE), [BOB]), (farewell(EvictionReason.SILENCE), [EVE])]
    assert case.events == [events.LobbyClientEvicted(name, EvictionReason.SILENCE) for name in ("bob", "eve")]
    assert case.say(ANN, "ann", "alone", 101.0) == (b"\x03annalone", [])
    case.assert_all_is_counted()


def fail(case: LobbyCase, now: float, target: UdpAddress = BOB) -> list[bytes]:
    """Let ann talk to a dead port: all that is sent there comes back; returns what the lobby asked."""
    result = case.say(ANN, "ann", f"message at {now}", now)
    assert isinstance(result, tuple)
    case.lobby.note_undelivered(target, result[0], now)
    asked = [payload for payload, targets in case.said() if targets == [target]]
    for challenge in asked:
        case.lobby.note_undelivered(target, challenge, now)
    return asked


@pytest.mark.requirement("LOB-04", "EVI-03")
def test_a_client_that_fails_again_and_again_is_forgotten_and_told() -> None:
    case = LobbyCase()
    case.trio()
    assert fail(case, 10.0) == [b"\x06servercan you hear me? /here 0000000000000001"]
    fail(case, 15.0)
    assert case.events == []
    fail(case, 20.0)
    assert case.events == [events.LobbyClientEvicted("bob", EvictionReason.UNREACHABLE)]
    assert case.said() == [(farewell(EvictionReason.UNREACHABLE), [BOB])]
    assert case.lobby.counters.challenges == 3


@pytest.mark.requirement("EVI-03")
def test_a_sign_of_life_forged_errors_and_strangers_evict_nobody() -> None:
    case = LobbyCase()
    case.trio()
    for now in (10.0, 15.0):
        fail(case, now)
    case.say(BOB, "bob", "", 16.0)
    fail(case, 20.0)
    fail(case, 25.0, at("198.51.100.1"))
    for second in range(30, 60):
        result = case.say(ANN, "ann", f"something {second}", float(second))
        assert isinstance(result, tuple)
        case.lobby.note_undelivered(BOB, result[0], float(second))
        case.lobby.note_undelivered(BOB, b"something else", float(second))
        case.lobby.note_send_error(at("198.51.100.1"), float(second))
    assert case.events == []


@pytest.mark.requirement("EVI-03")
def test_sends_that_the_kernel_refuses_count_as_well() -> None:
    case = LobbyCase()
    case.trio()
    for now in (1.0, 6.0, 11.0):
        case.say(ANN, "ann", f"message at {now}", now)
        case.lobby.note_send_error(BOB, now)
    assert case.events == [events.LobbyClientEvicted("bob", EvictionReason.UNREACHABLE)]


@pytest.mark.requirement("LOB-01", "LOB-05")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", DropReason.MALFORMED),
        (b"\0", DropReason.MALFORMED),
        (b"\0hello", DropReason.MALFORMED),
        (b"\5ann", DropReason.MALFORMED),
        (b"\xff" + b"a" * 254, DropReason.MALFORMED),
        (b"\3ann" + b"x" * 4093, DropReason.OVERSIZED),
        (b"\3a\xffn", DropReason.INVALID_UTF8),
        (b"\3ann\xff", DropReason.INVALID_UTF8),
        (b"\6serverhi", DropReason.RESERVED_NAME),
        (b"\x08 SERVER hi", DropReason.RESERVED_NAME),
    ],
)
def test_what_is_malformed_is_dropped_and_makes_nobody_known(data: bytes, reason: DropReason) -> None:
    case = LobbyCase()
    assert case.lobby.handle_datagram(data, ANN, 0.0) is reason
    assert not case.lobby.clients_by_remote
    assert case.said() == []
    assert case.lobby.counters.dropped[reason] == 1
    case.assert_all_is_counted()


@pytest.mark.requirement("LOB-01")
@pytest.mark.parametrize("name", ["a", "a" * 255, "é" * 127, "漢" * 85])
def test_names_up_to_255_bytes_and_datagrams_up_to_4096_pass(name: str) -> None:
    case = LobbyCase()
    message = b"x" * (4096 - 1 - len(name.encode()))
    result = case.say(ANN, name, message)
    assert isinstance(result, tuple)
    assert len(result[0]) == 4096


@pytest.mark.requirement("LIM-01", "LOB-05")
def test_a_client_over_its_limit_is_dropped() -> None:
    case = LobbyCase(message_rate=1.0, message_burst=2)
    case.trio()
    assert isinstance(case.say(ANN, "ann", "hi"), tuple)
    assert case.say(ANN, "ann", "hi") is DropReason.MESSAGE_RATE
    assert isinstance(case.say(BOB, "bob", "hi"), tuple)
    assert case.said() == []
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-05")
def test_the_lobby_has_as_many_clients_as_a_room() -> None:
    case = LobbyCase(max_members_per_room=2, silence_timeout_seconds=100.0)
    case.say(ANN, "ann")
    case.say(BOB, "bob", "", 50.0)
    assert case.say(EVE, "eve", "", 50.0) is DropReason.TOO_MANY
    assert isinstance(case.say(BOB, "bob", "hi", 50.0), tuple)
    case.lobby.expire(100.0)
    assert isinstance(case.say(EVE, "eve", "", 100.0), tuple)


@pytest.mark.requirement("ROOM-05")
def test_an_address_has_as_many_clients_as_members() -> None:
    case = LobbyCase(max_members_per_address=2)
    for port in (1, 2):
        case.say(at("2001:db8::1", port), "ann")
    assert case.say(at("2001:db8::2", 3), "ann") is DropReason.TOO_MANY
    assert isinstance(case.say(at("2001:db8:0:1::1", 3), "ann"), tuple)
    case.say(at("2001:db8::1", 2), "ann", "", 200.0)
    case.lobby.expire(300.0)
    assert isinstance(case.say(at("2001:db8::2", 3), "ann", "", 300.0), tuple)
    assert case.say(at("2001:db8::2", 4), "ann", "", 300.0) is DropReason.TOO_MANY
    case.assert_all_is_counted()


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names that the lobby looks at, so far."""
    names: list[str] = []

    def look(name: str) -> bool:
        names.append(name)
        return passes_for_server(name)

    monkeypatch.setattr(lobby, "passes_for_server", look)
    return names


@pytest.mark.requirement("LIM-01", "LOB-05")
def test_a_client_over_its_rate_is_dropped_before_its_name_or_text_is_looked_at(looked_at: list[str]) -> None:
    case = LobbyCase(message_rate=1.0, message_burst=1, silence_timeout_seconds=100.0)
    case.say(ANN, "ann", "hi")
    assert case.say(ANN, "ann", b"\xff", 0.5) is DropReason.MESSAGE_RATE
    assert case.say(ANN, "anna", "hi", 0.5) is DropReason.MESSAGE_RATE
    assert looked_at == ["ann"]
    case.lobby.expire(100.0)
    assert [client.name for client in case.lobby.clients_by_remote.values()] == [b"ann"]  # it did say something
    assert isinstance(case.say(ANN, "anna", "hi", 100.0), tuple)
    assert looked_at == ["ann", "anna"]
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-05", "LOB-05")
def test_who_finds_no_place_is_dropped_before_its_name_or_text_is_looked_at(looked_at: list[str]) -> None:
    case = LobbyCase(max_members_per_room=2, max_members_per_address=1)
    case.say(ANN, "ann")
    for text in ("hi", b"\xff"):
        assert case.say(at("10.0.0.1", 5001), "other", text) is DropReason.TOO_MANY
    case.say(BOB, "bob")
    for text in ("hi", b"\xff"):
        assert case.say(EVE, "eve", text) is DropReason.TOO_MANY
    assert looked_at == ["ann", "bob"]
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01", "LOB-05")
def test_of_one_address_few_new_names_are_looked_at(looked_at: list[str]) -> None:
    case = LobbyCase(max_members_per_address=NEW_NAMES_AT_ONCE)
    case.say(ANN, "ann")
    for number in range(NEW_NAMES_AT_ONCE - 1):  # newcomers, and one that changes its name all the time
        case.say(at("10.0.0.1", 6000 + number), "server") if number % 2 else case.say(ANN, f"ann {number}")
    assert len(looked_at) == NEW_NAMES_AT_ONCE
    assert case.say(at("10.0.0.1", 7000), "cem") is DropReason.TOO_MANY
    assert case.say(ANN, "anna", "hi") is DropReason.TOO_MANY
    assert case.lobby.clients_by_remote.keys() == {locate(ANN).remote}
    kept = f"ann {NEW_NAMES_AT_ONCE - 2}"
    assert isinstance(case.say(ANN, kept, "I am still who I was"), tuple)
    assert isinstance(case.say(BOB, "bob", "another address"), tuple)
    assert isinstance(case.say(at("10.0.0.1", 7000), "cem", "", 0.2), tuple)  # five a second
    assert case.say(at("10.0.0.1", 7001), "dora", "", 0.2) is DropReason.TOO_MANY
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01", "LOB-05")
def test_of_forged_addresses_few_names_are_looked_at_too(looked_at: list[str]) -> None:
    case = LobbyCase(max_members_per_room=10)
    case.say(ANN, "ann", "hi")
    sources = [at(f"10.1.{number >> 8}.{number & 255}") for number in range(2 * ALL_NEW_NAMES_AT_ONCE)]
    reasons = [case.say(source, "server", "disconnected: kicked") for source in sources]
    assert reasons.count(DropReason.RESERVED_NAME) == ALL_NEW_NAMES_AT_ONCE - 1
    assert reasons.count(DropReason.TOO_MANY) == ALL_NEW_NAMES_AT_ONCE + 1
    assert len(looked_at) == ALL_NEW_NAMES_AT_ONCE
    assert isinstance(case.say(ANN, "ann", "I am known"), tuple)
    assert isinstance(case.say(BOB, "bob", "hi", 1.0), tuple)
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01", "LOB-05")
def test_as_many_as_may_be_there_may_come_at_once() -> None:
    many = 2 * ALL_NEW_NAMES_AT_ONCE
    for policy in ({"max_members_per_address": many, "max_members_per_room": many}, {}):
        case = LobbyCase(**policy)
        for number in range(many):
            case.say(at("10.0.0.1", 6000 + number), "ann")
        assert len(case.lobby.clients_by_remote) == many


@pytest.mark.requirement("LOB-05", "ROOM-03")
def test_a_name_that_grows_beyond_all_bounds_is_dropped() -> None:
    case = LobbyCase()
    assert case.say(ANN, 85 * "\ufdfa", "hi") is DropReason.RESERVED_NAME
    assert isinstance(case.say(ANN, "\ufdfa", "hi"), tuple)


@pytest.mark.requirement("EVI-06")
def test_a_lobby_that_closes_tells_everybody_and_takes_nobody_in() -> None:
    case = LobbyCase()
    case.trio()
    case.lobby.shut_down()
    assert case.said() == [(farewell(EvictionReason.SHUTDOWN), [source]) for source in (ANN, BOB, EVE)]
    assert case.say(ANN, "ann", "hello?") is DropReason.TOO_MANY
    assert not case.lobby.clients_by_remote
    case.assert_all_is_counted()


@pytest.mark.requirement("LOB-05", "CON-01")
@given(st.lists(st.tuples(st.binary(max_size=20), st.sampled_from([ANN, BOB, EVE])), max_size=30))
def test_every_datagram_is_forwarded_or_dropped_and_counted(datagrams: list[tuple[bytes, UdpAddress]]) -> None:
    case = LobbyCase(max_members_per_room=2)
    known: set[UdpAddress] = set()
    for data, source in datagrams:
        result = delivered(case.lobby.handle_datagram(data, source, 0.0))
        if isinstance(result, tuple):
            known.add(source)
            payload, targets = result
            assert payload in {data, b""}
            assert targets in ([], sorted(known - {source}))
        case.assert_all_is_counted()
    assert case.said() == []


@pytest.mark.requirement("LIM-01", "LOB-03")
def test_a_large_lobby_has_one_bound_for_all_copies() -> None:
    case = LobbyCase(message_rate=8.0, message_burst=1)
    crowd = [at(f"10.0.{number}.1") for number in range(SMALL_AUDIENCE + 2)]
    for source in crowd:
        case.say(source, "ann")
    results = [case.say(source, "ann", "hi", 1.0) for source in crowd[:20]]
    allowed = 1000 // (SMALL_AUDIENCE + 1)
    assert [result is DropReason.COPY_RATE for result in results] == [False] * allowed + [True] * (20 - allowed)
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01", "LOB-03")
def test_copies_arent_counted_in_a_small_lobby() -> None:
    case = LobbyCase(message_rate=8.0, message_burst=1)
    crowd = [at(f"10.0.{number}.1") for number in range(SMALL_AUDIENCE + 1)]
    for source in crowd:
        case.say(source, "ann")
    assert not any(case.say(source, "ann", "hi", 1.0) is DropReason.COPY_RATE for source in crowd)


@pytest.mark.requirement("LIM-01", "LOB-03")
def test_without_a_message_rate_a_lobby_has_no_bound() -> None:
    case = LobbyCase()
    crowd = [at(f"10.0.{number}.1") for number in range(SMALL_AUDIENCE + 2)]
    for source in crowd:
        case.say(source, "ann")
    assert not any(case.say(source, "ann", "hi", 1.0) is DropReason.COPY_RATE for source in crowd)
