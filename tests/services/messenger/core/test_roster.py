"""Who is in a room, by the relay's list and by what is heard."""

import pytest

from chatproto.constants import MAX_NAME_BYTES
from messenger.core.roster import MAX_HEARD, MAX_PEOPLE, Person, Roster


def _roster(*texts: str) -> Roster:
    roster = Roster()
    for text in texts:
        assert roster.take_list(text)
    return roster


def test_a_list_is_read_the_host_first() -> None:
    roster = _roster("4 here: eve, ann (host), bob (muted), o. k..")
    assert roster.known
    assert list(roster.people) == [
        Person("ann", host=True),
        Person("eve"),
        Person("bob", muted=True),
        Person("o. k."),
    ]


def test_a_long_list_comes_in_parts_and_counts_when_it_is_whole() -> None:
    roster = _roster("3 here: ann (host),")
    assert not roster.known
    assert len(roster) == 0
    assert roster.take_list("... bob,")
    assert roster.take_list("... eve and 7 more.")
    assert [person.name for person in roster.people] == ["ann", "bob", "eve"]
    assert (len(roster), roster.others) == (10, 7)


@pytest.mark.parametrize("text", ["... bob.", "topic", "x here: ann.", "3 are here: ann."])
def test_anything_else_is_no_list(text: str) -> None:
    assert not Roster().take_list(text)


def test_a_new_list_takes_the_place_of_the_old_one() -> None:
    roster = _roster("1 here: ann (host).", "1 here: bob (host).", "0 here: nobody.")
    assert [person.name for person in roster.people] == ["nobody"]


def test_people_come_go_and_become_host() -> None:
    roster = _roster("2 here: ann (host), bob (muted).")
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
    roster = _roster("3 here: ann (host),")
    for part in range(100):
        assert roster.take_list(f"... {', '.join(f'{part} {number}' for number in range(100))},")
    assert roster.take_list("... eve and 5 more.")
    assert (len(roster.people), roster.others) == (MAX_PEOPLE, 100 * 100 + 2 + 5 - MAX_PEOPLE)


def test_a_name_longer_than_any_may_be_is_counted_alone() -> None:
    roster = _roster(f"2 here: {'x' * (MAX_NAME_BYTES + 1)}, {'y' * MAX_NAME_BYTES}.")
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


def test_more_than_can_be_counted_is_a_name() -> None:
    roster = _roster(f"1 here: eve and {10**30} more.")
    assert (len(roster), roster.others) == (1, 0)
