"""Who provably can't be reached gets nothing but challenges until it is heard, or may be there after all (EVI-08)."""

import pytest

from chatproto import EvictionReason
from relay_server.core import events
from relay_server.core.address import parse_ip
from relay_server.core.endpoint import Host
from relay_server.core.lobby import Lobby
from relay_server.core.model import Member
from relay_server.core.reachability import (
    FAILING_PATIENCE_SECONDS,
    HEARD_SECONDS,
    PAUSE_SECONDS,
    STALE_LOOK_SECONDS,
    UNRESOLVED_SECONDS,
    SilentHosts,
)
from relay_server.net.address import UdpAddress, locate, make_address
from services.relay_server.core.policies import unlimited
from services.relay_server.core.rooms_case import Case, at, delivered, home, new_nonces, relayed, take_out

LATER = HEARD_SECONDS + 1.0


def listeners(case: Case, speaker: Member, now: float) -> list[bytes]:
    """Let somebody speak; returns where it goes."""
    return list(relayed(case.say(speaker, "hello", now))[1])


@pytest.mark.requirement("EVI-08", "CON-02")
def test_who_fails_gets_challenges_and_no_copies() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.registry.note_send_error(home(bob), LATER)
    assert listeners(case, ann, LATER) == [home(eve)]
    case.registry.expire(LATER)
    ((challenge, targets),) = case.said()
    assert challenge.startswith("server: can you hear me?")
    assert targets == [home(bob)]
    case.join("zoe", now=LATER)
    assert case.said() == [("server: zoe joined", sorted([home(ann), home(eve)]))]
    case.assert_all_is_counted()
    assert sum(size * count for size, count in case.registry.counters.fanout.items()) == 1


@pytest.mark.requirement("EVI-08", "MOD-06")
def test_it_hears_when_it_becomes_the_host() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.registry.note_send_error(home(bob), LATER)
    case.say(ann, "/host bob", LATER)
    told = [
        address for text, addresses in case.said() if text == "server: bob is the host now" for address in addresses
    ]
    assert sorted(told) == sorted(map(home, (ann, bob, eve)))
    assert ann.room.gather_with(bob.session).group is ann.room  # so that nothing overtakes what the room is told


@pytest.mark.requirement("EVI-08")
def test_its_next_datagram_brings_it_back_and_it_is_told_nothing_twice() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.say(ann, "/topic cats")
    case.said()
    case.registry.note_send_error(home(bob), LATER)
    assert relayed(case.say(bob, "here I am", LATER + 0.5))[1] == sorted([home(ann), home(eve)])
    assert listeners(case, ann, LATER + 1) == sorted([home(bob), home(eve)])
    assert case.said() == []
    assert case.registry.counters.address_changes == 0
    case.registry.expire(LATER + 1)
    assert case.said() == []  # and it is asked nothing more
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-08")
def test_it_may_come_back_from_another_port() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.registry.note_send_error(home(bob), LATER)
    moved = home(bob, 6000)
    case.say(bob, "", LATER, moved)
    assert listeners(case, ann, LATER) == sorted([moved, home(eve)])
    assert case.registry.counters.address_changes == 1


@pytest.mark.requirement("EVI-03", "LEN-02")
def test_a_copy_for_a_place_that_only_tcp_named_is_nobodys_failure() -> None:
    case = Case(provisional_address=True)
    ann = case.create("ann")
    case.say(ann)
    provisional = at("10.0.0.9", 40_000)
    bob = case.join("bob", ip="10.0.0.9", port=provisional)
    case.registry.note_send_error(provisional, LATER)
    case.registry.note_unresolved([locate(provisional).host], LATER)
    case.registry.note_unresolved([locate(provisional).host], LATER + UNRESOLVED_SECONDS)
    assert not bob.session.paused
    assert listeners(case, ann, LATER) == [provisional]


@pytest.mark.requirement("EVI-08")
def test_nobody_is_paused_who_was_heard_a_moment_ago() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.say(bob, "", LATER)
    case.registry.note_send_error(home(bob), LATER + HEARD_SECONDS - 0.1)
    assert listeners(case, ann, LATER) == sorted([home(bob), home(eve)])


@pytest.mark.requirement("EVI-08")
def test_a_pause_ends_when_nothing_comes_back_any_more() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.registry.note_send_error(home(bob), LATER)
    case.registry.expire(LATER + PAUSE_SECONDS)
    assert listeners(case, ann, LATER) == [home(eve)]
    case.registry.expire(LATER + PAUSE_SECONDS + 0.5)
    assert listeners(case, ann, LATER) == sorted([home(bob), home(eve)])
    assert case.said()  # it is asked all the same, for a while
    case.registry.expire(LATER + FAILING_PATIENCE_SECONDS + 0.5)
    assert case.said() == []
    assert listeners(case, bob, LATER) == sorted([home(ann), home(eve)])


@pytest.mark.requirement("EVI-08", "EVI-03")
def test_who_is_paused_is_evicted_by_the_same_rule_and_told_so() -> None:
    case = Case()
    _, bob, _ = case.trio()
    for now in (LATER, LATER + 5, LATER + 10):
        case.registry.note_send_error(home(bob), now)
        case.registry.note_send_error(home(bob), now)
    assert ("server: disconnected: unreachable", [home(bob)]) in case.said()
    assert case.events == [events.MemberEvicted("demo", "bob", EvictionReason.UNREACHABLE)]
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-08")
def test_who_is_paused_may_leave_or_be_removed() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    for member in (bob, eve):
        case.registry.note_send_error(home(member), LATER)
    case.say(bob, "/leave", LATER)
    assert not case.knows(bob)
    case.said()
    case.say(ann, "/kick eve", LATER)
    assert case.said()[0] == ("server: disconnected: kicked", [home(eve)])
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-03")
def test_all_members_of_one_socket_are_judged() -> None:
    """Else one address could hide many members behind one that is paused."""
    case = Case()
    ann = case.create("ann")
    case.say(ann)
    shared = at("10.0.0.9", 7000)
    crowd = [case.join(f"bob {number}", ip="10.0.0.9") for number in range(5)]
    for member in crowd:
        case.say(member, "", 0.0, shared)
    assert listeners(case, ann, LATER) == [shared] * 5
    case.registry.note_send_error(shared, LATER)
    assert listeners(case, ann, LATER) == []
    case.registry.leave(crowd[0], LATER)
    case.said()
    for member in crowd[1:]:
        case.say(member, "", LATER, shared)
    case.registry.note_undelivered(shared, b"ann: hello", 2 * LATER)
    ((challenge, targets),) = case.said()
    assert targets == [shared]
    case.registry.note_undelivered(shared, challenge.encode(), 2 * LATER)
    assert all(member.session.paused for member in crowd[1:])
    for member in crowd[1:]:
        case.registry.leave(member, LATER)
    assert len(list(case.registry.sessions_by_remote)) == 1
    case.assert_all_is_counted()


@pytest.mark.requirement("EVI-03")
def test_a_host_that_goes_takes_the_others_of_its_socket_along_once() -> None:
    case = Case(host_grace_seconds=0.0)
    shared = at("10.0.0.9", 7000)
    people = [case.create("ann", ip="10.0.0.9"), case.join("bob", ip="10.0.0.9")]
    for member in people:
        case.say(member, "", 0.0, shared)
    for now in (LATER, LATER + 5, LATER + 10):
        case.registry.note_send_error(shared, now)
    assert not any(map(case.knows, people))
    case.said()
    case.registry.expire(LATER + 11)
    assert case.said() == []


@pytest.mark.requirement("EVI-08", "EVI-03")
def test_a_host_on_our_link_that_does_not_answer_for_a_second_has_no_copies() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    asked = [locate(home(bob)).host, locate(at("10.9.9.9")).host]
    case.registry.note_unresolved(asked, LATER)
    assert listeners(case, ann, LATER) == sorted([home(bob), home(eve)])
    case.registry.note_unresolved(asked, LATER + UNRESOLVED_SECONDS)
    assert listeners(case, ann, LATER) == [home(eve)]
    case.registry.note_unresolved([], LATER + 2 * UNRESOLVED_SECONDS)
    assert bob.session.paused


@pytest.mark.requirement("EVI-03")
def test_who_failed_and_went_is_asked_nothing_more() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.registry.note_send_error(home(bob), LATER)
    case.registry.expire(LATER)
    asked = case.registry.counters.challenges
    case.registry.leave(bob, LATER)
    case.said()
    case.registry.expire(LATER + 1)
    assert (case.said(), case.registry.counters.challenges) == ([], asked)
    assert listeners(case, ann, LATER + 1) == [home(eve)]


@pytest.mark.requirement("EVI-03")
def test_looks_far_apart_say_nothing_about_the_time_between() -> None:
    hosts, here, there = SilentHosts(), Host(parse_ip("10.0.0.1")), Host(parse_ip("10.0.0.2"))
    assert hosts.look([here], 0.0) == set()
    assert hosts.look([here], STALE_LOOK_SECONDS + 0.1) == set()
    assert hosts.look([here, there], STALE_LOOK_SECONDS + 0.1 + UNRESOLVED_SECONDS) == {here}
    assert hosts.look([there], 8.0) == {there}
    assert hosts.look([here, there], 8.1) == {there}  # it answered meanwhile
    assert hosts.look([here, there], 8.1 + STALE_LOOK_SECONDS) == {here, there}  # as far apart as they may be


@pytest.mark.requirement("EVI-03")
def test_the_same_address_on_another_link_is_another_host() -> None:
    case = Case()
    ip = parse_ip("fe80::1")
    ann, bob = case.create("ann", ip="fe80::1"), case.join("bob")
    for member, source in ((ann, make_address(ip, 5000, scope=2)), (bob, home(bob))):
        case.say(member, "", 0.0, source)
    for scope, paused in ((3, False), (2, True)):
        for seconds in (0.0, UNRESOLVED_SECONDS):
            case.registry.note_unresolved([Host(ip, scope)], LATER + seconds)
        assert ann.session.paused is paused


@pytest.mark.requirement("EVI-08", "LOB-04")
def test_the_lobby_does_the_same() -> None:
    lobby = Lobby(unlimited(), lambda _: None, new_nonces(), locate)
    ann, bob = at("10.0.0.1"), at("10.0.0.2")

    def say(source: UdpAddress, now: float) -> list[UdpAddress]:
        return relayed(delivered(lobby.handle_datagram(b"\x01xhello", source, now)))[1]

    say(bob, 0.0)
    assert say(ann, LATER) == [bob]
    lobby.note_unresolved([locate(bob).host], LATER)
    lobby.note_unresolved([locate(bob).host], LATER + UNRESOLVED_SECONDS)
    assert say(ann, LATER) == []
    lobby.expire(LATER + UNRESOLVED_SECONDS)
    assert [addresses for _, addresses in take_out(lobby.outbox)] == [[bob]]
    lobby.expire(LATER + UNRESOLVED_SECONDS + PAUSE_SECONDS + 0.5)
    assert say(ann, LATER) == [bob]
    lobby.note_send_error(bob, LATER)
    assert say(ann, LATER) == []
    say(bob, LATER)
    assert say(ann, LATER) == [bob]
    take_out(lobby.outbox)
    lobby.expire(LATER)
    assert lobby.outbox == []  # it is asked nothing more
    assert say(ann, LATER) == [bob]
    lobby.note_unresolved([], LATER)
