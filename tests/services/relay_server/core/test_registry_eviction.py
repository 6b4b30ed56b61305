"""Who loses their place, when, and who is told (EVI-01 to EVI-05, ROOM-04, ROOM-06)."""

from math import inf

import pytest

from chatproto import EvictionReason
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.model import Member
from relay_server.net.address import UdpAddress
from services.relay_server.core.rooms_case import Case, at, home

GONE = "server: disconnected: {}"


@pytest.mark.requirement("EVI-01", "EVI-02")
def test_a_silent_member_is_evicted_at_its_deadline() -> None:
    case = Case(silence_timeout_seconds=100.0)
    ann, bob, eve = case.trio()
    for member in (ann, eve):
        case.say(member, "", 50.0)
    assert case.registry.next_deadline() == 100.0
    case.registry.expire(99.999)
    assert case.knows(bob)
    case.registry.expire(100.0)
    assert case.said() == [
        (GONE.format("silence"), [home(bob)]),
        ("server: bob was disconnected: silence", [home(ann), home(eve)]),
    ]
    assert case.events == [events.MemberEvicted("demo", "bob", EvictionReason.SILENCE)]
    assert case.say(bob, "still here", 101.0) is DropReason.UNKNOWN_TOKEN
    assert case.registry.next_deadline() == 150.0
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-01", "UDP-07")
def test_a_keep_alive_renews_a_members_time() -> None:
    case = Case(silence_timeout_seconds=100.0)
    ann = case.create("ann")
    for now in range(0, 1000, 99):
        case.registry.expire(float(now))
        case.say(ann, "", float(now))
    assert case.knows(ann)


@pytest.mark.requirement("EVI-04", "ROOM-01")
def test_a_host_that_is_evicted_takes_the_room_along() -> None:
    case = Case(silence_timeout_seconds=100.0)
    ann, bob, eve = case.trio()
    case.say(bob, "", 50.0)
    case.say(eve, "", 60.0)
    case.registry.expire(100.0)
    assert case.said() == [
        (GONE.format("silence"), [home(ann)]),
        ("server: ann was disconnected: silence", [home(bob), home(eve)]),
        (GONE.format("host_left"), [home(bob)]),
        (GONE.format("host_left"), [home(eve)]),
    ]
    assert case.events[-1] == events.RoomClosed("demo", EvictionReason.SILENCE)
    assert not case.registry.rooms
    assert case.registry.next_deadline() == inf


@pytest.mark.requirement("ROOM-04")
def test_a_token_that_is_never_used_dies() -> None:
    case = Case(pending_timeout_seconds=30.0)
    ann = case.create("ann")
    case.say(ann)
    case.join("bob", now=5.0)
    case.events.clear()
    case.registry.expire(34.999)
    assert not case.events
    case.registry.expire(35.0)
    assert case.events == [events.MemberEvicted("demo", "bob", EvictionReason.NEVER_CONNECTED)]
    assert case.said()[-1] == ("server: bob was disconnected: never_connected", [home(ann)])
    case.join("bob", now=35.0)  # its place and its name are free


@pytest.mark.requirement("ROOM-04", "LEN-02")
def test_a_provisional_address_keeps_no_token_alive_and_gets_no_farewell() -> None:
    case = Case(pending_timeout_seconds=30.0, provisional_address=True)
    ann = case.create("ann")
    case.say(ann)
    provisional = at("10.0.0.2", 40_000)
    case.join("bob", ip="10.0.0.2", port=provisional)
    case.said()
    case.registry.expire(30.0)
    assert case.said() == [("server: bob was disconnected: never_connected", [home(ann)])]


@pytest.mark.requirement("ROOM-04")
def test_a_host_that_never_speaks_loses_the_room() -> None:
    case = Case(pending_timeout_seconds=30.0)
    case.create("ann")
    case.registry.expire(30.0)
    assert case.events[-1] == events.RoomClosed("demo", EvictionReason.NEVER_CONNECTED)
    assert not case.registry.rooms


def test_deadlines_of_all_kinds_come_in_order() -> None:
    case = Case(silence_timeout_seconds=100.0, pending_timeout_seconds=30.0, host_grace_seconds=45.0)
    assert case.registry.next_deadline() == inf
    host = case.create("zoe", "other", now=0.0)
    case.say(host, "", 0.0)
    case.registry.leave(host, 10.0)  # its grace ends at 55
    case.say(case.create("ann", now=10.0), "", 20.0)  # silent at 120
    case.join("bob", now=30.0)  # pending until 60
    deadlines = []
    while (deadline := case.registry.next_deadline()) < inf:
        deadlines.append(deadline)
        case.registry.expire(deadline)
    assert deadlines == [55.0, 60.0, 120.0, 165.0]
    assert not case.registry.rooms
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-06")
def test_a_room_outlives_its_host_for_the_grace() -> None:
    case = Case(host_grace_seconds=10.0)
    ann, bob, eve = case.trio()
    case.registry.leave(ann, 1.0)
    assert case.said() == [("server: ann left", [home(bob), home(eve)])]
    assert case.say(bob, "still here", 2.0) == (b"bob: still here", [home(eve)])
    assert case.registry.next_deadline() == 11.0
    case.registry.expire(11.0)
    assert case.said() == [(GONE.format("host_left"), [home(member)]) for member in (bob, eve)]
    assert case.events[-1] == events.RoomClosed("demo", EvictionReason.HOST_LEFT)


@pytest.mark.requirement("ROOM-06")
def test_who_comes_back_under_the_hosts_name_is_the_host() -> None:
    case = Case(host_grace_seconds=10.0)
    ann, bob, _ = case.trio()
    case.registry.evict(ann, EvictionReason.KICKED, 1.0)
    zoe = case.join("zoe", now=2.0, ip="10.0.0.1")
    assert zoe.room.host is None
    again = case.join("ann", now=3.0, ip="10.0.0.1")
    assert again.room.host is again
    case.registry.expire(11.0)
    assert case.knows(bob)
    case.registry.leave(again, 12.0)
    assert case.registry.next_deadline() == 22.0


@pytest.mark.requirement("ROOM-06")
def test_who_comes_from_elsewhere_under_the_hosts_name_is_a_member() -> None:
    case = Case(host_grace_seconds=10.0)
    ann, bob, _ = case.trio()
    case.registry.leave(ann, 1.0)
    assert case.join("ann", now=2.0, ip="198.51.100.1").room.host is None
    case.registry.expire(11.0)
    assert not case.knows(bob)


@pytest.mark.requirement("ROOM-06")
def test_nobody_takes_the_place_of_a_host_who_is_there() -> None:
    case = Case(host_grace_seconds=10.0)
    ann, bob, _ = case.trio()
    case.registry.leave(bob, 1.0)
    case.join("bob", now=1.0)
    assert ann.room.host is ann


class Failing:
    """A room where ann talks, and what comes back of it from bob's port."""

    def __init__(self) -> None:
        self.case = Case()
        self.ann, self.bob, self.eve = self.case.trio()
        self._said = 0

    def speak(self, now: float, speaker: Member | None = None) -> bytes:
        """Let somebody say something new; returns what was sent."""
        self._said += 1
        result = self.case.say(speaker or self.ann, f"message {self._said}", now)
        assert isinstance(result, tuple)
        return result[0]

    def fail(self, now: float, member: Member | None = None, speaker: Member | None = None) -> list[str]:
        """Let somebody talk to a dead port: all that is sent there comes back; returns what the relay asked."""
        dead = member or self.bob
        self.bounce(self.speak(now, speaker), now, home(dead))
        asked = [text for text, targets in self.case.said() if targets == [home(dead)]]
        for challenge in asked:
            self.bounce(challenge.encode(), now, home(dead))
        return asked

    def bounce(self, quoted: bytes, now: float, address: UdpAddress | None = None) -> None:
        self.case.registry.note_undelivered(address or home(self.bob), quoted, now)


@pytest.mark.requirement("EVI-03", "EVI-02")
def test_who_fails_three_times_over_ten_seconds_is_unreachable() -> None:
    failing = Failing()
    for number, now in enumerate((10.0, 15.0), start=1):
        assert failing.fail(now) == [f"server: can you hear me? /here {number:016x}"]
    assert failing.case.knows(failing.bob)
    failing.fail(20.0)
    assert not failing.case.knows(failing.bob)
    assert failing.case.said() == [
        (GONE.format("unreachable"), [home(failing.bob)]),
        ("server: bob was disconnected: unreachable", [home(failing.ann), home(failing.eve)]),
    ]
    assert failing.case.registry.counters.challenges == 3


@pytest.mark.requirement("EVI-03")
def test_amid_lively_talk_a_dead_port_is_found_out_all_the_same() -> None:
    failing = Failing()
    spoken = challenges = 0
    while failing.case.knows(failing.bob):
        challenges += len(failing.fail(10.0 + spoken / 1000))
        spoken += 1
    assert 10_000 <= spoken <= 10_600
    assert challenges <= 21


@pytest.mark.requirement("EVI-03")
def test_a_burst_of_errors_evicts_nobody() -> None:
    failing = Failing()
    for number in range(100):
        failing.fail(10.0 + number / 20)
    assert failing.case.knows(failing.bob)


@pytest.mark.requirement("EVI-03")
def test_one_datagram_fails_once_however_often_it_is_reported() -> None:
    failing = Failing()
    (challenge,) = failing.fail(10.0)
    for second in range(11, 60):
        failing.bounce(challenge.encode(), float(second))
    assert failing.case.knows(failing.bob)


@pytest.mark.requirement("EVI-03")
def test_whoever_quotes_what_the_room_heard_evicts_nobody() -> None:
    failing = Failing()
    challenges = 0
    for second in range(3, 300):
        failing.bounce(failing.speak(float(second)), float(second))
        challenges += len(failing.case.said())
    assert failing.case.knows(failing.bob)
    assert 5 <= challenges <= 10  # all that bob sees of it


@pytest.mark.requirement("EVI-03")
def test_only_the_suspect_hears_the_challenge() -> None:
    failing = Failing()
    failing.bounce(failing.speak(10.0), 10.0)
    assert failing.case.said() == [("server: can you hear me? /here 0000000000000001", [home(failing.bob)])]


@pytest.mark.requirement("EVI-03")
def test_an_error_about_another_members_challenge_is_forged() -> None:
    failing = Failing()
    for second in range(10, 60):
        failing.bounce(failing.speak(float(second)), float(second), home(failing.eve))
        for text, targets in failing.case.said():
            assert targets == [home(failing.eve)]
            failing.bounce(text.encode(), float(second))
    assert failing.case.knows(failing.bob)
    assert failing.case.knows(failing.eve)


@pytest.mark.requirement("EVI-03", "UDP-12")
@pytest.mark.parametrize("speech", [b"", b"hello", b"/here 0000000000000001"])
def test_a_datagram_that_comes_clears_all_failures(speech: bytes) -> None:
    failing = Failing()
    for now in (10.0, 15.0):
        failing.fail(now)
    failing.case.say(failing.bob, speech, 16.0)
    for now in (20.0, 25.0):
        failing.fail(now)
    assert failing.case.knows(failing.bob)
    failing.fail(30.0)
    assert not failing.case.knows(failing.bob)


@pytest.mark.requirement("EVI-03")
@pytest.mark.parametrize(
    "forged", [b"", b"ann: m", b"eve: message 1", b"ann: message x", b"\x00\x01\x02\x03\x04\x05\x06\x07"]
)
def test_errors_that_quote_what_was_not_sent_are_forged(forged: bytes) -> None:
    failing = Failing()
    for second in range(30):
        failing.speak(float(second))
        failing.bounce(forged, float(second))
    assert failing.case.said() == []
    assert failing.case.knows(failing.bob)


@pytest.mark.requirement("EVI-03")
def test_what_was_said_in_another_room_is_no_evidence_here() -> None:
    failing = Failing()
    zoe = failing.case.create("zoe", "other")
    for second in range(30):
        result = failing.case.say(zoe, f"message {second}", float(second))
        assert isinstance(result, tuple)
        failing.bounce(result[0], float(second))
    assert failing.case.said() == []


@pytest.mark.requirement("EVI-03", "LEN-02")
def test_errors_from_a_provisional_address_do_not_count() -> None:
    case = Case(provisional_address=True)
    ann = case.create("ann")
    case.say(ann)
    provisional = at("10.0.0.9", 40_000)
    bob = case.join("bob", ip="10.0.0.9", port=provisional)
    for second in range(30):
        result = case.say(ann, f"message {second}", float(second))
        assert isinstance(result, tuple)
        assert result[1] == [provisional]
        case.registry.note_undelivered(provisional, result[0], float(second))
        case.registry.note_send_error(provisional, float(second))
    assert case.knows(bob)


@pytest.mark.requirement("EVI-03")
def test_sends_that_the_kernel_refuses_count_as_well() -> None:
    failing = Failing()
    for now in (1.0, 6.0, 11.0):
        failing.speak(now)
        failing.case.registry.note_send_error(home(failing.bob), now)
        failing.case.registry.note_send_error(at("10.9.9.9"), now)  # nobody's
    assert not failing.case.knows(failing.bob)
    assert failing.case.knows(failing.eve)


@pytest.mark.requirement("EVI-03", "EVI-04")
def test_an_unreachable_host_closes_the_room() -> None:
    failing = Failing()
    case = failing.case
    for now in (10.0, 15.0, 20.0):
        failing.fail(now, failing.ann, failing.bob)
    assert case.events[-1] == events.RoomClosed("demo", EvictionReason.UNREACHABLE)
    assert not case.knows(failing.bob)


@pytest.mark.requirement("EVI-03")
def test_errors_from_an_address_that_a_member_left_behind_do_not_count() -> None:
    failing = Failing()
    old, new = home(failing.bob), home(failing.bob, 6000)
    failing.bounce(failing.speak(3.0), 3.0, old)
    ((challenge, targets),) = failing.case.said()
    assert targets == [old]
    failing.case.say(failing.bob, "", 4.0, new)
    for now in (10.0, 15.0, 20.0):
        failing.bounce(failing.speak(now), now, old)
        failing.bounce(challenge.encode(), now, old)
    assert failing.case.said() == []
    failing.bounce(failing.speak(25.0), 25.0, new)
    assert [targets for _, targets in failing.case.said()] == [[new]]


def test_two_members_may_share_a_socket() -> None:
    case = Case()
    shared = at("10.0.0.7", 7000)
    ann = case.create("ann", "one", ip="10.0.0.7")
    bob = case.create("bob", "other", ip="10.0.0.7")
    case.say(ann, "", 0.0, shared)
    case.say(bob, "", 0.0, shared)
    case.registry.leave(ann, 1.0)
    assert list(case.registry.sessions_by_remote)  # bob's address is still known
    case.registry.leave(bob, 1.0)
    case.assert_all_is_counted()
    assert not list(case.registry.sessions_by_remote)


@pytest.mark.requirement("EVI-05")
def test_only_reasons_of_the_closed_set_are_given() -> None:
    assert set(EvictionReason) == {
        "silence", "unreachable", "abuse", "never_connected", "expired", "kicked", "host_left", "shutdown",
        "resumed_elsewhere", "moved",
    }  # fmt: skip
