"""Which rooms are listed, and what is told of them (LIST-01; threat N14)."""

import json
from typing import Any

import pytest

from chatproto.constants import MAX_LIST_BYTES, MAX_LISTED_ROOMS
from relay_server.core.model import Member, Room, Session
from relay_server.core.room_list import KEPT_SECONDS, RoomList

pytestmark = pytest.mark.requirement("LIST-01")
SECRET = "the topic of a sealed room"


def room(name: str, members: int = 1, **values: Any) -> Room:
    made = Room(name, name.encode(), bytes(16), **values)
    for number in range(members):
        member = Member(made, b"m%d: " % number, (), bytes(16))
        made.members[member] = Session(member, b"t", b"", 0, bytes(16))
    return made


def listed(*rooms: Room, hides: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RoomList({r.raw_name: r for r in rooms}, hides=hides).read(0.0))["rooms"]
    return found


def test_a_room_is_told_with_what_people_choose_by() -> None:
    assert listed(room("tea", 3, topic="Tee für alle")) == [
        {"name": "tea", "members": 3, "password": False, "sealed": False, "topic": "Tee für alle"}
    ]


def test_a_sealed_rooms_topic_is_never_told() -> None:
    assert listed(room("tea", sealed=True, topic=SECRET))[0] == {
        "name": "tea", "members": 1, "password": False, "sealed": True, "topic": "",
    }  # fmt: skip


def test_where_rooms_are_hidden_those_with_a_password_arent_told() -> None:
    rooms = room("open"), room("closed", password_hash="h")
    assert [found["name"] for found in listed(*rooms, hides=True)] == ["open"]
    assert [(found["name"], found["password"]) for found in listed(*rooms)] == [("open", False), ("closed", True)]


def test_the_busiest_come_first_and_no_more_than_so_many() -> None:
    rooms = [room(f"r{number}", number % 7) for number in range(MAX_LISTED_ROOMS + 50)]
    found = listed(*rooms)
    assert len(found) == MAX_LISTED_ROOMS
    sizes = [each["members"] for each in found]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 6


def test_a_list_is_no_longer_than_it_may_be() -> None:
    rooms = [room(f"{number:03}" + '"' * 250, topic='"' * 512) for number in range(MAX_LISTED_ROOMS)]
    whole = RoomList({r.raw_name: r for r in rooms}, hides=False).read(0.0)
    assert MAX_LIST_BYTES * 0.8 < len(whole) <= MAX_LIST_BYTES
    assert len(json.loads(whole)["rooms"]) > 100


def test_a_list_is_made_once_a_second() -> None:
    rooms: dict[bytes, Room] = {}
    names = RoomList(rooms, hides=False)
    assert names.read(10.0) == b'{"rooms":[]}'
    rooms[b"tea"] = room("tea")
    assert names.read(10.0 + KEPT_SECONDS * 0.9) == b'{"rooms":[]}'
    assert b"tea" in names.read(10.0 + KEPT_SECONDS)
