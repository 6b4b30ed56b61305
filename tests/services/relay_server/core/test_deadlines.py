"""The next to end is always at the front."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.core.deadlines import DeadlineQueue


@dataclass(eq=False)
class Thing:
    seen_at: float = 0.0


def seen_at(thing: Thing) -> float:
    return thing.seen_at


def test_an_empty_queue_never_ends() -> None:
    queue: DeadlineQueue[Thing] = DeadlineQueue(10.0)
    assert queue.next_deadline() == inf
    assert queue.pop_due(1e9) is None


def test_an_item_is_due_at_its_deadline_and_not_before() -> None:
    queue: DeadlineQueue[Thing] = DeadlineQueue(10.0)
    thing = Thing()
    queue.add(thing, 5.0)
    assert queue.next_deadline() == 15.0
    assert queue.pop_due(14.999) is None
    assert queue.pop_due(15.0) is thing
    assert queue.next_deadline() == inf


def test_forgetting_twice_is_harmless() -> None:
    queue: DeadlineQueue[Thing] = DeadlineQueue(10.0)
    thing = Thing()
    queue.add(thing, 0.0)
    queue.discard(thing)
    queue.discard(thing)
    assert queue.pop_due(100.0) is None


def test_what_comes_back_ends_once() -> None:
    queue: DeadlineQueue[Thing] = DeadlineQueue(10.0)
    thing = Thing()
    queue.add(thing, 0.0)
    queue.discard(thing)
    queue.add(thing, 5.0)
    assert queue.pop_due(14.0) is None
    assert queue.pop_due(15.0) is thing
    assert queue.pop_due(100.0) is None


@given(times=st.lists(st.integers(0, 100), min_size=1))
def test_what_is_added_in_any_order_ends_in_the_order_of_its_time(times: list[int]) -> None:
    queue: DeadlineQueue[int] = DeadlineQueue(10.0)
    for number, time in enumerate(times):
        queue.add(number, time)
    assert queue.next_deadline() == min(times) + 10.0
    ended = []
    while (number_due := queue.pop_due(110.0)) is not None:
        ended.append(times[number_due])
    assert ended == sorted(times)


def test_things_that_come_and_go_leave_nothing_behind() -> None:
    queue: DeadlineQueue[Thing] = DeadlineQueue(10.0)
    stays = Thing()
    queue.add(stays, 0.0)
    for _ in range(1000):
        passes = Thing()
        queue.add(passes, 1.0)
        queue.discard(passes)
        assert len(queue._heap) + len(queue._line) <= 100
    assert queue.pop_due(10.0) is stays
    assert queue.next_deadline() == inf


@pytest.mark.parametrize("seen_at", [seen_at, None])
@given(steps=st.lists(st.tuples(st.sampled_from(["add", "renew", "forget"]), st.integers(0, 4), st.floats(0, 5))))
def test_whatever_is_renewed_things_end_in_order(
    seen_at: Callable[[Thing], float] | None, steps: list[tuple[str, int, float]]
) -> None:
    lifetime, now = 10.0, 0.0
    queue = DeadlineQueue(lifetime, seen_at)
    things = [Thing() for _ in range(5)]
    alive: dict[Thing, float] = {}
    for action, number, pause in steps:
        now += pause
        thing = things[number]
        if action == "forget":
            queue.discard(thing)
            alive.pop(thing, None)
        else:
            if action == "add" or thing not in alive or not seen_at:
                queue.add(thing, now)
            alive[thing] = thing.seen_at = now
        assert queue.next_deadline() == min((seen + lifetime for seen in alive.values()), default=inf)
    ended = []
    while (thing_due := queue.pop_due(now + lifetime)) is not None:
        ended.append(alive.pop(thing_due) + lifetime)  # what is the same when added is no order
    assert ended == sorted(ended)
    assert not alive
