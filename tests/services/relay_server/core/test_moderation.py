"""Whom a host or an operator takes out of a room and keeps out (MOD-03, MOD-04)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import EvictionReason, Status
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.errors import BannedError
from relay_server.core.kept import Ban
from relay_server.core.model import Bans
from relay_server.core.moderation import MAX_BANS, ModerationError
from services.relay_server.core.rooms_case import Case, home
from steps import count_steps, counted_calls


def test_a_kicked_member_is_told_and_its_token_is_dead() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.moderation.kick(bob, 1.0)
    assert case.said() == [
        ("server: disconnected: kicked", [home(bob)]),
        ("server: bob was disconnected: kicked", [home(ann), home(eve)]),
    ]
    assert case.say(bob, "am I there?", 2.0) is DropReason.UNKNOWN_TOKEN
    assert case.events == [events.MemberEvicted("demo", "bob", EvictionReason.KICKED)]
    case.join("bob")
    case.assert_all_is_counted()


def test_who_is_kicked_twice_is_told_once() -> None:
    case = Case()
    _, bob, _ = case.trio()
    case.moderation.kick(bob, 1.0)
    case.said()
    case.moderation.kick(bob, 1.0)
    assert case.said() == []


@pytest.mark.parametrize(("asked", "found"), [("bob", "bob"), ("BOB", "bob"), ("Iris", "Iris"), ("iris", "Iris")])
def test_a_member_is_found_by_what_looks_like_its_name(asked: str, found: str) -> None:
    case = Case()
    room = case.trio()[0].room
    case.join("Iris")
    assert case.moderation.find(room, asked).name == found


def test_of_names_that_look_alike_only_the_very_one_is_meant() -> None:
    case = Case()
    room = case.trio()[0].room
    case.join("iris")
    case.join("lris")
    assert case.moderation.find(room, "iris").name == "iris"
    with pytest.raises(ModerationError, match="Several"):
        case.moderation.find(room, "Iris")
    with pytest.raises(ModerationError, match="Several"):
        case.moderation.ban(room, "Iris", 1.0)
    with pytest.raises(ModerationError, match="Nobody"):
        case.moderation.find(room, "zoe")


@pytest.mark.parametrize(
    ("name", "ip", "comes_in"),
    [
        ("bob", "192.0.2.9", False),
        ("BOB", "192.0.2.9", False),
        ("zoe", "192.0.2.1", False),
        ("zoe", "192.0.2.9", True),
    ],
)
def test_a_banned_member_comes_back_neither_by_its_name_nor_from_its_address(
    name: str, ip: str, comes_in: bool
) -> None:
    case = Case()
    ann = case.create("ann")
    bob = case.join("bob", ip="192.0.2.1")
    case.moderation.ban(ann.room, "bob", 1.0)
    assert not case.knows(bob)
    if comes_in:
        case.join(name, ip=ip)
    else:
        with pytest.raises(BannedError) as caught:
            case.join(name, ip=ip)
        assert caught.value.status is Status.BAD_NAME
    case.create("bob", "other", ip="192.0.2.1")  # a ban is one room's
    case.assert_all_is_counted()


def test_with_ipv6_the_whole_64_is_banned() -> None:
    case = Case()
    room = case.create("ann", ip="2001:db8:0:1::1").room
    case.join("bob", ip="2001:db8:0:2::1")
    case.moderation.ban(room, "bob", 1.0)
    with pytest.raises(BannedError):
        case.join("zoe", ip="2001:db8:0:2:ffff::1")
    case.join("zoe", ip="2001:db8:0:3::1")


def test_who_shares_the_hosts_address_is_banned_by_name_alone() -> None:
    case = Case()
    room = case.create("ann", ip="192.0.2.1").room
    case.join("bob", ip="192.0.2.1")
    assert case.moderation.ban(room, "bob", 1.0) == Ban("bob", frozenset({"bob"}))
    with pytest.raises(BannedError):
        case.join("bob", ip="192.0.2.9")
    case.join("zoe", ip="192.0.2.1")


def test_a_name_can_be_banned_that_nobody_has_now() -> None:
    case = Case()
    room = case.trio()[0].room
    assert case.moderation.ban(room, "zoe", 1.0) == Ban("zoe", frozenset({"zoe"}))
    with pytest.raises(BannedError):
        case.join("Zoe")
    with pytest.raises(ModerationError, match="banned already"):
        case.moderation.ban(room, "ZOE", 1.0)
    with pytest.raises(ModerationError, match="colon"):
        case.moderation.ban(room, "a:b", 1.0)


@pytest.mark.parametrize("name", ["ann", "ANN"])
def test_the_host_cant_be_banned(name: str) -> None:
    case = Case()
    ann, _, _ = case.trio()
    with pytest.raises(ModerationError, match="host"):
        case.moderation.ban(ann.room, name, 1.0)
    assert case.knows(ann)


def test_a_lifted_ban_is_gone_whole() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    ban = case.moderation.ban(ann.room, "bob", 1.0)
    case.moderation.ban(ann.room, "eve", 1.0)
    assert case.moderation.unban(ann.room, "Bob") == (ban,)
    case.registry.join_room(b"demo", "bob", b"token", bob.ip, 2.0)
    with pytest.raises(BannedError):
        case.join("eve")
    with pytest.raises(ModerationError, match="isn't banned"):
        case.moderation.unban(ann.room, "bob")


def test_bans_are_bounded_and_none_lapses_for_a_newer_one() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    for number in range(MAX_BANS):
        case.moderation.ban(ann.room, f"guest {number}", 1.0)
    with pytest.raises(ModerationError, match=str(MAX_BANS)):
        case.moderation.ban(ann.room, "bob", 1.0)
    assert case.knows(bob)
    with pytest.raises(BannedError):
        case.join("guest 0")
    case.moderation.unban(ann.room, "guest 0")
    case.moderation.ban(ann.room, "bob", 1.0)


KEYS = st.frozensets(st.sampled_from("abcd"), min_size=1, max_size=3)
NETWORKS = st.sampled_from([b"1", b"2"])
BANS = st.builds(Ban, st.sampled_from("abcd"), KEYS, st.one_of(st.none(), NETWORKS))


@pytest.mark.slow
@given(st.lists(BANS, max_size=8, unique=True), BANS, NETWORKS)
def test_bans_are_found_as_if_each_was_looked_at(known: list[Ban], new: Ban, network: bytes) -> None:
    bans = Bans()
    for ban in known:
        bans.add(ban)
    assert ([*bans], len(bans)) == (known, len(known))
    assert bans.cover(new.keys, network) == any(network == ban.network or ban.keys & new.keys for ban in known)
    assert bans.include(new) == any(new.keys <= ban.keys and new.network in {None, ban.network} for ban in known)
    assert bans.of(new.keys) == tuple(ban for ban in known if ban.keys & new.keys)


def test_a_hundred_bans_make_a_join_no_more_work() -> None:
    def count(bans: int) -> int:
        case = Case()
        room = case.create("ann").room
        for number in range(bans):
            case.moderation.ban(room, f"guest {number}", 1.0)
        return count_steps(lambda: case.join("bob"))

    assert count(MAX_BANS) == count(1)


def test_the_same_name_is_compared_once_for_a_ban_and_its_end() -> None:
    case = Case()
    room = case.create("ann").room
    name = "new here " + "\ufdfa" * 20
    with counted_calls("names.py") as counted:
        case.moderation.ban(room, name, 1.0)
        case.moderation.unban(room, name)
    assert counted["_keys"] == 1


def test_bans_end_with_their_room() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    case.moderation.ban(ann.room, "bob", 1.0)
    case.registry.leave(ann, 2.0)
    case.create("zoe", now=3.0)
    case.registry.join_room(b"demo", "bob", b"token", bob.ip, 3.0)


@pytest.mark.requirement("ROOM-06")
def test_a_ban_doesnt_keep_a_host_out_that_comes_back() -> None:
    case = Case(host_grace_seconds=60.0)
    ann = case.create("ann", ip="192.0.2.1")
    case.join("bob", ip="192.0.2.1")
    case.registry.leave(ann, 1.0)
    case.moderation.ban(ann.room, "bob", 1.0)
    case.moderation.ban(ann.room, "ann", 1.0)
    with pytest.raises(BannedError):
        case.join("zoe", ip="192.0.2.1")
    with pytest.raises(BannedError):
        case.join("ann", ip="192.0.2.9")
    assert case.join("ann", ip="192.0.2.1", now=2.0) is ann.room.host
