"""Rooms that an operator moves to other nodes: which go where, how many at once, and what is tried again."""

from collections import Counter

import pytest

from chatproto import EvictionReason
from relay_server.operator.cluster import KnownNode
from relay_server.operator.moving import PATIENCE_SECONDS, ROOMS_AT_ONCE, Moving
from services.relay_server.core.rooms_case import Case
from services.relay_server.operator.neighbours import Neighbours, known


class Moved(Case):
    """A node with rooms, and others that take them."""

    def __init__(self, rooms: int, neighbours: Neighbours) -> None:
        super().__init__()
        self.neighbours = neighbours
        for number in range(rooms):
            self.create(f"host {number}", f"room {number}", ip=f"10.0.{number}.1")
        self.moving = Moving(self.registry, neighbours)

    def arrive(self) -> int:
        """Close the rooms that were given away, as the cluster does when the other node has them."""
        given, self.neighbours.given = self.neighbours.given, []
        for name, _ in given:
            room = self.registry.rooms[name.encode()]
            self.registry.close_room(room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
        return len(given)


def test_all_rooms_go_some_at_a_time_and_none_twice() -> None:
    case = Moved(2 * ROOMS_AT_ONCE + 5, Neighbours(known("beta")))
    case.moving.go_on(0.0)
    case.moving.go_on(0.5)
    assert len(set(case.neighbours.given)) == len(case.neighbours.given) == ROOMS_AT_ONCE
    moved = [case.arrive()]
    while case.registry.rooms:
        case.moving.go_on(1.0)
        moved.append(case.arrive())
    assert moved == [ROOMS_AT_ONCE, ROOMS_AT_ONCE, 5]


def test_each_room_goes_to_the_node_that_has_the_fewest() -> None:
    case = Moved(10, Neighbours(known("beta", 4), known("gamma", 0), known("delta", 0, draining=True)))
    case.moving.go_on(0.0)
    assert Counter(name for _, name in case.neighbours.given) == {"gamma": 7, "beta": 3}


def test_what_a_node_was_given_counts_before_it_shows() -> None:
    case = Moved(ROOMS_AT_ONCE + 2, Neighbours(known("beta", 1000), known("gamma", 980)))
    case.moving.go_on(0.0)
    assert Counter(name for _, name in case.neighbours.given) == {"gamma": 26, "beta": 6}
    case.arrive()
    case.neighbours.others = [known("beta", 1000), known("gamma", 983)]  # the directory tells of some
    case.moving.go_on(0.5)
    assert Counter(name for _, name in case.neighbours.given) == {"gamma": 1, "beta": 1}


def test_a_room_that_stays_is_given_once_more_after_a_while() -> None:
    case = Moved(1, Neighbours(known("beta")))
    case.moving.go_on(0.0)
    case.moving.go_on(PATIENCE_SECONDS - 0.1)
    assert case.neighbours.given == [("room 0", "beta")]
    case.neighbours.others = [known("gamma")]
    case.moving.go_on(PATIENCE_SECONDS)
    assert case.neighbours.given == [("room 0", "beta"), ("room 0", "gamma")]


@pytest.mark.parametrize("others", [[], [known("beta", draining=True)]])
def test_rooms_wait_while_no_node_can_take_them(others: list[KnownNode]) -> None:
    case = Moved(1, Neighbours(*others))
    case.moving.go_on(0.0)
    assert not case.neighbours.given
    case.neighbours.others = [known("gamma")]
    case.moving.go_on(0.5)
    assert case.neighbours.given == [("room 0", "gamma")]
