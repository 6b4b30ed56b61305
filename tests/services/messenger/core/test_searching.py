"""Search in what was said."""

from messenger.core.history import History, Kind, Line
from messenger.core.searching import Search
from services.messenger.core.fake_relay import NOON


def talk(*texts: str, max_lines: int = 100) -> History:
    history = History(max_lines)
    for text in texts:
        history.add(Line(Kind.MESSAGE, NOON, text, "bob"))
    return history


def state(search: Search) -> tuple[int | None, int, int]:
    return search.found, search.place, search.count


def test_the_newest_is_found_first_and_then_the_older_ones_all_round() -> None:
    search = Search(talk("Tea", "coffee", "TEA!", "tea?"))
    search.look_for("tea")
    assert state(search) == (3, 1, 3)
    search.go(1)
    assert state(search) == (2, 2, 3)
    search.go(1)
    assert state(search) == (0, 3, 3)
    search.go(1)
    assert state(search) == (3, 1, 3)
    search.go(-1)
    assert state(search) == (0, 3, 3)


def test_what_comes_meanwhile_is_found_too() -> None:
    history = talk("tea")
    search = Search(history)
    search.look_for("tea")
    history.add(Line(Kind.OWN, NOON, "tea it is", "ann"))
    search.go(-1)
    assert state(search) == (1, 1, 2)


def test_what_is_gone_is_not_found_any_more() -> None:
    history = talk("tea 1", "tea 2", "tea 3", max_lines=3)
    search = Search(history)
    search.look_for("tea 1")
    history.add(Line(Kind.NOTICE, NOON, "tea 4"))
    search.go(1)
    assert state(search) == (None, 0, 0)


def test_only_what_people_said_is_searched_with_who_said_it() -> None:
    history = talk("hello")
    history.add(Line(Kind.NOTICE, NOON, "bob left: hello"))
    search = Search(history)
    search.look_for("BOB: hel")
    assert state(search) == (0, 1, 1)
    search.look_for("")
    assert state(search) == (None, 0, 0)
