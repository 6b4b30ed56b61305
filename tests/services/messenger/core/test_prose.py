"""Lists of members, from relays that say everything in prose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import ListedMember, MemberList, list_members
from libs.chatproto.strategies import USER_NAMES
from messenger.core.prose import ProseLists

ANN, BOB, EVE = ListedMember("ann", host=True), ListedMember("bob", muted=True), ListedMember("eve")


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("1 here: ann (host).", MemberList((ANN,), 1, 1, more=False)),
        ("3 here: ann (host), bob (muted), eve.", MemberList((ANN, BOB, EVE), 3, 1, more=False)),
        ("9 here: eve, and 8 more.", MemberList((EVE,), 9, 1, more=False, unlisted=8)),
        ("9 here: eve and 8 more.", MemberList((EVE,), 9, 1, more=False, unlisted=8)),
        ("2 here: o. k.., eve", MemberList((ListedMember("o. k.."), EVE), 2, 1, more=False)),
    ],
)
def test_a_list_is_read(text: str, listed: MemberList) -> None:
    assert ProseLists().read(text) == listed


@pytest.mark.parametrize(
    "text", ["... bob.", "topic", "x here: ann.", "3 are here: ann.", "3 here: ", f"{10**30} here: ann."]
)
def test_anything_else_is_no_list(text: str) -> None:
    assert ProseLists().read(text) is None


def test_a_list_goes_on_only_where_one_ended_so() -> None:
    lists = ProseLists()
    assert lists.read("3 here: ann (host),") == MemberList((ANN,), 3, 1, more=True)
    assert lists.read("Something else.") is None
    assert lists.read("... bob (muted),") == MemberList((BOB,), 3, 2, more=True)
    assert lists.read("... eve.") == MemberList((EVE,), 3, 3, more=False)
    assert lists.read("... eve.") is None


@pytest.mark.slow
@given(st.lists(st.builds(ListedMember, USER_NAMES.filter(lambda name: "," not in name)), min_size=1, max_size=200))
def test_what_a_relay_of_ours_lists_is_read_as_it_is(members: list[ListedMember]) -> None:
    lists = ProseLists()
    for listed in list_members(members, json=False):
        assert lists.read(str(listed)) == listed
