"""What a host makes of the room: another host's, on a topic, closed by a password (MOD-06 to MOD-08)."""

from collections.abc import Callable

import pytest

from chatproto import EvictionReason, ProtocolError
from chatproto.constants import MAX_TOPIC_BYTES
from relay_server.core.errors import BusyError, NameTakenError, WrongPasswordError
from relay_server.core.model import Member
from services.relay_server.core.commanding import answers, command
from services.relay_server.core.rooms_case import Case, home, relayed


def hashes(password: str) -> Callable[[], str]:
    return lambda: f"hash of {password}"


def hash_of(member: Member) -> str | None:
    return member.room.password_hash


def fails(error: ProtocolError) -> Callable[[], str]:
    def hashed() -> str:
        raise error

    return hashed


@pytest.mark.requirement("MOD-06")
def test_the_new_host_may_all_and_the_old_one_nothing() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.moderation.mute(bob)
    case.said()
    assert command(case, ann, "/host Bob") == [
        ("server: You may speak again.", [home(bob)]),
        ("server: bob is the host now", sorted(map(home, (ann, bob, eve)))),
    ]
    assert bob.room.host is bob
    assert relayed(case.say(bob, "thanks"))[0] == "bob: thanks"
    assert answers(case, ann, "/kick eve", 3.0) == ["Only the host may do that; /who and /topic are for everybody."]
    answers(case, bob, "/kick ann", 3.0)
    assert not case.knows(ann)
    case.registry.leave(bob, 4.0)
    assert not case.registry.rooms
    case.assert_all_is_counted()


@pytest.mark.requirement("MOD-06", "ROOM-01")
def test_a_room_outlives_the_host_of_old() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    answers(case, ann, "/host bob")
    case.registry.leave(ann, 2.0)
    assert all(map(case.knows, (bob, eve)))
    case.registry.evict(bob, EvictionReason.SILENCE, 3.0)
    assert not case.knows(eve)


@pytest.mark.requirement("MOD-06", "ROOM-06")
def test_within_the_grace_the_last_host_comes_back_as_host_and_no_earlier_one() -> None:
    case = Case(host_grace_seconds=60.0)
    ann, bob, _ = case.trio()
    answers(case, ann, "/host bob")
    case.registry.leave(bob, 2.0)
    case.registry.leave(ann, 2.0)
    case.registry.join_room(b"demo", "ann", b"token a", ann.ip, 3.0)
    assert ann.room.host is None
    again = case.registry.join_room(b"demo", "bob", b"token b", bob.ip, 3.0)
    assert again.room.host is again
    case.registry.expire(70.0)
    assert case.registry.rooms


@pytest.mark.requirement("MOD-06")
def test_a_room_without_host_can_be_given_one() -> None:
    case = Case(host_grace_seconds=60.0)
    ann, bob, _ = case.trio()
    case.registry.leave(ann, 1.0)
    case.moderation.hand_over(bob)
    case.registry.expire(70.0)
    assert case.registry.rooms
    assert bob.room.host is bob


@pytest.mark.requirement("MOD-06")
def test_who_was_not_heard_yet_cant_become_host() -> None:
    case = Case()
    ann, _, _ = case.trio()
    zoe = case.join("zoe")
    assert answers(case, ann, "/host zoe") == ["zoe has not been heard yet: try again in a moment."]
    assert ann.room.host is ann
    case.say(zoe)
    answers(case, ann, "/host zoe")
    assert ann.room.host is zoe


@pytest.mark.requirement("MOD-07")
def test_a_topic_is_told_to_all_and_to_who_comes_in() -> None:
    case = Case(announce=False)
    ann, bob, eve = case.trio()
    case.say(ann, "/topic  tea, at five ")
    assert case.said() == [("server: topic: tea, at five", sorted(map(home, (ann, bob, eve))))]
    assert answers(case, bob, "/topic") == ["topic: tea, at five"]
    case.said()
    zoe = case.join("zoe")
    assert case.said() == []
    case.say(zoe)
    assert case.said() == [("server: topic: tea, at five", [home(zoe)])]
    case.say(zoe, "", 5.0, home(zoe, 6000))
    assert case.said() == []
    case.say(ann, "/topic -")
    assert case.said() == [("server: no topic", sorted([*map(home, (ann, bob, eve)), home(zoe, 6000)]))]
    assert answers(case, bob, "/topic", 5.0) == ["no topic"]


@pytest.mark.requirement("MOD-07")
def test_a_topic_is_harmless_and_short() -> None:
    case = Case(sanitize=False)
    ann, _, _ = case.trio()
    case.say(ann, "/topic a\x1b[31m\nb")
    assert case.said()[0][0] == "server: topic: a\ufffd[31m⏎b"
    assert answers(case, ann, "/topic " + "é" * (MAX_TOPIC_BYTES // 2)) == []
    assert answers(case, ann, "/topic " + "x" * (MAX_TOPIC_BYTES + 3)) == ["The topic is too long by 3 bytes."]
    assert ann.room.topic == "é" * (MAX_TOPIC_BYTES // 2)


@pytest.mark.requirement("MOD-08", "PWD-06")
def test_a_new_password_is_hashed_aside_and_nobody_sees_it() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    assert answers(case, ann, "/password  open sesame\n") == []
    (wanted,) = case.to_hash
    assert (wanted.member, wanted.password) == (ann, " open sesame")  # as it was typed
    assert "sesame" not in repr(wanted)
    assert hash_of(ann) is None
    case.join("zoe")
    case.commands.set_password(wanted, hashes("it"))
    assert hash_of(ann) == "hash of it"
    (said,) = [text for text, targets in case.said() if targets == [home(ann)]]
    assert "in the clear" in said
    with pytest.raises(WrongPasswordError):
        case.join("cem")
    assert case.knows(bob)
    assert not any(b"sesame" in sent for sent in ann.room.sent._recent or ())
    assert "sesame" not in repr(case.events)


@pytest.mark.requirement("MOD-08")
def test_a_password_is_changed_and_removed() -> None:
    case = Case()
    ann, _, _ = case.trio()
    ann.room.password_hash = "before"
    (state,) = answers(case, ann, "/password")
    assert state.startswith("The room has a password: ")
    answers(case, ann, "/password new")
    case.commands.set_password(case.to_hash.pop(), hashes("new"))
    assert hash_of(ann) == "hash of new"
    assert answers(case, ann, "/password - ")[-1] == "The room has no password any more."
    assert hash_of(ann) is None
    (state,) = answers(case, ann, "/password")
    assert state.startswith("The room has no password: ")


@pytest.mark.requirement("MOD-08", "PWD-01")
def test_what_is_no_password_is_refused() -> None:
    case = Case()
    ann, _, _ = case.trio()
    (answer,) = answers(case, ann, "/password " + "x" * 1025)
    assert answer.startswith("The password has 1025 bytes")
    assert not ann.room.waits_for_hash
    answers(case, ann, "/password cafe\u0301")
    assert case.to_hash[0].password == "café"


@pytest.mark.requirement("MOD-08", "PWD-03")
def test_a_host_changes_passwords_as_often_as_its_address_may_have_them_hashed() -> None:
    case = Case(password_guesses_per_minute=1)
    ann, *_ = case.trio()
    for number in range(2):  # half a minute's worth
        assert answers(case, ann, f"/password {number}") == []
        case.commands.set_password(case.to_hash.pop(), hashes("it"))
        case.said()
    (answer,) = answers(case, ann, "/password again")
    assert answer == "Too many new passwords from your address: try again in a minute."
    assert not ann.room.waits_for_hash


@pytest.mark.requirement("MOD-08")
@pytest.mark.parametrize("order", ["/password two", "/password -", "/password"])
def test_passwords_are_changed_one_by_one(order: str) -> None:
    case = Case()
    ann, _, _ = case.trio()
    answers(case, ann, "/password one")
    (answer,) = answers(case, ann, order)
    assert answer.startswith("The password before")
    case.commands.set_password(case.to_hash.pop(), hashes("one"))
    assert hash_of(ann) == "hash of one"
    assert case.to_hash == []


@pytest.mark.requirement("MOD-08")
def test_a_relay_too_busy_to_hash_says_so() -> None:
    case = Case()
    ann, _, _ = case.trio()
    answers(case, ann, "/password one")
    case.commands.set_password(case.to_hash.pop(), fails(BusyError("Many passwords.")))
    assert case.said() == [("server: Many passwords.", [home(ann)])]
    assert hash_of(ann) is None
    answers(case, ann, "/password two")
    assert case.to_hash


@pytest.mark.requirement("MOD-08", "MOD-06")
def test_a_host_that_handed_over_sets_no_password_any_more() -> None:
    case = Case()
    ann, _, _ = case.trio()
    answers(case, ann, "/password one")
    answers(case, ann, "/host bob")
    case.said()
    case.commands.set_password(case.to_hash.pop(), hashes("one"))
    ((said, targets),) = case.said()
    assert (said, targets) == ("server: The password was not changed: you are not the host any more.", [home(ann)])
    assert hash_of(ann) is None


@pytest.mark.requirement("MOD-08", "ROOM-01")
def test_a_password_for_a_room_that_closed_meanwhile_is_none_for_the_next_of_its_name() -> None:
    case = Case()
    ann, _, _ = case.trio()
    answers(case, ann, "/password one")
    case.registry.leave(ann, 2.0)
    case.said()
    zoe = case.create("zoe", now=3.0)
    case.commands.set_password(case.to_hash.pop(), hashes("one"))
    assert hash_of(zoe) is None
    assert case.said() == []


@pytest.mark.requirement("PWD-02", "MOD-08")
def test_a_member_that_doesnt_know_a_newer_password_is_told_that_it_is_there() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    bob.room.password_hash = "newer"
    for name in ("bob", "Bob"):
        with pytest.raises(NameTakenError):
            case.registry.join_room(b"demo", name, b"token", bob.ip, 1.0, proof="older")
    for name, ip in (("bob", ann.ip), ("zoe", bob.ip)):
        with pytest.raises(WrongPasswordError):
            case.registry.join_room(b"demo", name, b"token", ip, 1.0, proof="older")
