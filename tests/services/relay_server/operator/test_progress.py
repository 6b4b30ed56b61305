"""How the command tells of rooms on their way: when the number changes, and when nothing moves any more."""

import pytest

from relay_server.operator.client import AdminError, Row
from relay_server.operator.progress import LOOK_SECONDS, STALL_SECONDS, follow_moves


def left(rooms: int, people: int = 3, nodes: int = 2) -> Row:
    return {"rooms": rooms, "people": people, "nodes": nodes}


def followed(*looks: Row | None) -> tuple[Row | None, list[str], list[float]]:
    coming, said, pauses = iter(looks), list[str](), list[float]()
    last = follow_moves(lambda: next(coming), said.append, pauses.append)
    assert next(coming, "nothing more") == "nothing more"
    return last, said, pauses


def test_the_number_is_said_when_it_falls_and_the_end_is_the_last_look() -> None:
    last, said, pauses = followed(left(12), left(12), left(1), left(0, people=2))
    assert last == left(0, people=2)
    assert said == ["12 rooms are left.\n", "One room is left.\n"]
    assert pauses == [LOOK_SECONDS] * 3


def test_a_relay_that_ended_meanwhile_is_no_fault() -> None:
    assert followed(left(1), None)[0] is None


@pytest.mark.parametrize(("nodes", "says"), [(0, "no other node can take them"), (1, "the log tells whether")])
def test_rooms_that_dont_move_for_a_minute_are_told(nodes: int, says: str) -> None:
    pauses: list[float] = []
    with pytest.raises(AdminError, match=f"^2 rooms are left, and none has moved for a minute: {says}"):
        follow_moves(lambda: left(2, nodes=nodes), lambda _: None, pauses.append)
    assert sum(pauses) == STALL_SECONDS


def test_a_room_that_moves_late_begins_another_minute() -> None:
    looks = [left(2)] * int(STALL_SECONDS / LOOK_SECONDS) + [left(1)] * int(STALL_SECONDS / LOOK_SECONDS) + [left(0)]
    assert followed(*looks)[0] == left(0)
