"""The fair queue: turns, limits, and who yields."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.fair_queue import FairQueue

KEYS = st.sampled_from([b"ann", b"bob", b"cem", b"eve", b"zoe"])


@pytest.fixture
def queue() -> FairQueue[str]:
    return FairQueue(4, 3)


def fill(queue: FairQueue[str], *items: str) -> list[str | None]:
    """Put items in whose key is their first letter; returns those that had to go."""
    return [queue.put(item[:1].encode(), item) for item in items]


def drain(queue: FairQueue[str]) -> list[str]:
    return list(iter(queue.pop, None))


def test_each_key_has_its_turn_and_is_served_in_order(queue: FairQueue[str]) -> None:
    assert fill(queue, "a1", "a2", "b1", "c1") == [None] * 4
    assert drain(queue) == ["a1", "b1", "c1", "a2"]
    assert len(queue) == 0


def test_a_key_has_so_many_and_not_one_more(queue: FairQueue[str]) -> None:
    assert fill(queue, "a1", "a2", "a3", "a4") == [None, None, None, "a4"]


def test_the_newest_of_the_longest_yields_to_a_key_that_has_fewer(queue: FairQueue[str]) -> None:
    fill(queue, "a1", "a2", "a3", "b1")
    assert fill(queue, "c1") == ["a3"]
    assert fill(queue, "c2", "b2") == ["c2", "b2"]  # nobody has more than one above them
    assert drain(queue) == ["a1", "b1", "c1", "a2"]


def test_a_full_queue_of_equals_takes_nobody_else(queue: FairQueue[str]) -> None:
    fill(queue, "a1", "b1", "c1", "d1")
    assert fill(queue, "e1") == ["e1"]


def test_what_nobody_waits_for_makes_room(queue: FairQueue[str]) -> None:
    fill(queue, "a1", "b1", "c1", "d1")
    for _ in range(2):
        queue.discard(b"b", "b1")
    queue.discard(b"z", "z1")
    assert fill(queue, "e1") == [None]
    assert drain(queue) == ["a1", "c1", "d1", "e1"]
    fill(queue, "a1", "a2")
    queue.discard(b"a", "a1")
    assert drain(queue) == ["a2"]


def test_it_can_be_emptied_at_once(queue: FairQueue[str]) -> None:
    fill(queue, "a1", "b1")
    queue.clear()
    assert (len(queue), queue.pop()) == (0, None)


@given(st.lists(KEYS, max_size=60))
def test_nothing_is_lost_and_no_limit_is_passed(keys: list[bytes]) -> None:
    queue: FairQueue[tuple[bytes, int]] = FairQueue(6, 3)
    gone = []
    for number, key in enumerate(keys):
        refused = queue.put(key, (key, number))
        gone += [refused] if refused else []
        assert len(queue) <= 6
    served = list(iter(queue.pop, None))
    assert sorted([*gone, *served]) == sorted((key, number) for number, key in enumerate(keys))
    assert max(Counter(key for key, _ in served).values(), default=0) <= 3
