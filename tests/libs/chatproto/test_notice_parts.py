"""Lists in notices that travel in one packet (MOD-02, FEAT-03)."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatproto import ListedMember, encode_notice, list_bans, list_members, parse_json_notice
from chatproto.notice_parts import LIST_BYTES, MAX_LIST_NOTICES
from libs.chatproto.strategies import USER_NAMES

NAMES = st.one_of(USER_NAMES, st.sampled_from(['"' * 255, "\\" * 255, "é" * 127, "漢", "a"]))
MEMBERS = st.builds(ListedMember, NAMES, st.booleans(), st.booleans())
LONGEST = ListedMember('"' * 255)


@pytest.mark.slow
@pytest.mark.requirement("MOD-02", "FEAT-03")
@pytest.mark.parametrize("json", [False, True])
@given(st.lists(MEMBERS, max_size=24).map(lambda few: few * 40))
@example([])
@example([LONGEST] * 1000)
def test_a_list_has_everybody_once_in_short_parts(json: bool, members: list[ListedMember]) -> None:
    parts = list_members(members, json=json)
    assert all(len(encode_notice(part, json=json)) <= LIST_BYTES for part in parts)
    listed = [member for part in parts for member in part.members]
    assert listed == members[: len(listed)]
    assert [part.part for part in parts] == [*range(1, len(parts) + 1)]
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part.total for part in parts} == {len(members)}
    assert [part.unlisted for part in parts] == [0] * (len(parts) - 1) + [len(members) - len(listed)]
    assert len(parts) == MAX_LIST_NOTICES or listed == members


@pytest.mark.slow
@pytest.mark.requirement("FEAT-03")
@given(st.lists(MEMBERS, max_size=20).map(lambda few: few * 10))
def test_parts_are_filled(members: list[ListedMember]) -> None:
    for part, following in pairwise(list_members(members, json=True)):
        more = replace(part, members=(*part.members, following.members[0]))
        kept_free = len(', "unlisted": 200') + len("50") + len(", ")  # for the numbers of a last part, and a comma
        assert len(encode_notice(more, json=True)) > LIST_BYTES - kept_free


@pytest.mark.requirement("MOD-02")
def test_in_prose_parts_are_marked_and_the_last_tells_how_many_are_missing() -> None:
    names = ["x" * 250] * 201
    first, *others, last = [str(part) for part in list_bans(names, json=False)]
    assert first == f"Banned: {', '.join(names[:4])},"
    assert set(others) == {f"... {', '.join(names[:4])},"}
    assert last == f"... {', '.join(names[:4])}, and 1 more."
    assert str(list_bans([], json=False)[0]) == "Banned: nobody."


@pytest.mark.requirement("MOD-02")
def test_a_last_part_that_is_full_makes_room_for_the_number_of_those_missing() -> None:
    parts = list_members([ListedMember("x" * 235)] * 400, json=False)
    assert len(parts[-2].members) == 5
    assert len(parts[-1].members) == 4
    assert len(encode_notice(parts[-1])) <= LIST_BYTES
    assert sum(len(part.members) for part in parts) + parts[-1].unlisted == 400


@pytest.mark.requirement("FEAT-03")
def test_a_name_with_a_comma_is_one_person_in_a_list() -> None:
    members = (ListedMember("Doe, John"), ListedMember("K and 9 more", muted=True))
    (part,) = list_members(members, json=True)
    read = parse_json_notice(encode_notice(part, json=True).decode())
    assert read == part
    assert part.members == members
