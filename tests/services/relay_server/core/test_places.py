"""At which node the members of a room meet when its home is gone (CLU-02)."""

from relay_server.core.places import meeting_order
from services.relay_server.core.homes_case import node

NODES = [node(name) for name in ("ann", "ben", "cyd", "dan")]


def test_all_members_of_a_room_are_told_the_nodes_in_one_order() -> None:
    assert meeting_order("tea", NODES) == meeting_order("tea", reversed(NODES))
    assert set(meeting_order("tea", NODES)) == set(NODES)
    of_three = [each for each in meeting_order("tea", NODES) if each is not NODES[0]]
    assert meeting_order("tea", NODES[1:]) == of_three, "who is gone changes nothing for the others"


def test_rooms_meet_at_all_nodes() -> None:
    first = [meeting_order(f"room {number}", NODES)[0].name for number in range(400)]
    assert all(60 < first.count(each.name) < 140 for each in NODES)
