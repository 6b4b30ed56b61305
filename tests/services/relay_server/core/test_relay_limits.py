"""Who says too much, who says it again and again, and who guesses tokens (LIM-01, EVI-03)."""

from typing import Any

import pytest

from chatproto import EvictionReason, encode_datagram
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.judge import STRIKES_TO_EVICT
from relay_server.core.limits import COPIES_AT_ONCE_PER_MESSAGE, SMALL_AUDIENCE
from relay_server.core.model import Member
from relay_server.core.relay import GUESSES_A_SECOND
from services.relay_server.core.rooms_case import NOTHING_SAID, Case, at, home, relayed

SLOW_DOWN = "server: slow down: some of your messages were not relayed"


@pytest.mark.requirement("LIM-01")
def test_a_member_over_its_message_rate_is_dropped_and_told_once_a_second() -> None:
    case = Case(message_rate=2.0, message_burst=4)
    ann, bob, _ = case.trio()  # their first keep-alives took one of the burst
    results = [case.say(bob, "hi", 0.0) for _ in range(10)]
    assert [isinstance(result, tuple) for result in results] == [True] * 3 + [False] * 7
    assert set(results[3:]) == {DropReason.MESSAGE_RATE}
    assert case.said() == [(SLOW_DOWN, [home(bob)])]
    assert relayed(case.say(bob, "hi", 0.5))[0] == "bob: hi"
    assert case.say(bob, "hi", 0.9) is DropReason.MESSAGE_RATE
    assert case.said() == []
    assert relayed(case.say(bob, "hi", 1.0))[0] == "bob: hi"
    assert case.say(bob, "hi", 1.0) is DropReason.MESSAGE_RATE
    assert case.said() == [(SLOW_DOWN, [home(bob)])]
    assert relayed(case.say(ann, "hi", 1.0))[0] == "ann: hi"  # everybody has a limit of their own
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01")
def test_a_member_over_its_byte_rate_is_dropped() -> None:
    case = Case(byte_rate=5000.0)
    ann, _, _ = case.trio()
    assert relayed(case.say(ann, "x" * 4000, 0.0))
    assert relayed(case.say(ann, "x" * 4000, 0.0))
    assert case.say(ann, "x" * 4000, 0.0) is DropReason.BYTE_RATE
    assert relayed(case.say(ann, "x" * 4000, 1.0))


@pytest.mark.requirement("EVI-03", "EVI-05")
def test_who_breaks_the_limit_again_and_again_is_evicted_for_abuse() -> None:
    case = Case(message_rate=1.0, message_burst=1, silence_timeout_seconds=1e6)
    ann, bob, eve = case.trio()
    strikes = 0
    now = 0.0
    while case.knows(bob):
        now += 0.25
        case.say(bob, "flood", now)
        strikes += (SLOW_DOWN, [home(bob)]) in case.said() or not case.knows(bob)
    assert strikes == STRIKES_TO_EVICT
    assert now >= STRIKES_TO_EVICT - 1
    assert case.events[-1] == events.MemberEvicted("demo", "bob", EvictionReason.ABUSE)
    assert case.say(bob, "flood", now) is DropReason.UNKNOWN_TOKEN
    assert case.knows(ann)
    assert case.knows(eve)
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-03")
def test_who_is_evicted_for_abuse_is_told() -> None:
    case = Case(message_rate=1.0, message_burst=1)
    ann, bob, eve = case.trio()
    now = 0.0
    while case.knows(bob):
        now += 0.5
        case.said()
        case.say(bob, "flood", now)
    assert case.said() == [
        (SLOW_DOWN, [home(bob)]),
        ("server: disconnected: abuse", [home(bob)]),
        ("server: bob was disconnected: abuse", [home(ann), home(eve)]),
    ]


@pytest.mark.requirement("EVI-03")
def test_a_pause_forgives_all_strikes() -> None:
    case = Case(message_rate=1.0, message_burst=1, silence_timeout_seconds=1e6)
    _, bob, _ = case.trio()
    now = 0.0
    for _ in range(10):
        for _ in range(STRIKES_TO_EVICT - 1):
            now += 1.0
            case.say(bob, "one", now)
            case.say(bob, "too many", now)
        assert bob.strikes == STRIKES_TO_EVICT - 1
        now += 5.0
        case.say(bob, "sorry", now)
    assert case.knows(bob)


@pytest.mark.requirement("LIM-01", "CON-03")
def test_who_guesses_tokens_is_told_apart_by_address() -> None:
    case = Case()
    ann, _, _ = case.trio()

    def guess(source: str, now: float) -> object:
        return case.relay.handle_datagram(encode_datagram(b"demo", b"guess", b"hi"), at(source), now)

    burst = int(GUESSES_A_SECOND)
    assert [guess("198.51.100.1", 0.0) for _ in range(burst)] == [DropReason.UNKNOWN_TOKEN] * burst
    assert guess("198.51.100.1", 0.0) is DropReason.GUESSING
    assert guess("198.51.100.2", 0.0) is DropReason.UNKNOWN_TOKEN
    assert guess("198.51.100.1", 1.0) is DropReason.UNKNOWN_TOKEN
    assert relayed(case.say(ann, "not disturbed", 1.0))
    assert case.said() == []
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01")
def test_a_guessers_neighbour_with_a_token_is_served() -> None:
    case = Case()
    ann = case.create("ann", ip="198.51.100.1")
    for _ in range(100):
        case.relay.handle_datagram(encode_datagram(b"demo", b"guess"), at("198.51.100.1", 9), 0.0)
    assert case.say(ann, "hi") == (b"ann: hi", [])


def large_room(members: int, **policy: Any) -> tuple[Case, list[Member]]:
    """Return a room whose members all come from one address, have spoken, and wait for nothing."""
    case = Case(max_members_per_address=0, **policy)
    crowd = [case.create("member 0", ip="10.0.0.1")]
    crowd += [case.join(f"member {number}", ip="10.0.0.1") for number in range(1, members)]
    for port, member in enumerate(crowd, start=5000):
        case.say(member, "", 0.0, at("10.0.0.1", port))
    case.said()
    return case, crowd


def speak(case: Case, crowd: list[Member], number: int, text: str = "hi", now: float = 1.0) -> object:
    return case.say(crowd[number], text, now, at("10.0.0.1", 5000 + number))


@pytest.mark.requirement("LIM-01")
def test_the_members_of_one_address_share_what_they_may_cause_in_a_large_room() -> None:
    case, crowd = large_room(SMALL_AUDIENCE + 2, message_rate=1.0, message_burst=1)
    allowed = COPIES_AT_ONCE_PER_MESSAGE // (SMALL_AUDIENCE + 1)
    results = [speak(case, crowd, number) for number in range(allowed + 3)]
    assert [result is DropReason.COPY_RATE for result in results] == [False] * allowed + [True] * 3
    assert case.said() == [(SLOW_DOWN, [at("10.0.0.1", 5000 + number)]) for number in range(allowed, allowed + 3)]
    somebody = case.join("somebody else", ip="10.0.0.2", now=1.0)
    assert isinstance(case.say(somebody, "hi", 1.0), tuple)
    assert isinstance(speak(case, crowd, allowed + 3, now=2.0), tuple)
    assert case.knows(crowd[allowed])
    case.assert_all_is_counted()


@pytest.mark.requirement("LIM-01")
@pytest.mark.parametrize(("members", "rate"), [(SMALL_AUDIENCE + 1, 1.0), (SMALL_AUDIENCE + 2, 0.0)])
def test_copies_arent_counted_in_small_rooms_nor_without_a_message_rate(members: int, rate: float) -> None:
    case, crowd = large_room(members, message_rate=rate, message_burst=1)
    for number in range(members):
        assert isinstance(speak(case, crowd, number), tuple)


@pytest.mark.requirement("LIM-01", "MOD-01")
def test_a_hosts_command_in_a_large_room_counts_as_a_message() -> None:
    case, crowd = large_room(SMALL_AUDIENCE + 2, message_rate=1.0, message_burst=100)
    results = [speak(case, crowd, 0, f"/topic {number}") for number in range(60)]
    assert DropReason.COPY_RATE not in results
    case, crowd = large_room(SMALL_AUDIENCE + 2, message_rate=30.0, message_burst=1)
    for number in range(1, 4):
        speak(case, crowd, number)
    assert speak(case, crowd, 0, "/topic one more") is DropReason.COPY_RATE
    assert speak(case, crowd, 1, "/who", now=1.05) == NOTHING_SAID
