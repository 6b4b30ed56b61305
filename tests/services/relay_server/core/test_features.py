"""Members that get notices as JSON objects, and those that don't, in one room (FEAT-01 to FEAT-03)."""

import json
from typing import Any

import pytest

from chatproto import EvictionReason, ListedMember, MemberList, NotRelayed, parse_json_notice
from chatproto.notice_parts import LIST_BYTES
from relay_server.core.counters import DropReason
from relay_server.core.model import Member
from services.relay_server.core.commanding import SERVER, answers, command
from services.relay_server.core.rooms_case import Case, Said, home


def trio(case: Case) -> tuple[Member, Member, Member]:
    """Put ann (the host, JSON), bob (prose) and eve (JSON) in a room."""
    ann = case.create("ann", json_notices=True)
    bob = case.join("bob")
    eve = case.join("eve", json_notices=True)
    for member in (ann, bob, eve):
        case.say(member)
    case.said()
    return ann, bob, eve


def facts(said: list[Said]) -> list[tuple[Any, list[Any]]]:
    """Read the JSON objects, and leave prose as it is."""
    texts = ((text.removeprefix(SERVER), targets) for text, targets in said)
    return [(json.loads(text) if text.startswith("{") else text, targets) for text, targets in texts]


@pytest.mark.requirement("FEAT-02", "FEAT-03", "UDP-10")
def test_one_fact_is_told_to_all_and_to_each_in_its_form() -> None:
    case = Case()
    ann, bob, eve = trio(case)
    case.join("zoe")
    assert facts(case.said()) == [
        ("zoe joined", [home(bob)]),
        ({"notice": "member_joined", "name": "zoe"}, [home(ann), home(eve)]),
    ]
    case.registry.leave(eve, 1.0)
    assert facts(case.said()) == [
        ("eve left", [home(bob)]),
        ({"notice": "member_left", "name": "eve"}, [home(ann)]),
    ]
    case.registry.evict(bob, EvictionReason.SILENCE, 1.0)
    assert facts(case.said()) == [
        ("disconnected: silence", [home(bob)]),
        ({"notice": "member_evicted", "name": "bob", "reason": "silence"}, [home(ann)]),
    ]
    case.registry.evict(ann, EvictionReason.SILENCE, 1.0)
    ((told, targets),) = facts(case.said())
    assert targets == [home(ann)]
    assert told == {"notice": "disconnected", "reason": "silence", "message": EvictionReason.SILENCE.message}
    case.assert_all_is_counted()


@pytest.mark.requirement("FEAT-03", "MOD-06", "MOD-07")
def test_what_all_are_told_the_one_it_is_about_hears_too() -> None:
    case = Case()
    ann, bob, eve = trio(case)
    topic = {"notice": "topic", "text": 'tea, "at five"'}
    assert facts(command(case, ann, '/topic tea, "at five"')) == [
        ('topic: tea, "at five"', [home(bob)]),
        (topic, [home(ann), home(eve)]),
    ]
    zoe, cem = case.join("zoe", json_notices=True), case.join("cem")
    case.said()
    case.say(zoe)
    case.say(cem)
    assert facts(case.said()) == [(topic, [home(zoe)]), ('topic: tea, "at five"', [home(cem)])]
    assert facts(command(case, ann, "/host bob")) == [
        ("bob is the host now", [home(bob), home(cem)]),
        ({"notice": "host_changed", "name": "bob"}, [home(ann), home(eve), home(zoe)]),
    ]


@pytest.mark.requirement("FEAT-03", "MOD-01", "MOD-05")
def test_commands_are_answered_by_facts() -> None:
    case = Case()
    ann, bob, eve = trio(case)
    assert facts(command(case, ann, "/mute eve")) == [
        ({"notice": "muted"}, [home(eve)]),
        ({"notice": "command_done", "command": "mute", "name": "eve"}, [home(ann)]),
    ]
    case.say(eve, "hello", 1.0)
    (dropped,) = facts(case.said())
    assert dropped[0] == {
        "notice": "dropped",
        "reason": "muted",
        "message": "You are muted: what you say is not relayed.",
    }
    assert facts(command(case, ann, "/unmute eve"))[0] == ({"notice": "unmuted"}, [home(eve)])
    for member, order, code, name in (
        (ann, "/kick zoe", "nobody", "zoe"),
        (ann, "/kick ann", "yourself", None),
        (ann, "/kick a:b", "bad_name", None),
        (ann, "/password " + "x" * 1025, "bad_password", None),
        (eve, "/kick bob", "not_host", None),
    ):
        (told,) = answers(case, member, order, 5.0)
        fields = json.loads(told)
        assert (fields["notice"], fields["code"], fields.get("name")) == ("command_failed", code, name)
        assert fields["command"] == order[1:].split()[0]
        assert fields["message"]
    assert answers(case, bob, "/kick eve", 5.0) == ["Only the host may do that; /who and /topic are for everybody."]


def test_a_member_is_told_the_words_that_the_metrics_have() -> None:
    assert set(NotRelayed) <= set(DropReason)


@pytest.mark.requirement("FEAT-03", "MOD-08")
def test_a_password_is_a_fact() -> None:
    case = Case()
    ann, *_ = trio(case)
    assert [json.loads(told) for told in answers(case, ann, "/password")] == [{"notice": "password", "set": False}]
    command(case, ann, "/password new")
    case.commands.set_password(case.to_hash.pop(), lambda: "hash")
    assert facts(case.said()) == [({"notice": "password", "set": True, "changed": True}, [home(ann)])]
    (told,) = answers(case, ann, "/password -")
    assert json.loads(told) == {"notice": "password", "set": False, "changed": True}


@pytest.mark.requirement("FEAT-03", "MOD-02")
def test_a_list_of_members_is_data_in_parts() -> None:
    case = Case()
    _, bob, eve = trio(case)
    names = ["Doe, John", *(f'"{number}" and 9 more' for number in range(300))]
    for name in names:
        case.join(name)
    case.moderation.mute(bob)
    case.said()
    told = answers(case, eve, "/who", 1.0)
    assert len(told) > 5
    assert all(len((SERVER + text).encode()) <= LIST_BYTES for text in told)
    parts = [parse_json_notice(SERVER + text) for text in told]
    listed: list[ListedMember] = []
    for number, part in enumerate(parts, start=1):
        assert isinstance(part, MemberList)
        assert (part.part, part.more, part.total, part.unlisted) == (number, number < len(parts), 304, 0)
        listed += part.members
    assert listed[:3] == [ListedMember("ann", host=True), ListedMember("bob", muted=True), ListedMember("eve")]
    assert [member.name for member in listed[3:]] == names
    (refused,) = answers(case, eve, "/who", len(parts) + 0.5)
    assert json.loads(refused)["code"] == "asked_too_soon"
    assert len(answers(case, eve, "/who", len(parts) + 1.0)) == len(parts)


@pytest.mark.requirement("FEAT-03", "MOD-04")
def test_bans_are_listed_and_lifted_as_facts() -> None:
    case = Case()
    ann, *_ = trio(case)
    (told,) = answers(case, ann, "/ban bob")
    assert json.loads(told) == {"notice": "command_done", "command": "ban", "name": "bob", "by_address": True}
    answers(case, ann, "/ban Doe, John")
    (told,) = answers(case, ann, "/unban")
    assert json.loads(told) == {"notice": "bans", "names": ["bob", "Doe, John"], "part": 1, "more": False}
    (told,) = answers(case, ann, "/unban bob")
    assert json.loads(told) == {"notice": "command_done", "command": "unban", "name": "bob"}


@pytest.mark.requirement("MOD-04")
@pytest.mark.parametrize("json_notices", [False, True])
def test_an_unban_of_many_look_alikes_is_answered_in_one_datagram(json_notices: bool) -> None:
    case = Case()
    ann = case.create("ann", json_notices=json_notices)
    case.say(ann)
    for number in range(64):  # all of them look like a row of l, and none like another in lower case
        letters = "".join("I" if number >> bit & 1 else "l" for bit in range(6))
        answers(case, ann, f"/ban {letters}{'l' * 240}")
    count = len([*ann.room.bans])
    assert count > 10
    (told,) = answers(case, ann, f"/unban {'l' * 246}")
    assert [*ann.room.bans] == []
    assert f"{count - 4}" in told
    assert len(told.encode()) <= LIST_BYTES


@pytest.mark.requirement("FEAT-03", "EVI-03", "UDP-12")
def test_a_challenge_comes_in_the_members_form() -> None:
    case = Case(max_session_seconds=120.0)
    ann, bob, eve = trio(case)
    case.registry.expire(61.0)
    asked = {targets[0]: told for told, targets in facts(case.said())}
    assert asked[home(bob)].startswith("can you hear me? /here ")
    for member in (ann, eve):
        assert asked[home(member)]["notice"] == "challenge"
        case.say(member, f"/here {asked[home(member)]['nonce']}", 62.0)
    case.registry.expire(121.0)
    assert [case.knows(member) for member in (ann, bob, eve)] == [True, False, True]
