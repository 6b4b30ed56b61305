"""A node that was started again has its rooms again, if the directory says that they still are its (CLU-07)."""

from dataclasses import replace

import pytest

from relay_server.core.address import parse_ip
from relay_server.core.home_actions import CallFailure, Create, ForgetRoom, Found, Get, OpenRoom, Put
from relay_server.core.homes import UNREADABLE
from relay_server.core.known_room import Tenancy
from relay_server.core.model import Residence
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.records import RoomRecord, record_of
from relay_server.core.saving import Saving
from relay_server.core.state import FORMAT, Header, Item, Moment, SavedMember, SavedRoom, decode_line, encode_line
from relay_server.core.state_reader import State, StateReader
from relay_server.net.address import locate, make_address
from services.relay_server.core.homes_case import ME, OTHER, HomesCase, node, record
from services.relay_server.core.state_case import StateCase, check_books

BEFORE = node("me", 2.0)
"""This node, in the run before."""
OWN = record(BEFORE, term=3, changes=7)
IP = parse_ip("192.0.2.1")
NOW = 50.0
SEATS = 10_000


def waiting(*, listed: bool = True, until: float = 130.0) -> HomesCase:
    """Return a node that had the room demo."""
    case = HomesCase(connected=False)
    case.homes.reclaim([Tenancy(b"demo", 10, 3, BEFORE.started_at)], until)
    if listed:
        case.homes.on_listing(case.now)
    return case


def test_a_room_that_nobody_took_is_had_again_by_a_write() -> None:
    case = waiting()
    case.show(OWN, 5)
    put = case.answer(Put, 6)
    assert (put.revision, put.record) == (5, replace(OWN, home_since=ME.started_at, term=4, changes=8))
    assert case.next(OpenRoom).record == put.record
    case.homes.on_caught_up(case.now)
    assert case.is_idle()
    assert (case.homes.homed, case.homes.reclaims) == (1, 0)


@pytest.mark.parametrize(
    "told",
    [
        record(OTHER, term=4),
        replace(OWN, term=5),
        replace(OWN, home_since=1.0),
        replace(OWN, first_seat=11),
        UNREADABLE,
    ],
    ids=["adopted", "newer", "another run", "another room", "unreadable"],
)
def test_what_isnt_this_nodes_any_more_is_forgotten(told: RoomRecord) -> None:
    case = waiting()
    case.show(told, 5)
    assert case.next(ForgetRoom).room == b"demo"
    case.homes.on_caught_up(case.now)
    assert case.is_idle()
    assert (case.homes.homed, case.homes.reclaims) == (0, 0)


def test_a_room_that_the_listing_doesnt_have_is_forgotten() -> None:
    case = waiting()
    assert case.is_idle()
    case.homes.on_caught_up(case.now)
    assert case.next(ForgetRoom).room == b"demo"
    assert case.homes.known == 0


def test_who_adopts_it_at_the_same_time_has_it() -> None:
    case = waiting()
    case.show(OWN, 5)
    case.answer(Put, CallFailure.STALE)
    case.answer(Get, Found(6, record(OTHER, term=4)))
    assert case.next(ForgetRoom).room == b"demo"
    assert case.homes.homed == 0


def test_a_write_whose_answer_is_lost_is_found_again() -> None:
    case = waiting()
    case.show(OWN, 5)
    put = case.answer(Put, CallFailure.AWAY)
    case.homes.tick(case.now)
    case.answer(Get, Found(6, put.record))
    assert case.answer(Put, 7).record.term == 4
    assert case.next(OpenRoom).record.term == 4
    assert case.homes.reclaims == 0


def test_who_asks_before_the_listing_tells_is_told_by_a_question() -> None:
    case = waiting()
    case.homes.look(b"demo", "bob", case.now)
    case.answer(Get, Found(5, OWN))
    case.answer(Put, 6)
    case.next(OpenRoom)
    assert case.told == {"bob": "READY"}


def test_while_the_directory_is_away_nothing_is_had_and_in_the_end_all_is_forgotten() -> None:
    case = waiting(listed=False)
    case.homes.look(b"demo", "bob", case.now)
    assert case.is_idle()
    assert case.told == {"bob": "AWAY"}
    case.now = 129.0
    case.homes.tick(case.now)
    assert case.is_idle()
    assert case.homes.reclaims == 1
    case.now = 130.0
    case.homes.tick(case.now)
    assert case.next(ForgetRoom).room == b"demo"
    assert case.homes.reclaims == 0


def test_a_new_room_of_its_name_comes_in_its_place() -> None:
    case = waiting()
    case.homes.claim(record(), "zoe", case.now)
    case.answer(Create, 1)
    assert case.next(ForgetRoom).room == b"demo"
    assert case.told == {"zoe": "READY"}
    case.homes.on_caught_up(case.now)
    assert case.is_idle()


class Restart:
    """A node with a room, and what it is after a restart."""

    def __init__(self) -> None:
        self.before = StateCase(resume_seconds=60.0)
        registry = self.before.registry
        residence = Residence(10, 10, term=3)
        self.ann = registry.create_room(b"demo", "ann", b"ann-token", IP, 1.0, residence=residence)
        registry.join_room(b"demo", "bob", b"bob-token", IP, 2.0)
        registry.create_room(b"lone", "cyd", b"cyd-token", IP, 3.0)
        self.after = StateCase(resume_seconds=60.0)
        self.reclaiming = Reclaiming(self.after.registry, self.after.policy, make_address)
        self.forgotten: list[bytes] = []
        self.settled = 0
        self.reclaiming.on_forget, self.reclaiming.on_settled = self.forgotten.append, self._settle

    def _settle(self) -> None:
        self.settled += 1

    def wait(self, *more: Item) -> None:
        reader = StateReader()
        reader.take(encode_line(Header(format=FORMAT, formats=(FORMAT,), version="")))
        bulk = Saving(self.before.registry, None, locate, BEFORE.started_at).bulk()
        for line in bulk.take(Moment(5.0, 105.0)) + list(map(encode_line, more)):
            reader.take(line)
        self.reclaiming.wait(reader.state)

    def record(self, **more: int) -> RoomRecord:
        """Return what this node writes when it reclaims the room."""
        residence = self.ann.room.residence
        assert residence is not None
        told = record_of(self.ann.room, residence, home="me", home_since=ME.started_at)
        return replace(told, **{"term": 4, **more})  # type: ignore[arg-type]

    def open_room(self, **more: int) -> bool:
        return self.reclaiming.open_room(self.record(**more), SEATS, Moment(NOW, 110.0))


def test_members_are_there_again_with_their_tokens_and_the_room_has_its_new_term() -> None:
    restart = Restart()
    restart.wait()
    assert restart.reclaiming.tenancies == [Tenancy(b"demo", 10, 3, BEFORE.started_at)]
    assert restart.forgotten == [b"lone"]  # of a relay that was alone
    assert restart.reclaiming.is_waiting
    assert not restart.after.registry.rooms
    changed: list[str] = []
    restart.after.registry.on_change = lambda room: changed.append(room.name)
    assert restart.open_room()
    registry = restart.after.registry
    assert set(registry.sessions_by_token) == {b"ann-token", b"bob-token"}
    room = registry.rooms[b"demo"]
    assert room.host is not None
    assert (room.host.name, [member.seat for member in room.members]) == ("ann", [11, 12])
    assert room.residence is not None
    assert (room.residence.term, room.residence.takes_tickets_until) == (4, NOW + 60.0)
    assert registry.join_room(b"demo", "eve", b"eve-token", IP, NOW).seat == SEATS + 1
    assert changed[0] == "demo"
    assert (restart.reclaiming.reclaimed_rooms, restart.reclaiming.reclaimed_members) == (1, 2)
    assert (restart.settled, restart.forgotten) == (1, [b"lone"])
    assert restart.reclaiming.tenancies == []
    check_books(restart.after)


def test_what_waits_can_be_saved_once_more() -> None:
    restart = Restart()
    restart.wait()
    again = Restart()
    reader = StateReader()
    reader.take(encode_line(Header(format=FORMAT, formats=(FORMAT,), version="")))
    for item in restart.reclaiming.items():
        reader.take(encode_line(item))
    again.reclaiming.wait(reader.state)
    assert again.open_room()
    assert set(again.after.registry.sessions_by_token) == {b"ann-token", b"bob-token"}


@pytest.mark.parametrize("more", [{"term": 3}, {"term": 5}, {"first_seat": 11}])
def test_a_room_that_came_another_way_is_had_without_them(more: dict[str, int]) -> None:
    restart = Restart()
    restart.wait()
    assert not restart.open_room(**more)
    assert restart.forgotten == [b"lone", b"demo"]
    assert not restart.after.registry.rooms
    assert not restart.open_room()
    assert restart.settled == 1


def test_members_that_cant_be_there_come_back_by_their_tickets() -> None:
    restart = Restart()
    restart.wait()
    restart.after.registry.create_room(b"other", "zoe", b"bob-token", IP, 4.0)
    assert not restart.open_room()
    assert restart.forgotten == [b"lone", b"demo"]
    assert set(restart.after.registry.rooms) == {b"other"}
    check_books(restart.after)


def test_what_was_forgotten_is_forgotten_once() -> None:
    restart = Restart()
    restart.wait()
    for _ in range(2):
        restart.reclaiming.forget(b"demo")
    assert restart.forgotten == [b"lone", b"demo"]
    assert restart.settled == 1


def test_where_nothing_waits_all_is_settled() -> None:
    restart = Restart()
    restart.reclaiming.wait(State())
    assert (restart.settled, restart.reclaiming.tenancies) == (1, [])


def test_the_state_of_a_room_tells_when_its_node_was_started() -> None:
    restart = Restart()
    saving = Saving(restart.before.registry, None, locate, BEFORE.started_at)
    items = [decode_line(line) for line in saving.bulk().take(Moment(5.0, 105.0))]
    (demo,) = [item for item in items if isinstance(item, SavedRoom) and item.room == b"demo"]
    assert demo.residence is not None
    assert demo.residence.since == BEFORE.started_at
    assert sum(isinstance(item, SavedMember) for item in items) == 3
