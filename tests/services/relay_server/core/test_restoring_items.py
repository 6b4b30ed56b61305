"""One thing after another told to a relay that is restored: what replaces what, and what is refused."""

from dataclasses import replace
from math import inf
from types import NoneType
from typing import Any

import pytest

from relay_server.core import limits
from relay_server.core.address import network_of, parse_ip
from relay_server.core.state import (
    Clock,
    Header,
    Item,
    MemberGone,
    SavedAddress,
    SavedLobbyClient,
    SavedMember,
    SavedPlace,
    SavedResidence,
    SavedRing,
    SavedRoom,
    SavedSession,
    SavedTicket,
    StateError,
    decode_line,
)
from relay_server.net.address import make_address
from services.relay_server.core.rooms_case import at
from services.relay_server.core.state_case import (
    LATER,
    SINCE_1970,
    StateCase,
    check_books,
    restoring_at,
)


class Live:
    """A relay that is told of one change after another."""

    def __init__(self, *items: Item, lobby: bool = True) -> None:
        self.case = StateCase(host_grace_seconds=20.0)
        self.restoring = restoring_at(self.case, 10.0)
        if not lobby:
            self.restoring._lobby = None
        self.apply(Header(format=1, formats=(1,), version="1.0"), Clock(at=SINCE_1970 + 10.0), ROOM, *items)

    def apply(self, *items: Item) -> None:
        for item in items:
            self.restoring.apply(item)

    def names(self) -> list[str]:
        self.restoring.finish(10.0 + LATER)
        check_books(self.case)
        return [member.name for member in self.case.registry.rooms[b"demo"].members]


ROOM = SavedRoom(room=b"demo", network=bytes(16), created=9.0, host=None, host_was=("x", bytes(16)))


def session(token: str, **more: Any) -> SavedSession:
    return SavedSession(token=token.encode(), **{"ip": parse_ip("10.0.0.1"), "seen": 1.0, "proved": 1.0, **more})


def member(name: str, *sessions: SavedSession, **more: Any) -> SavedMember:
    fields = {"keys": (name,), "ip": parse_ip("10.0.0.1"), "joined": 1.0, **more}
    return SavedMember(room=b"demo", name=name, sessions=sessions or (session(name),), **fields)


def test_who_has_a_key_of_somebody_who_comes_is_gone() -> None:
    live = Live(replace(ROOM, host="ann"), member("ann"), member("bob", keys=("bob", "b0b")), member("mia"))
    live.apply(member("ANN", keys=("ann", "other")), member("b0b", keys=("b0b",)))
    assert live.names() == ["mia", "ANN", "b0b"]
    assert live.case.registry.rooms[b"demo"].host is None


def test_members_stand_in_the_order_in_which_they_came_though_they_were_told_of_in_another() -> None:
    live = Live(member("mia", joined=1.0), member("ann", joined=3.0), member("bob", joined=2.0))
    assert live.names() == ["ann", "bob", "mia"]


def test_a_member_that_moved_counts_for_its_new_network() -> None:
    there = parse_ip("10.0.0.2")
    live = Live(member("ann", session("a"), session("b", ip=there)))
    live.apply(member("ann", session("b", ip=there), ip=there), MemberGone(room=b"demo", name="nobody"))
    assert live.names() == ["ann"]
    assert live.case.registry.admission.members.by_network == {network_of(there): 1}


def test_an_address_that_changed_is_in_place_of_the_one_before() -> None:
    here, there = (SavedAddress(ip=parse_ip("10.0.0.1"), port=port) for port in (5000, 6000))
    live = Live(member("ann", session("a", address=here)), member("ann", session("a", address=there)))
    live.names()
    (listening,) = live.case.registry.rooms[b"demo"].gather().addresses.values()
    assert listening == at("10.0.0.1", 6000)


def test_who_is_told_of_again_stays_who_it_is() -> None:
    here = SavedAddress(ip=parse_ip("10.0.0.1"), port=5000)
    live = Live(member("ann", session("a", address=here), session("b")))
    (ann,) = live.case.registry.rooms[b"demo"].members
    before = ann.session
    live.apply(member("ann", session("a", address=here, seen=0.5), announced=False))
    assert list(live.case.registry.rooms[b"demo"].members.items()) == [(ann, before)]
    assert (before.seen_at, ann.announced) == (9.5 + LATER, False)
    assert live.case.registry.seats.successor(ann) is None
    assert live.names() == ["ann"]


def test_what_a_cluster_knows_a_room_by_may_change() -> None:
    live = Live(replace(ROOM, residence=SavedResidence(first_seat=100, seats=120)), member("ann", seat=101))
    live.apply(replace(ROOM, residence=SavedResidence(first_seat=100, seats=130, kicked=(102,), took_tickets=-5.0)))
    assert live.names() == ["ann"]
    room = live.case.registry.rooms[b"demo"]
    (ann,) = room.members
    assert room.residence is not None
    assert (ann.seat, room.residence.seats, room.residence.kicked) == (101, 130, (102,))
    assert room.residence.takes_tickets_until == 15.0 + LATER


def test_a_client_of_the_lobby_may_be_reached_from_another_address() -> None:
    here = SavedAddress(ip=parse_ip("10.0.0.1"), port=5000)
    pinned = replace(here, local_ip=parse_ip("10.0.0.9"))
    live = Live(*(SavedLobbyClient(name=b"lou", address=one, seen=1.0) for one in (here, pinned)))
    live.names()
    (address,) = live.case.lobby._group.gather().addresses.values()
    assert address == make_address(here.ip, 5000, local_ip=pinned.local_ip)


def test_a_ticket_may_come_later_and_what_waited_may_not_wait_any_more() -> None:
    live = Live(member("ann", session("a", kept=1.0)))
    live.apply(member("ann", session("a", ticket=SavedTicket(text="t", encrypted=False))))
    live.names()
    assert live.case.registry.seats.find("t", b"demo") is not None
    assert live.case.registry.seats.next_deadline() == inf


def test_mutes_that_come_and_go_are_true_of_who_is_there() -> None:
    here = SavedAddress(ip=parse_ip("10.0.0.1"), port=5000)
    live = Live(member("ann", session("a", address=here)), member("bob"))
    live.apply(replace(ROOM, mutes=(("ann",), ("bob",))))
    ann, bob = live.case.registry.rooms[b"demo"].members
    assert (ann.muted, bob.muted) == (True, True)
    assert [type(one.limit) for one in (ann, bob)] == [limits.Muted, NoneType]
    live.apply(replace(ROOM, mutes=(("ann",),)))
    assert [one.muted for one in (ann, bob)] == [True, False]
    live.apply(ROOM)
    assert [one.muted for one in (ann, bob)] == [False, False]
    assert ann.limit is None
    live.names()


T = SavedTicket(text="t", encrypted=False)
TICKET = SavedTicket(text="u", encrypted=False)


def test_a_ring_lasts_though_the_only_stream_ends_before_the_next_is_told_of() -> None:
    stream = decode_line(
        b'{"member":{"room":"64656d6f","name":"ann","keys":["ann"],"ip":"' + b"00" * 16 + b'","joined":1.0,'
        b'"sessions":[{"token":"61","ip":"' + b"00" * 16 + b'","seen":1.0,"place":{"heard":0}}]}}'
    )
    assert isinstance(stream, SavedMember)
    live = Live(stream, SavedRing(room=b"demo", epoch="e", after=4))
    live.apply(MemberGone(room=b"demo", name="ann"))
    ring = live.case.registry.rooms[b"demo"].ring
    live.apply(replace(stream, name="bob", keys=("bob",)))
    live.names()
    room = live.case.registry.rooms[b"demo"]
    assert room.ring is ring is not None
    assert (ring.epoch, ring.seq) == ("e", 4)
    live.apply(SavedRing(room=b"demo", epoch="f"))
    assert room.ring is not None
    assert room.ring.epoch == "f"
    live.apply(MemberGone(room=b"demo", name="bob"))
    live.names()
    assert room.ring is None


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (replace(member("mia"), room=b"other"), "it has a line about a room that it doesn't have"),
        (SavedRing(room=b"other", epoch="e"), "it has a line about a room that it doesn't have"),
        (member("mia", session("a")), "it has a token or a ticket of demo twice"),
        (member("mia", session("m", ticket=SavedTicket(text="t", encrypted=False))), "it has a token or a ticket"),
        (member("mia", session("m"), session("m")), "it has a token or a ticket"),
        (member("ann", session("a", ticket=TICKET)), "it has a token or a ticket"),
        (member("ann", session("a", ticket=T), session("b", ticket=T)), "it has a token or a ticket"),
        (member("ann", session("b", ticket=T)), "it has a token or a ticket"),
        (member("ann", session("a", ticket=T, place=SavedPlace(heard=0))), "it has a token or a ticket"),
        (member("mia", session("m", ticket=TICKET), session("n", ticket=TICKET)), "it has a token or a ticket"),
        (Header(format=9, formats=(9,), version="9"), "it has format 9, and this program reads 1"),
    ],
)
def test_what_cant_be_true_is_refused_and_all_can_be_taken_back(item: Item, why: str) -> None:
    here = SavedAddress(ip=parse_ip("10.0.0.1"), port=5000)
    live = Live(member("ann", session("a", ticket=SavedTicket(text="t", encrypted=False))))
    live.apply(
        SavedLobbyClient(name=b"lou", address=here, seen=1.0),
        replace(ROOM, room=b"two"), SavedRing(room=b"two", epoch="e"),
    )  # fmt: skip
    with pytest.raises(StateError, match=why):
        live.apply(item)
    with pytest.raises(StateError, match="it has one numbering of two rooms"):
        live.apply(SavedRing(room=b"demo", epoch="e"))
    live.restoring.undo()
    case = live.case
    check_books(case)
    assert (case.registry.rooms, case.registry.sessions_by_token, case.lobby.clients_by_remote) == ({}, {}, {})
    assert case.registry.next_deadline() == case.lobby.next_deadline() == inf
    assert (case.said(), case.lobby.outbox, case.events) == ([], [], [])


def test_without_a_lobby_its_clients_are_forgotten() -> None:
    here = SavedAddress(ip=parse_ip("10.0.0.1"), port=5000)
    live = Live(SavedLobbyClient(name=b"lou", address=here, seen=1.0), lobby=False)
    live.apply(decode_line(b'{"lobby_client_gone":{"address":{"ip":"' + b"00" * 16 + b'","port":1}}}'))
    live.restoring.undo()
    assert live.case.lobby.clients_by_remote == {}


def test_who_is_told_of_as_gone_and_was_never_told_of_is_no_error() -> None:
    live = Live()
    for kind in (b'"room_gone":{"room":"61"}', b'"member_gone":{"room":"61","name":"x"}'):
        live.apply(decode_line(b"{" + kind + b"}"))
    live.apply(decode_line(b'{"lobby_client_gone":{"address":{"ip":"' + b"00" * 16 + b'","port":1}}}'))
    assert live.names() == []
