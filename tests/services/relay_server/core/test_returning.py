"""Rooms that come from another node, and members who take their seats again there (CLU-03, CLU-05)."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from chatproto import Disconnected, EvictionReason
from relay_server.core import events
from relay_server.core.address import network_of, parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.errors import BannedError, NoSeatError, RoomFullError, ShuttingDownError
from relay_server.core.kept import Abroad, Ban
from relay_server.core.model import Member, Residence, Room, Session
from relay_server.core.moderation import Moderation
from relay_server.core.receipts import SaidNumbers
from relay_server.core.records import RoomRecord, record_of
from relay_server.core.returning import HALT_SECONDS
from relay_server.core.tickets import Seat
from services.relay_server.core.rooms_case import Case

ANN_IP, BOB_IP, EVE_IP = parse_ip("10.1.0.1"), parse_ip("10.1.0.2"), parse_ip("10.1.0.3")
RECORD = RoomRecord(
    room=b"demo", home="other", home_since=1.0, first_seat=100, term=2, changes=5, host_seat=101, host="ann",
    host_ip=ANN_IP, kicked=(105,), password_revision=2,
)  # fmt: skip
ANN = Seat(b"demo", "ann", 101, 0, 2, ANN_IP, False, 0)
BOB = Seat(b"demo", "bob", 102, 3, 2, BOB_IP, False, 0)
RESUME_SECONDS = 30.0


class ReturningCase(Case):
    """A relay to which the room demo comes at 0 from another node."""

    def __init__(self, record: RoomRecord = RECORD, **policy: Any) -> None:
        super().__init__(resume_seconds=RESUME_SECONDS, **policy)
        self.changed: list[Room] = []
        self.closed: list[Room] = []
        self.registry.on_change = self.changed.append
        self.registry.on_close = self.closed.append
        self.room = self.registry.returning.open_room(record, 1000, 0.0)

    def take(
        self, seat: Seat, ip: bytes | None = None, now: float = 1.0, *, encrypted: bool = False, stream: bool = False
    ) -> Session:
        token = self.new_token()
        session = self.registry.returning.take_seat(
            self.room, seat, token, ip or seat.ip, now, encrypted=encrypted, stream=stream
        )
        self.tokens[session.member] = token
        return session


def test_members_take_their_seats_as_they_had_them() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    ann = case.take(ANN).member
    assert (bob.name, bob.seat, bob.session.turn, bob.ip) == ("bob", 102, 4, BOB_IP)
    assert (ann.seat, ann.session.turn) == (101, 1)
    assert case.room.host is ann
    assert case.changed == [case.room]
    assert case.events == [
        events.RoomCreated("demo"),
        events.MemberResumed("demo", "bob", moved=False),
        events.MemberResumed("demo", "ann", moved=False),
    ]
    assert case.said() == []  # nobody left, so nobody comes
    case.say(bob)
    assert case.say(ann, "hello")[0] == b"ann: hello"
    case.assert_all_is_counted()


def test_who_joins_gets_a_seat_that_nobody_had() -> None:
    case = ReturningCase()
    assert case.join("eve").seat == 1001
    assert case.room.residence is not None
    case.take(replace(BOB, number=2000))  # by a home whose clock was ahead
    assert case.join("mia").seat == 2001


@pytest.mark.parametrize(
    "seat",
    [replace(BOB, number=99), replace(BOB, number=105), replace(BOB, password_revision=1)],
    ids=["an earlier room's", "kicked", "before the password changed"],
)
def test_a_seat_that_isnt_good_any_more_is_refused(seat: Seat) -> None:
    case = ReturningCase()
    with pytest.raises(NoSeatError):
        case.take(seat)
    assert not case.room.members


def test_seats_are_taken_for_a_while_and_in_rooms_that_came_from_elsewhere() -> None:
    case = ReturningCase()
    with pytest.raises(NoSeatError):
        case.take(BOB, now=RESUME_SECONDS)
    case.room = case.create("eve", "own").room
    with pytest.raises(NoSeatError):
        case.take(BOB)
    case.room = case.create("eve", "new", residence=Residence(0, 0)).room
    with pytest.raises(NoSeatError):
        case.take(BOB)


@pytest.mark.parametrize(("then", "now"), [(False, False), (False, True), (True, False)])
def test_a_ticket_that_may_have_been_overheard_is_good_at_its_address_alone(then: bool, now: bool) -> None:
    case = ReturningCase()
    with pytest.raises(NoSeatError):
        case.take(replace(BOB, encrypted=then), EVE_IP, encrypted=now)


def test_a_ticket_that_nobody_overheard_is_good_anywhere() -> None:
    case = ReturningCase()
    assert case.take(replace(BOB, encrypted=True), EVE_IP, encrypted=True).member.ip == EVE_IP
    assert case.events[-1] == events.MemberResumed("demo", "bob", moved=True)


def test_of_two_sessions_of_a_seat_the_later_one_counts() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    case.say(bob)
    for turn in (BOB.turn, BOB.turn - 1):
        with pytest.raises(NoSeatError):
            case.take(replace(BOB, turn=turn))
    session = case.take(replace(BOB, turn=7))
    assert (session.member, session.turn) == (bob, 8)
    case.say(bob)
    assert bob.session is session
    assert case.room.members == {bob: session}


def test_a_ticket_whose_answer_was_lost_is_good_once_more() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    again = case.take(BOB)
    assert (again.member, again.turn) == (bob, BOB.turn + 1)
    with pytest.raises(NoSeatError):
        case.take(replace(BOB, turn=BOB.turn - 1))
    case.say(bob)
    with pytest.raises(NoSeatError):
        case.take(BOB)


def test_of_two_seats_with_one_name_the_newer_one_counts() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    case.say(bob)
    case.said()
    newer = case.take(replace(BOB, number=103, turn=0)).member
    assert list(case.room.members) == [newer]
    assert events.MemberEvicted("demo", "bob", EvictionReason.RESUMED_ELSEWHERE) in case.events
    with pytest.raises(NoSeatError):
        case.take(BOB)
    case.assert_all_is_counted()


def banning(name: str, ip: bytes) -> ReturningCase:
    """Return a relay to which a room comes that banned somebody."""
    return ReturningCase(replace(RECORD, bans=(Ban(name, frozenset({name}), network_of(ip)),)))


@pytest.mark.requirement("MOD-04", "CLU-03")
def test_who_was_in_a_room_stays_though_its_address_is_banned() -> None:
    case = banning("eve", BOB_IP)
    assert case.take(BOB).member.name == "bob"
    with pytest.raises(BannedError):
        case.take(replace(BOB, number=103, name="eve"))
    with pytest.raises(BannedError):
        case.join("mia", ip="10.1.0.2")
    with pytest.raises(BannedError):
        banning("eve", EVE_IP).take(replace(BOB, encrypted=True), EVE_IP, encrypted=True)


def test_a_seat_isnt_taken_where_its_member_may_not_be() -> None:
    with pytest.raises(BannedError):
        banning("bob", BOB_IP).take(BOB)
    full = ReturningCase(max_members_per_room=1)
    full.take(ANN)
    with pytest.raises(RoomFullError):
        full.take(BOB)
    ending = ReturningCase()
    ending.registry.admission.close()
    with pytest.raises(ShuttingDownError):
        ending.take(BOB)


def test_a_room_whose_host_stays_away_ends() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    case.say(bob)
    assert case.registry.next_deadline() == RESUME_SECONDS
    case.registry.expire(RESUME_SECONDS - 0.1)
    assert case.registry.rooms
    case.registry.expire(RESUME_SECONDS)
    assert case.closed == [case.room]
    assert not case.registry.rooms
    assert events.RoomClosed("demo", EvictionReason.HOST_LEFT) in case.events
    assert case.registry.returning.next_deadline() == inf


def test_a_room_whose_host_is_back_goes_on() -> None:
    case = ReturningCase()
    case.take(ANN)
    case.registry.expire(RESUME_SECONDS)
    assert case.registry.rooms
    case.registry.expire(2 * RESUME_SECONDS)
    assert case.registry.rooms


def test_a_room_that_ended_is_waited_for_no_more() -> None:
    case = ReturningCase()
    case.registry.close_room(case.room, EvictionReason.SHUTDOWN, members_see=EvictionReason.SHUTDOWN)
    assert case.registry.returning.next_deadline() == inf
    case.assert_all_is_counted()


def test_another_member_may_be_the_host_meanwhile() -> None:
    case = ReturningCase()
    bob = case.take(BOB).member
    case.registry.make_host(bob)
    ann = case.take(ANN).member
    assert case.room.host is bob
    assert case.room.residence is not None
    assert case.room.residence.host_seat == bob.seat
    assert ann in case.room.members


def test_the_host_is_host_again_when_it_joins_without_a_ticket() -> None:
    case = ReturningCase()
    ann = case.join("ann", ip="10.1.0.1")
    assert case.room.host is ann
    with pytest.raises(NoSeatError):
        case.take(ANN)  # the seat that it has now is newer


def test_numbering_goes_on_where_it_was_given_away() -> None:
    case = ReturningCase(replace(RECORD, ring=("e" * 16, 41)), ring_bytes=10_000)
    assert case.room.ring is not None
    assert (case.room.ring.epoch, case.room.ring.seq) == ("e" * 16, 41)
    session = case.take(ANN, stream=True)
    assert session.place is not None
    assert case.registry.returning.halt(case.room, 1.0) == ("e" * 16, 41)


def test_nothing_is_said_while_a_room_moves() -> None:
    case = ReturningCase()
    ann = case.take(ANN).member
    bob = case.take(BOB).member
    for member in (ann, bob):
        case.say(member, now=1.0)
    assert case.registry.returning.halt(case.room, 2.0) is None
    assert case.say(bob, "now?", now=2.0 + HALT_SECONDS - 0.1) is DropReason.MOVING
    assert case.say(bob, "and now?", now=2.0 + HALT_SECONDS) is not DropReason.MOVING


def test_a_room_that_didnt_move_after_all_keeps_its_limits() -> None:
    case = ReturningCase(message_rate=1.0)
    ann, bob, eve = (case.take(seat).member for seat in (ANN, BOB, replace(BOB, name="eve", number=103)))
    case.say(ann, now=1.0)
    case.say(bob, now=1.0)
    moderation = Moderation(case.registry)
    moderation.mute(bob)
    moderation.mute(eve)  # who never spoke
    case.registry.returning.halt(case.room, 2.0)
    assert case.say(eve, "now?", now=2.1) is DropReason.MOVING
    later = 2.0 + HALT_SECONDS
    assert case.say(eve, "and now?", now=later) is case.say(bob, "I, too?", now=later) is DropReason.MUTED
    for member in (bob, eve):
        moderation.unmute(case.room, member.name)
        assert not isinstance(case.say(member, "now", now=later + 10), DropReason)
        assert {case.say(member, "now", now=later + 10) for _ in range(100)} >= {DropReason.MESSAGE_RATE}


def test_what_is_said_by_number_while_a_room_moves_is_not_answered() -> None:
    """So its client says it again where the room is then."""
    case = ReturningCase()
    ann, bob = case.take(ANN).member, case.take(BOB).member
    for member in (ann, bob):
        case.say(member, now=1.0)
    bob.session.said = SaidNumbers()
    case.registry.returning.halt(case.room, 2.0)
    assert case.say(bob, "/say 1 now?", now=2.1) is DropReason.MOVING
    assert case.relay.receipts == []
    assert list(bob.session.said) == []


# what a cluster is told of a room


def clustered(**policy: Any) -> tuple[ReturningCase, Member, Member]:
    """Make a room of a cluster: ann is its host, bob a member, and both have spoken."""
    case = ReturningCase(**policy)
    ann = case.create("ann", "new", residence=Residence(500, 500))
    bob = case.join("bob", "new")
    for member in (ann, bob):
        case.say(member)
    case.changed.clear()
    case.said()
    return case, ann, bob


def test_seats_are_numbered_in_their_order_and_the_hosts_is_known() -> None:
    _, ann, bob = clustered()
    residence = ann.room.residence
    assert residence is not None
    assert (ann.seat, bob.seat, residence.host_seat, residence.seats) == (501, 502, 501, 502)
    assert residence.numbers == {ann: 501, bob: 502}


def test_a_kick_is_told_and_a_leave_isnt() -> None:
    case, ann, bob = clustered()
    eve = case.join("eve", "new")
    case.registry.leave(eve, 0.0)
    assert case.changed == []
    case.moderation.kick(bob, 0.0)
    assert case.changed == [ann.room]
    residence = ann.room.residence
    assert residence is not None
    assert residence.kicked == (502,)
    assert residence.numbers == {ann: 501}


def test_what_a_host_does_is_told() -> None:
    case, ann, bob = clustered()
    case.moderation.set_topic(ann, "all about it")
    case.moderation.mute(bob)
    case.moderation.unmute(ann.room, "bob")
    case.moderation.ban(ann.room, "eve", 0.0)
    case.moderation.unban(ann.room, "eve")
    case.moderation.hand_over(bob)
    assert case.changed == [ann.room] * 6
    residence = ann.room.residence
    assert residence is not None
    assert residence.host_seat == bob.seat


def test_a_new_password_is_told_and_makes_older_tickets_void() -> None:
    case, ann, _ = clustered()
    case.say(ann, "/password secret")
    (wanted,) = case.to_hash
    case.commands.set_password(wanted, lambda: "hash")
    assert ann.room.residence is not None
    assert (ann.room.password_hash, ann.room.residence.password_revision) == ("hash", 1)
    assert case.changed == [ann.room]


def test_a_host_that_moves_is_told() -> None:
    """By its address it is known again if it comes without a ticket."""
    case, ann, _ = clustered()
    session = case.registry.seats.resume(ann.session, case.new_token(), EVE_IP, 1.0)
    case.registry.seats.use(session)
    assert case.changed == [ann.room]
    assert ann.room.residence is not None
    assert record_of(ann.room, ann.room.residence, home="a", home_since=1.0).host_ip == EVE_IP
    assert session.turn == 1


def test_the_hosts_seat_is_kept_while_it_is_away() -> None:
    case, ann, _ = clustered(host_grace_seconds=10.0)
    case.registry.leave(ann, 0.0)
    case.registry.change(ann.room)
    assert ann.room.residence is not None
    assert ann.room.residence.host_seat == 501


def test_a_relay_that_is_alone_tells_nobody() -> None:
    case = ReturningCase()
    case.changed.clear()
    ann = case.create("ann", "own")
    case.moderation.set_topic(ann, "all about it")
    assert case.changed == []
    assert ann.seat == 0
    assert ann.session.turn == 0
    assert ann.session.source_ip == ann.ip


def test_who_follows_is_told_where_the_room_went_and_all_others_that_it_ends() -> None:
    case, ann, bob = clustered()
    ann.session.abroad = Abroad(follows=True)
    bob.session.abroad = Abroad(carried_by=EVE_IP)
    assert bob.session.source_ip == EVE_IP
    case.registry.outbox.clear()
    case.registry.close_room(ann.room, EvictionReason.MOVED, members_see=EvictionReason.MOVED)
    told = [outgoing.notice for outgoing in case.registry.outbox]
    assert Disconnected(EvictionReason.MOVED) in told
    assert Disconnected(EvictionReason.SHUTDOWN) in told
    assert case.closed == [ann.room]


def test_a_sealed_room_is_told_as_one_from_the_beginning() -> None:
    case = ReturningCase()
    case.changed.clear()
    told = []
    case.registry.on_change = lambda room: told.append(room.sealed)
    case.create("ann", "secret", residence=Residence(500, 500), sealed=True)
    assert told == [True]
