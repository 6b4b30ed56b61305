"""Who is in a room, by the relay's list and by what is heard."""

import pytest

from chatproto import ListedMember, MemberList
from chatproto.constants import MAX_NAME_BYTES
from messenger.core.roster import MAX_COUNTED, MAX_HEARD, MAX_PEOPLE, Person, Roster
from services.messenger.core.fake_relay import listing


def part(*names: str, number: int = 1, total: int = 0, more: bool = False) -> MemberList:
    return MemberList(tuple(map(ListedMember, names)), total or len(names), number, more)


def roster_of(*lists: MemberList) -> Roster:
    roster = Roster()
    for each in lists:
        roster.take_list(each)
    return roster


def names_in(roster: Roster) -> list[str]:
    return [person.name for person in roster.people]


def test_a_list_is_taken_the_host_first() -> None:
    roster = roster_of(listing("eve", "ann (host)", "bob (muted)", "Doe, John"))
    assert roster.known
    assert list(roster.people) == [
        Person("ann", host=True),
        Person("eve"),
        Person("bob", muted=True),
        Person("Doe, John"),
    ]


def test_a_long_list_comes_in_parts_and_counts_when_it_is_whole() -> None:
    roster = roster_of(part("ann", total=10, more=True))
    assert (roster.known, len(roster)) == (False, 0)
    roster.take_list(part("bob", number=2, total=10, more=True))
    roster.take_list(part("eve", number=3, total=10))
    assert names_in(roster) == ["ann", "bob", "eve"]
    assert (len(roster), roster.others) == (10, 7)


@pytest.mark.parametrize("lost", [1, 2])
def test_who_stands_in_a_part_that_got_lost_is_counted(lost: int) -> None:
    parts = [part(name, number=number, total=3, more=number < 3) for number, name in enumerate("abc", start=1)]
    roster = roster_of(*(each for each in parts if each.part != lost))
    assert names_in(roster) == [name for number, name in enumerate("abc", start=1) if number != lost]
    assert len(roster) == 3


def test_a_list_whose_end_got_lost_leaves_nothing_in_the_next() -> None:
    roster = roster_of(part("ann", total=2, more=True), part("bob"))
    assert (names_in(roster), len(roster)) == (["bob"], 1)


def test_a_new_list_takes_the_place_of_the_old_one() -> None:
    assert names_in(roster_of(part("ann"), part("bob"))) == ["bob"]


def test_people_come_go_and_become_host() -> None:
    roster = roster_of(listing("ann (host)", "bob (muted)"))
    roster.add("eve")
    roster.remove("nobody")
    roster.hand_over("bob")
    assert list(roster.people) == [Person("bob", host=True, muted=True), Person("ann"), Person("eve")]
    roster.remove("ann")
    assert "ann" not in roster
    roster.clear()
    assert (len(roster), roster.known) == (0, False)


def test_made_up_names_fill_no_memory() -> None:
    roster = Roster()
    for number in range(MAX_HEARD + 10):
        roster.hear(f"name {number}")
        roster.hear("name 0")
    assert len(roster) == MAX_HEARD


def test_who_is_over_the_limit_is_counted() -> None:
    roster = Roster()
    for number in range(MAX_PEOPLE + 10):
        roster.add(f"name {number}")
    assert (len(roster.people), roster.others, len(roster)) == (MAX_PEOPLE, 10, MAX_PEOPLE + 10)
    roster.remove(f"name {MAX_PEOPLE + 1}")
    roster.remove("name 0")
    assert (len(roster.people), roster.others) == (MAX_PEOPLE - 1, 9)
    roster.add("ann")
    assert "ann" in roster
    roster.clear()
    assert len(roster) == 0


def test_a_list_without_an_end_fills_no_memory() -> None:
    roster = Roster()
    for number in range(1, 101):
        names = (f"{number} {each}" for each in range(100))
        roster.take_list(part(*names, number=number, total=10_005, more=number < 100))
    assert (len(roster.people), roster.others) == (MAX_PEOPLE, 10_005 - MAX_PEOPLE)


def test_a_name_longer_than_any_may_be_is_counted_alone() -> None:
    roster = roster_of(part("x" * (MAX_NAME_BYTES + 1), "y" * MAX_NAME_BYTES))
    roster.add("z" * 4000)
    roster.hear("z" * 4000)
    roster.hand_over("z" * 4000)
    assert ([len(person.name) for person in roster.people], roster.others) == ([MAX_NAME_BYTES], 2)


def test_any_number_of_hosts_is_one() -> None:
    roster = Roster()
    for number in range(MAX_PEOPLE + 10):
        roster.hand_over(f"name {number}")
    assert len(roster) == MAX_PEOPLE
    roster.hand_over("name 5")
    assert [person.name for person in roster.people if person.host] == ["name 5"]


@pytest.mark.parametrize(("total", "counted"), [(10**30, MAX_COUNTED), (-5, 1), (0, 1)])
def test_a_total_that_cannot_be_is_taken_as_near_as_can_be(total: int, counted: int) -> None:
    assert len(roster_of(MemberList((ListedMember("ann"),), total, 1, more=False))) == counted


def test_who_speaks_is_away_no_more() -> None:
    roster = roster_of(MemberList((ListedMember("ann"), ListedMember("bob", away=True)), 2, 1, more=False))
    assert [person.away for person in roster.people] == [False, True]
    roster.hear("bob")
    roster.hear("stranger")
    assert list(roster.people) == [Person("ann"), Person("bob")]
