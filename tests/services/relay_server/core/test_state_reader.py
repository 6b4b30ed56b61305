"""Lines folded into what is true in the end."""

import pytest

from relay_server.core.state import (
    Clock,
    Header,
    Item,
    LobbyClientGone,
    MemberGone,
    RoomGone,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedRing,
    SavedRoom,
    SavedSession,
    StateError,
    encode_line,
)
from relay_server.core.state_reader import State, StateReader

HEADER = Header(format=1, formats=(1,), version="1.0")
HERE, THERE = SavedAddress(ip=bytes(16), port=1), SavedAddress(ip=bytes(16), port=2)


def room(name: bytes = b"demo", topic: str = "") -> SavedRoom:
    return SavedRoom(room=name, network=bytes(8), created=1.0, host=None, host_was=("", bytes(16)), topic=topic)


def member(name: str, joined: float = 1.0) -> SavedMember:
    session = SavedSession(token=name.encode(), ip=bytes(16), seen=1.0)
    return SavedMember(room=b"demo", name=name, keys=(name,), ip=bytes(16), joined=joined, sessions=(session,))


def client(address: SavedAddress = HERE, name: bytes = b"lou") -> SavedLobbyClient:
    return SavedLobbyClient(name=name, address=address, seen=1.0)


def read(*items: Item) -> State:
    reader = StateReader()
    for item in (HEADER, *items):
        reader.take(encode_line(item))
    return reader.state


def test_what_is_told_later_counts_by_its_own_clock_and_keeps_its_place() -> None:
    first, second, newer = member("ann"), member("bob"), member("ann", joined=4.0)
    state = read(Clock(at=10.0), room(), first, second, Clock(at=13.0), newer, room(topic="tea"), Clock(at=20.0))
    assert state.at == 20.0
    assert state.member_count == 2
    assert list(state.items()) == [
        Clock(at=13.0), room(topic="tea"), newer, Clock(at=10.0), second,
    ]  # fmt: skip


def test_what_is_gone_is_gone_and_who_comes_anew_stands_last() -> None:
    state = read(room(), member("ann"), member("bob"), MemberGone(room=b"demo", name="ann"), member("ann"))
    assert list(state.members[b"demo"]) == ["bob", "ann"]
    state = read(room(), member("ann"), RoomGone(room=b"demo"), room())
    assert (list(state.rooms), state.member_count) == ([b"demo"], 0)


def test_the_lobby_is_known_by_the_peers_side_of_an_address() -> None:
    moved = SavedAddress(ip=bytes(16), port=1, local_ip=bytes(16))
    state = read(client(), client(THERE), client(moved, b"liz"), LobbyClientGone(address=THERE))
    assert [dated.item for dated in state.lobby.values()] == [client(moved, b"liz")]


def test_what_came_and_went_between_two_lines_may_be_told_of_as_gone() -> None:
    gone = (RoomGone(room=b"x"), MemberGone(room=b"x", name="x"), LobbyClientGone(address=HERE))
    assert list(read(*gone, room(), MemberGone(room=b"demo", name="x")).items()) == [Clock(at=0.0), room()]


@pytest.mark.parametrize("item", [member("ann"), HEADER, SavedRing(room=b"demo", epoch="e")])
def test_a_line_that_cant_stand_there_is_refused(item: Item) -> None:
    with pytest.raises(StateError, match="it has a line where none of its kind may be"):
        read(item)


def test_a_state_begins_with_a_header() -> None:
    with pytest.raises(StateError, match="it doesn't begin with a header"):
        StateReader().take(encode_line(room()))


def test_a_state_without_a_line_is_none() -> None:
    reader = StateReader()
    with pytest.raises(StateError, match="it is empty"):
        reader.finish()
    reader.take(encode_line(HEADER))
    assert reader.finish() is reader.state
