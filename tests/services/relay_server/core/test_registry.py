"""Who may come into which room, under which name, and how many (ROOM-01 to ROOM-05)."""

import pytest

from chatproto import BadNameError, EvictionReason, ProtocolError, Status
from relay_server.core import events
from relay_server.core.address import parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.errors import (
    BusyError,
    NameTakenError,
    NoSuchRoomError,
    RoomExistsError,
    RoomFullError,
    ShuttingDownError,
    TooManyError,
    WrongPasswordError,
)
from services.relay_server.core.rooms_case import Case, address_of, at, home


@pytest.mark.requirement("ROOM-03")
def test_the_creator_is_the_host() -> None:
    case = Case()
    ann = case.create("ann")
    bob = case.join("bob")
    assert ann.room is bob.room
    assert ann.room.host is ann
    assert case.events == [
        events.RoomCreated("demo"),
        events.MemberJoined("demo", "ann"),
        events.MemberJoined("demo", "bob"),
    ]
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-01")
def test_a_room_is_created_once_and_joined_only_while_it_exists() -> None:
    case = Case()
    with pytest.raises(NoSuchRoomError):
        case.join()
    ann = case.create()
    with pytest.raises(RoomExistsError):
        case.create("bob")
    case.registry.leave(ann, 1.0)
    with pytest.raises(NoSuchRoomError):
        case.join()
    case.create("bob")
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-01")
def test_a_room_closes_with_its_host_and_every_member_is_told_once() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    other = case.create("zoe", "other")
    case.registry.leave(ann, 1.0)
    said = case.said()
    assert said[0] == ("server: ann left", [home(bob), home(eve)])
    assert said[1:] == [("server: disconnected: host_left", [home(member)]) for member in (bob, eve)]
    assert not any(map(case.knows, (ann, bob, eve)))
    assert case.knows(other)
    assert case.events[-4:] == [
        events.MemberLeft("demo", "ann"),
        events.MemberEvicted("demo", "bob", EvictionReason.HOST_LEFT),
        events.MemberEvicted("demo", "eve", EvictionReason.HOST_LEFT),
        events.RoomClosed("demo", EvictionReason.HOST_LEFT),
    ]
    for member in (ann, bob, eve):
        assert case.say(member, "am I there?", 2.0) is DropReason.UNKNOWN_TOKEN
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-01")
def test_a_name_that_is_free_again_begins_a_new_room_without_the_old_members() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    case.registry.leave(ann, 1.0)
    case.said()
    new = case.create("ann", now=2.0)
    assert list(new.room.members) == [new]
    assert case.say(bob, "I was here before", 3.0) is DropReason.UNKNOWN_TOKEN
    case.registry.close_room(ann.room, EvictionReason.KICKED, members_see=EvictionReason.KICKED)
    assert case.knows(new)  # closing the old room again does nothing to the new one


def test_who_is_gone_can_neither_leave_nor_be_evicted() -> None:
    case = Case()
    _, bob, _ = case.trio()
    case.registry.leave(bob, 1.0)
    case.said()
    case.events.clear()
    case.registry.leave(bob, 1.0)
    case.registry.evict(bob, EvictionReason.KICKED, 1.0)
    case.registry.set_provisional_port(bob, at())
    assert (case.said(), case.events) == ([], [])


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", ["ann", "ANN", "аnn", "ａｎｎ"])  # noqa: RUF001
def test_a_name_is_unique_in_its_room_only(name: str) -> None:
    case = Case()
    case.create("ann")
    case.create("zoe", "other")
    with pytest.raises(NameTakenError):
        case.join(name)
    case.join(name, "other")
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-03")
def test_a_name_is_free_again_when_its_member_left() -> None:
    case = Case()
    case.create("ann")
    bob = case.join("Iris")  # it has two keys
    with pytest.raises(NameTakenError):
        case.join("lris")
    case.registry.leave(bob, 1.0)
    case.join("lris")
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-03")
@pytest.mark.parametrize("name", ["server", "\u0455erver", "admin", "", "a" * 256, "a:b", " a", "a\nb"])
def test_a_bad_name_leaves_no_trace(name: str) -> None:
    case = Case()
    case.create("ann")
    with pytest.raises(BadNameError):
        case.create(name, "other")
    with pytest.raises(BadNameError):
        case.join(name)
    assert list(case.registry.rooms) == [b"demo"]
    case.assert_all_is_counted()


@pytest.mark.parametrize("room", ["", "a" * 256, "a\nb"])
def test_a_room_has_a_legal_name(room: str) -> None:
    case = Case()
    for enter in (case.create, case.join):
        with pytest.raises(BadNameError):
            enter("ann", room)
    case.assert_all_is_counted()


@pytest.mark.requirement("ROOM-05")
def test_a_room_has_as_many_members_as_allowed() -> None:
    case = Case(max_members_per_room=3)
    case.create("ann")
    members = [case.join(f"bob {number}") for number in range(2)]
    with pytest.raises(RoomFullError):
        case.join("eve")
    case.registry.leave(members[0], 1.0)
    case.join("eve")


@pytest.mark.requirement("TCP-11", "PWD-02")
def test_only_the_proof_of_its_password_opens_a_room() -> None:
    case = Case()
    case.create("ann", password_hash="hash 1")
    case.create("ann", "open")
    with pytest.raises(WrongPasswordError, match="has a password"):
        case.join("bob")
    with pytest.raises(WrongPasswordError, match="is wrong"):
        case.join("bob", proof="hash of a room that was here before")
    case.join("bob", proof="hash 1")
    case.join("bob", "open", proof="hash 1")
    assert "hash 1" not in repr(case.registry.rooms[b"demo"])


@pytest.mark.requirement("PWD-02")
def test_who_cant_prove_the_password_learns_nothing_of_a_room() -> None:
    case = Case(max_members_per_room=1)
    case.create("ann", password_hash="hash")
    for name in ("ann", "bob"):  # neither that the name is taken nor that the room is full
        with pytest.raises(WrongPasswordError):
            case.join(name)
    with pytest.raises(RoomFullError):
        case.join("bob", proof="hash")


@pytest.mark.requirement("ROOM-06", "PWD-02")
def test_a_host_who_comes_back_proves_the_password_too() -> None:
    case = Case(host_grace_seconds=60.0)
    ann = case.create("ann", ip="192.0.2.1", password_hash="hash")
    case.join("bob", proof="hash")
    case.registry.leave(ann, 1.0)
    with pytest.raises(WrongPasswordError):
        case.join("ann", ip="192.0.2.1", now=2.0)
    again = case.join("ann", ip="192.0.2.1", now=2.0, proof="hash")
    assert again.room.host is again


@pytest.mark.requirement("EVI-06", "EVI-05")
def test_a_relay_that_shuts_down_tells_everybody_and_lets_nobody_in() -> None:
    case = Case(host_grace_seconds=60.0)
    ann, bob, eve = case.trio()
    case.create("zoe", "silent")
    case.registry.leave(ann, 1.0)
    case.said()
    case.registry.shut_down()
    assert case.said() == [("server: disconnected: shutdown", [home(member)]) for member in (bob, eve)]
    assert case.events[-1] == events.RoomClosed("silent", EvictionReason.SHUTDOWN)
    assert not case.registry.rooms
    for enter in (case.create, case.join):
        with pytest.raises(ShuttingDownError):
            enter("bob")
    with pytest.raises(ShuttingDownError):
        case.registry.admission.check_rate(parse_ip("192.0.2.1"), 1.0)
    case.assert_all_is_counted()


@pytest.mark.requirement("LEN-02")
def test_a_member_hears_at_its_provisional_address_until_it_speaks() -> None:
    case = Case(provisional_address=True)
    ann = case.create("ann")
    case.say(ann)
    provisional, hinted = at("10.0.0.2", 40_000), at("10.0.0.2", 40_001)
    bob = case.join("bob", ip="10.0.0.2", port=provisional)
    assert case.say(ann, "one") == (b"ann: one", [provisional])
    assert address_of(bob) == provisional
    case.registry.set_provisional_port(bob, hinted)
    assert address_of(bob) == hinted
    spoken = at("10.0.0.2", 40_002)
    case.say(bob, source=spoken)
    case.registry.set_provisional_port(bob, provisional)  # too late: it spoke
    assert address_of(bob) == spoken


@pytest.mark.requirement("LEN-02")
def test_without_provisional_addresses_only_a_datagram_counts() -> None:
    case = Case()
    ann = case.create("ann", port=at("10.0.0.1", 40_000))
    case.registry.set_provisional_port(ann, at("10.0.0.1", 40_001))
    assert address_of(ann) is None


@pytest.mark.requirement("UDP-10")
def test_the_others_are_told_who_comes_and_goes() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    zoe = case.join("zoe")
    assert case.said() == [("server: zoe joined", [home(ann), home(bob), home(eve)])]
    case.say(zoe)
    case.registry.leave(bob, 1.0)
    assert case.said() == [("server: bob left", [home(ann), home(eve), home(zoe)])]
    case.registry.evict(eve, EvictionReason.KICKED, 1.0)
    assert case.said() == [
        ("server: disconnected: kicked", [home(eve)]),
        ("server: eve was disconnected: kicked", [home(ann), home(zoe)]),
    ]


@pytest.mark.requirement("UDP-10")
def test_announcements_can_be_turned_off_but_the_evicted_is_told() -> None:
    case = Case(announce=False)
    _, bob, eve = case.trio()
    case.join("zoe")
    case.registry.leave(bob, 1.0)
    case.registry.evict(eve, EvictionReason.KICKED, 1.0)
    assert case.said() == [("server: disconnected: kicked", [home(eve)])]


def test_a_rejected_request_says_why_by_its_class() -> None:
    classes: list[type[ProtocolError]] = [
        RoomExistsError, NoSuchRoomError, NameTakenError, RoomFullError, TooManyError, BusyError, ShuttingDownError,
    ]  # fmt: skip
    assert [error.status for error in classes] == [
        Status.ROOM_EXISTS, Status.NO_SUCH_ROOM, Status.NAME_TAKEN, Status.ROOM_FULL, Status.TOO_MANY, Status.BUSY,
        Status.SHUTTING_DOWN,
    ]  # fmt: skip


def test_a_join_at_the_last_moment_finds_no_room_that_closed() -> None:
    case = Case()
    ann = case.create("ann", ip="10.0.0.1")
    case.registry.evict(ann, EvictionReason.KICKED, 1.0)
    with pytest.raises(NoSuchRoomError):
        case.registry.join_room(b"demo", "bob", b"token", parse_ip("10.0.0.2"), 1.0)
