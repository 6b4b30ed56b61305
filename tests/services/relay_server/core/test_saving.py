"""What a relay writes down of itself, and when (see `saving`)."""

from collections.abc import Callable
from typing import Any

import pytest

from chatproto import EvictionReason
from chatproto.receipts import encode_numbered
from relay_server.core import saving
from relay_server.core.address import parse_ip
from relay_server.core.model import Member
from relay_server.core.receipts import SaidNumbers
from relay_server.core.saving import Saving
from relay_server.core.state import (
    Clock,
    Item,
    LobbyClientGone,
    MemberGone,
    RoomGone,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedNumbers,
    SavedRing,
    SavedRoom,
    decode_line,
)
from relay_server.net.address import locate, make_address
from services.relay_server.core.rooms_case import NoConnection, at, home
from services.relay_server.core.state_case import SINCE_1970, StateCase, moment
from services.relay_server.core.test_returning import ANN, RECORD

LOU = at("10.9.0.1")


class SavingCase(StateCase):
    """A relay whose changes are noted."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(host_grace_seconds=20.0, **policy)
        self.told = 0
        self.saving.watch(self._tell)

    def changes(self, now: float = 1.0) -> list[Item]:
        return [decode_line(line) for line in self.saving.changes(moment(now))]

    def names(self, now: float = 1.0) -> list[str]:
        """Return what changed, in short."""
        return [_short(item) for item in self.changes(now)]

    def _tell(self) -> None:
        self.told += 1


def _short(item: Item) -> str:
    match item:
        case SavedMember() | MemberGone():
            name = item.name
        case SavedRoom() | RoomGone():
            name = item.room.decode()
        case SavedLobbyClient():
            name = item.name.decode()
        case _:
            name = ""
    return f"{type(item).__name__} {name}".strip()


def test_a_message_writes_nothing() -> None:
    case = SavingCase()
    ann, bob, _ = case.trio()
    bob.session.said = SaidNumbers()
    case.speak(LOU, "lou", "hi")
    case.changes()
    case.told = 0
    for number in range(1, 100):
        case.say(ann, f"hello {number}", number / 10)
        case.say(bob, encode_numbered(number, b"hello"), number / 10)
        case.speak(LOU, "lou", "hi", number / 10)
    assert (case.told, case.changes()) == (0, [])


class Known(SavingCase):
    """Ann, the host, bob and eve in the room demo, lou in the lobby; all is written."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.ann, self.bob, self.eve = self.trio()
        self.speak(LOU, "lou", "hi")
        self.changes()
        self.told = 0

    def join_and_write(self, name: str, **more: Any) -> Member:
        member = self.join(name, **more)
        self.changes()
        self.told = 0
        return member


ACTS: dict[str, tuple[Callable[[Known], object], list[str]]] = {
    "create": (lambda case: case.create("mia", "more"), ["SavedRoom more", "SavedMember mia"]),
    "join": (lambda case: case.join("mia"), ["SavedMember mia"]),
    "the first datagram": (lambda case: case.say(case.join("mia")), ["SavedMember mia"]),
    "another address": (lambda case: case.say(case.bob, "hi", 9.0, home(case.bob, 6000)), ["SavedMember bob"]),
    "leave": (lambda case: case.registry.leave(case.bob, 1.0), ["MemberGone bob"]),
    "the host leaves": (lambda case: case.registry.leave(case.ann, 1.0), ["MemberGone ann", "SavedRoom demo"]),
    "close": (
        lambda case: case.registry.close_room(
            case.bob.room, EvictionReason.SHUTDOWN, members_see=EvictionReason.SHUTDOWN
        ),
        ["RoomGone demo"],
    ),
    "ban": (lambda case: case.moderation.ban(case.bob.room, "bob", 1.0), ["MemberGone bob", "SavedRoom demo"]),
    "mute": (lambda case: case.moderation.mute(case.bob), ["SavedRoom demo"]),
    "topic": (lambda case: case.moderation.set_topic(case.ann, "tea"), ["SavedRoom demo"]),
    "host": (lambda case: case.moderation.hand_over(case.bob), ["SavedRoom demo"]),
    "password": (lambda case: case.commands._take_password(case.ann.room, "hash"), ["SavedRoom demo"]),
    "ticket": (lambda case: case.registry.seats.issue(case.bob.session, "t", encrypted=False), ["SavedMember bob"]),
    "a ticket is shown": (
        lambda case: case.registry.seats.resume(case.bob.session, b"new", case.bob.ip, 1.0), ["SavedMember bob"]
    ),
    "a place is kept": (
        lambda case: case.registry.seats.keep(case.join_and_write("mia").session, 1.0), ["SavedMember mia"],
    ),
    "somebody comes to the lobby": (lambda case: case.speak(at("10.9.0.2"), "liz", "hi"), ["SavedLobbyClient liz"]),
    "another name in the lobby": (lambda case: case.speak(LOU, "lee", "hi"), ["SavedLobbyClient lee"]),
    "another address in the lobby": (
        lambda case: case.speak(make_address(parse_ip("10.9.0.1"), 5000, local_ip=parse_ip("10.0.0.9")), "lou", "hi"),
        ["SavedLobbyClient lou"],
    ),
    "somebody goes from the lobby": (lambda case: case.lobby.shut_down(), ["LobbyClientGone"]),
}  # fmt: skip


@pytest.mark.parametrize(("act", "wanted"), ACTS.values(), ids=ACTS)
def test_what_changes_is_written_with_a_clock_before(act: Callable[[Known], object], wanted: list[str]) -> None:
    case = Known()
    act(case)
    assert case.told == 1
    first, *others = case.changes(2.0)
    assert first == Clock(at=SINCE_1970 + 2.0)
    assert sorted(map(_short, others)) == sorted(wanted)
    assert case.changes() == []


def test_on_a_stream_the_first_line_the_end_and_the_next_connection_are_written() -> None:
    case = Known()
    mia = case.join_and_write("mia", stream=True)
    reader = case.registry.streams.connect(mia.session, NoConnection(), 1.0)
    assert reader is not None
    assert case.names() == ["Clock", "SavedMember mia"]
    for _ in range(9):
        case.registry.streams.hear(reader, 1.0)
    assert (case.told, case.names()) == (2, ["Clock", "SavedMember mia"])
    case.registry.seats.issue(mia.session, "ticket", encrypted=False)
    case.changes()
    case.registry.streams.disconnect(reader, 1.0)
    assert case.names() == ["Clock", "SavedMember mia"]


def test_in_a_cluster_a_new_seat_and_the_end_of_a_wait_change_a_room() -> None:
    case = SavingCase(resume_seconds=30.0)
    room = case.registry.returning.open_room(RECORD, 1000, 0.0)
    assert case.names() == ["Clock", "SavedRoom demo"]
    ann = case.registry.returning.take_seat(room, ANN, b"a", ANN.ip, 1.0, encrypted=False, stream=False).member
    case.say(case.join("bob"))
    assert case.names() == ["Clock", "SavedRoom demo", "SavedMember ann", "SavedMember bob"]
    case.join("eve")
    assert case.names() == ["Clock", "SavedRoom demo", "SavedMember eve"]
    case.registry.expire(30.0)
    assert room.host is ann
    assert case.names() == ["Clock", "SavedRoom demo"]


def test_of_who_takes_a_name_that_is_free_again_the_end_is_written_first() -> None:
    case = Known()
    case.registry.leave(case.bob, 1.0)
    case.join("bob")
    assert case.names() == ["Clock", "MemberGone bob", "SavedMember bob"]
    case.registry.close_room(case.ann.room, EvictionReason.SHUTDOWN, members_see=EvictionReason.SHUTDOWN)
    case.create("eve")
    assert case.names() == ["Clock", "RoomGone demo", "SavedRoom demo", "SavedMember eve"]
    case.lobby.shut_down()
    case.lobby._closed = False
    case.speak(LOU, "lou", "hi")
    assert case.names() == ["Clock", "LobbyClientGone", "SavedLobbyClient lou"]


def test_two_may_write_and_who_stopped_writes_nothing() -> None:
    case = Known()
    other = Saving(case.registry, case.lobby, locate)
    other.watch(lambda: None)
    case.join("mia")
    assert case.names() == ["Clock", "SavedMember mia"]
    assert len(other.changes(moment(1.0))) == 2
    other.stop()
    case.join("zoe")
    assert other.changes(moment(1.0)) == []


def test_all_is_written_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "SLICE", 3)
    case = Known()
    bulk = case.saving.bulk()
    slices: list[list[str]] = []
    while lines := bulk.take(moment(float(len(slices)))):
        slices.append([_short(decode_line(line)) for line in lines])
    assert slices == [
        ["Clock", "SavedRoom demo", "SavedMember ann", "SavedMember bob"],
        ["Clock", "SavedMember eve", "SavedLobbyClient lou"],
    ]


def test_who_goes_before_its_slice_isnt_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "SLICE", 1)
    case = Known()
    case.create("mia", "more")
    bulk = case.saving.bulk()
    bulk.take(moment(1.0))
    case.registry.leave(case.ann, 1.0)
    case.registry.leave(case.bob, 1.0)
    assert [_short(decode_line(line)) for line in bulk.take(moment(1.0))] == ["Clock", "SavedMember eve"]
    case.registry.shut_down()
    case.lobby.shut_down()
    assert bulk.take(moment(1.0)) == []


def test_a_room_is_written_before_its_members_though_its_slice_is_to_come() -> None:
    case = Known()
    case.saving.bulk()
    case.join("mia")
    assert case.names() == ["Clock", "SavedRoom demo", "SavedMember mia"]


def test_the_rest_is_what_changed_and_who_was_heard_since() -> None:
    case = Known()
    case.bob.session.said = SaidNumbers()
    case.say(case.bob, encode_numbered(7, b"hi"), 5.0)
    case.speak(LOU, "lou", "hi", 5.0)
    case.join("mia", now=1.0)
    rest = [decode_line(line) for line in case.saving.rest(5.0, moment(6.0))]
    assert list(map(_short, rest)) == ["Clock", "SavedMember mia", "SavedMember bob", "SavedLobbyClient lou"]
    (bob,) = [item for item in rest if isinstance(item, SavedMember) and item.name == "bob"]
    assert (bob.said, bob.sessions[0].seen) == (SavedNumbers(window=64, runs=((7, 7),)), 1.0)
    assert case.saving.rest(5.25, moment(6.0)) == []


def test_a_relay_without_a_lobby_saves_its_rooms() -> None:
    case = Known()
    alone = Saving(case.registry, None, locate)
    alone.watch(lambda: None)
    case.speak(LOU, "lee", "hi")
    case.join("mia")
    assert len(alone.changes(moment(1.0))) == 2
    assert len(alone.rest(0.0, moment(1.0))) == 5
    assert len(alone.bulk().take(moment(1.0))) == 6


def test_a_client_of_the_lobby_that_is_gone_is_known_by_its_address() -> None:
    case = Known()
    case.lobby.shut_down()
    ip, port, *_ = locate(LOU)
    assert case.changes()[1:] == [LobbyClientGone(address=SavedAddress(ip=ip, port=port))]


@pytest.mark.needs("interpreted")
def test_rings_are_written_once_and_what_is_gone_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay_server.core.state_writer.PIECE_ENTRIES", 2)
    monkeypatch.setattr("relay_server.core.ring.MAX_ENTRIES", 3)
    case = Known(announce=False)
    mia = case.join("mia", stream=True)
    ring = mia.room.ring
    assert ring is not None

    def rings() -> list[tuple[int, list[str]]]:
        items = [decode_line(line) for lines in case.saving.rings() for line in lines]
        assert all(isinstance(item, SavedRing) and item.epoch == ring.epoch for item in items)
        return [(one.after, [entry.line for entry in one.entries]) for one in items if isinstance(one, SavedRing)]

    assert rings() == [(0, [])]
    for text in (b"a", b"b", b"c"):
        ring.add(text, is_message=True)
    assert rings() == [(0, ["a", "b"]), (2, ["c"])]
    assert rings() == []
    ring.add(b"d", is_message=True)
    assert rings() == [(3, ["d"])]
    for text in (b"e", b"f", b"g", b"h"):
        ring.add(text, is_message=True)
    assert rings() == [(5, ["f", "g"]), (7, ["h"])]
    case.registry.shut_down()
    assert rings() == []


def test_numbers_are_written_as_rows_without_gaps() -> None:
    case = Known()
    case.bob.session.said = said = SaidNumbers()
    for number in (3, 4, 7, 9, 10, 11):
        said.add(number)
    case.registry.changes.note(case.bob)
    (bob,) = [item for item in case.changes() if isinstance(item, SavedMember)]
    assert bob.said == SavedNumbers(window=64, runs=((3, 4), (7, 7), (9, 11)))
