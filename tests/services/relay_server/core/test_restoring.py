"""What is true of a relay that was restored (see `restoring`)."""

from dataclasses import replace
from typing import Any

import pytest

from chatproto import encode_datagram
from chatproto.receipts import encode_numbered
from relay_server.core import limits
from relay_server.core.address import network_of, parse_ip
from relay_server.core.counters import DropReason
from relay_server.core.endpoint import Address
from relay_server.core.errors import BannedError, NameTakenError, WrongPasswordError
from relay_server.core.kept import Abroad
from relay_server.core.model import Member, Residence
from relay_server.core.receipts import SaidNumbers
from relay_server.net.address import make_address
from services.relay_server.core.rooms_case import NOTHING_SAID, Heard, NoConnection, at, delivered, home
from services.relay_server.core.state_case import (
    LATER,
    StateCase,
    check_books,
    moment,
    restored,
)
from services.relay_server.core.test_returning import ANN, RECORD

LOU, LIZ = at("10.9.0.1"), at("10.9.0.2")


class Two:
    """A relay with ann, the host, bob and eve in a room, and the one that comes after it."""

    def __init__(self, **policy: Any) -> None:
        self.before = StateCase(host_grace_seconds=20.0, **policy)
        self.ann, self.bob, self.eve = self.before.trio()

    def restart(self, now: float = 1.0, *, handed_over: bool = True, after: float = 0.0, **policy: Any) -> StateCase:
        self.after = self.before.restored(now, handed_over=handed_over, after=after, **policy)
        return self.after

    def named(self, name: str) -> Member:
        """Return who is called so after the restart."""
        return next(one for room in self.after.registry.rooms.values() for one in room.members if one.name == name)

    def say(self, member: Member, text: bytes, now: float, source: Address | None = None) -> Heard | DropReason:
        """Say something after the restart, by the token from before."""
        data = encode_datagram(member.room.raw_name, member.session.token, text)
        return delivered(self.after.relay.handle_datagram(data, source or home(member), now + LATER))


def test_who_is_restored_speaks_and_hears_as_before_and_nobody_is_told() -> None:
    two = Two()
    after = two.restart()
    assert (after.said(), after.events) == ([], [])
    assert [member.name for member in two.named("ann").room.members] == ["ann", "bob", "eve"]
    assert two.named("ann").room.host is two.named("ann")
    assert two.say(two.bob, b"hello", 2.0) == (b"bob: hello", sorted([home(two.ann), home(two.eve)]))
    after.registry.leave(two.named("ann"), 2.0 + LATER)
    assert after.registry.hostless.next_deadline() == 22.0 + LATER
    check_books(after)


def test_names_and_addresses_are_as_taken_as_before() -> None:
    two = Two(max_members_per_address=1)
    after = two.restart()
    with pytest.raises(NameTakenError):
        after.join("BOB", ip="10.9.9.9")
    assert after.registry.admission.members.by_network == {network_of(one.ip): 1 for one in (two.ann, two.bob, two.eve)}


def test_deadlines_go_on_where_they_were() -> None:
    two = Two(silence_timeout_seconds=100.0, pending_timeout_seconds=30.0)
    two.before.say(two.bob, b"hi", 40.0)
    two.before.join("mia", now=50.0)
    after = two.restart(60.0)
    assert after.registry.next_deadline() == 80.0 + LATER
    after.registry.expire(80.0 + LATER)
    assert [member.name for member in two.named("bob").room.members] == ["ann", "bob", "eve"]
    assert after.registry.next_deadline() == 100.0 + LATER
    after.registry.expire(100.0 + LATER)
    assert [member.name for member in two.named("bob").room.members] == ["bob"]


def test_after_an_absence_everybody_counts_as_heard_now() -> None:
    two = Two(silence_timeout_seconds=100.0, pending_timeout_seconds=30.0)
    two.before.join("mia", now=1.0)
    two.before.speak(LOU, "lou", "hi", 1.0)
    after = two.restart(1.0, handed_over=False, after=60.0)
    assert after.registry.next_deadline() == 61.0 + 30.0 + LATER
    assert after.registry.active.next_deadline() == after.lobby.next_deadline() == 61.0 + 100.0 + LATER


def test_a_clock_that_was_set_back_lets_nothing_happen_in_the_future() -> None:
    two = Two()
    two.before.registry.leave(two.ann, 10.0)
    after = two.restart(10.0, handed_over=False, after=-5.0)
    assert after.registry.hostless.next_deadline() == 5.0 + 20.0 + LATER


def test_a_room_waits_for_its_host_as_long_as_it_would_have() -> None:
    two = Two()
    two.before.registry.leave(two.ann, 10.0)
    after = two.restart(15.0)
    assert after.registry.next_deadline() == 30.0 + LATER
    ann = after.join("ann", ip="10.0.0.1", now=16.0 + LATER)
    assert ann.room.host is ann
    two.restart(15.0).registry.expire(30.0 + LATER)
    assert two.after.registry.rooms == {}


def test_a_host_that_isnt_there_is_waited_for() -> None:
    two = Two()
    lines = [line for line in two.before.lines(1.0) if b'"name":"ann"' not in line]
    after = restored(lines, 1.0, like=two.before)
    assert after.registry.next_deadline() == 21.0 + LATER


def test_what_a_host_decided_holds() -> None:
    two = Two()
    room = two.ann.room
    two.before.moderation.mute(two.bob)
    two.before.moderation.ban(room, "eve", 0.0)
    two.before.moderation.set_topic(two.ann, "tea")
    room.password_hash = "hash"
    after = two.restart()
    assert two.named("bob").muted
    assert two.say(two.bob, b"hello", 1.0) is DropReason.MUTED
    with pytest.raises(BannedError):
        after.join("eve", proof="hash")
    with pytest.raises(WrongPasswordError):
        after.join("mia")
    assert two.named("ann").room.topic == "tea"
    after.moderation.unmute(two.named("bob").room, "bob")
    assert isinstance(two.say(two.bob, b"hello", 1.0), tuple)


def test_a_sealed_room_stays_sealed() -> None:
    two = Two()
    two.before.create("mia", "safe", sealed=True)
    two.restart()
    assert two.named("mia").room.sealed
    assert not two.named("ann").room.sealed


def test_limits_begin_anew_and_only_of_who_was_heard() -> None:
    two = Two(message_rate=1.0, message_burst=2)
    two.before.join("mia")
    two.before.join("zoe", stream=True)
    two.before.moderation.mute(two.before.join("liv"))
    two.before.moderation.mute(two.eve)
    two.restart()
    assert isinstance(two.named("bob").limit, limits.SpeechLimit)
    assert isinstance(two.named("zoe").limit, limits.SpeechLimit)
    assert isinstance(two.named("eve").limit, limits.Muted)
    assert two.named("mia").limit is two.named("liv").limit is None
    two.say(two.named("liv"), b"", 1.0)
    assert isinstance(two.named("liv").limit, limits.Muted)
    said = [two.say(two.bob, b"hello", 1.0) for _ in range(3)]
    assert said[2] is DropReason.MESSAGE_RATE


def test_a_number_that_was_said_isnt_said_again() -> None:
    two = Two()
    two.bob.session.said = SaidNumbers()
    for number in (1, 2, 4):
        two.before.say(two.bob, encode_numbered(number, b"hi"), 1.0)
    two.restart()
    for number, wanted in ((2, NOTHING_SAID), (4, NOTHING_SAID)):
        assert two.say(two.bob, encode_numbered(number, b"hi"), 2.0) == wanted
    assert two.say(two.bob, encode_numbered(3, b"hi"), 2.0) != NOTHING_SAID


def test_both_sessions_of_a_member_are_there_and_share_its_numbers() -> None:
    two = Two()
    seats = two.before.registry.seats
    two.bob.session.said = SaidNumbers()
    seats.issue(two.bob.session, "ticket", encrypted=True)
    successor = seats.resume(two.bob.session, b"new", parse_ip("10.7.0.1"), 1.0)
    successor.said = two.bob.session.said
    after = two.restart()
    bob = two.named("bob")
    newer = after.registry.seats.successor(bob)
    assert newer is not None
    assert newer.said is bob.session.said is not None
    assert after.registry.seats.find("ticket", b"demo") is bob.session
    data = encode_datagram(b"demo", b"new", b"here")
    heard = delivered(after.relay.handle_datagram(data, make_address(newer.ip, 5000), 2.0 + LATER))
    assert isinstance(heard, tuple)
    assert heard[0] == b"bob: here"
    assert (bob.session, bob.ip) == (newer, newer.ip)
    check_books(after)


def test_a_member_that_never_was_heard_is_announced_when_it_is() -> None:
    two = Two()
    two.before.join("mia", told_when_heard=True, json_notices=True)
    two.restart()
    assert two.named("mia").session.json_notices
    two.say(two.named("mia"), b"", 2.0)
    assert any("mia joined" in text for text, _ in two.after.said())


def test_who_is_paused_and_who_only_supposed_an_address() -> None:
    two = Two(provisional_address=True)
    two.before.registry._pause(two.bob.session)
    two.before.join("mia", ip="10.8.0.1", port=at("10.8.0.1", 4000))
    after = two.restart()
    room = two.named("bob").room
    assert set(room.gather().addresses.values()) == {home(one) for one in (two.ann, two.bob, two.eve)}
    after.registry.set_provisional_port(two.named("mia"), at("10.8.0.1", 4000))
    assert at("10.8.0.1", 4000) in room.gather().addresses.values()
    after.registry.set_provisional_port(two.named("mia"), home(two.bob))  # which bob proves
    assert list(room.gather().addresses.values()).count(home(two.bob)) == 1


def test_a_proof_that_grew_old_meanwhile_is_asked_for_and_not_given_up() -> None:
    two = Two(max_session_seconds=400.0, silence_timeout_seconds=10_000.0)
    after = two.restart(1.0, handed_over=False, after=1000.0)
    after.registry.expire(1001.0 + LATER)
    assert [text.partition(" ")[0] for text, _ in after.said()] == ["server:"] * 3
    assert len(two.named("ann").room.members) == 3
    young = two.restart(100.0)
    assert young.registry.proofs.next_deadline() == 340.0 + LATER


def test_a_place_that_waits_for_who_asks_again_is_given_up_in_time() -> None:
    two = Two()
    mia = two.before.join("mia")
    two.before.registry.seats.keep(mia.session, 5.0)
    wanted = two.before.registry.seats.next_deadline()
    after = two.restart(6.0)
    assert after.registry.seats.next_deadline() == wanted + LATER
    after.registry.expire(wanted + LATER)
    assert len(two.named("ann").room.members) == 3


def on_stream(two: Two, name: str) -> Member:
    """Let somebody in who chats over a stream and has a ticket."""
    member = two.before.join(name, stream=True)
    two.before.registry.seats.issue(member.session, f"ticket of {name}", encrypted=False)
    reader = two.before.registry.streams.connect(member.session, NoConnection(), 1.0)
    assert reader is not None
    two.before.registry.streams.hear(reader, 1.0)
    return member


def test_a_stream_that_is_handed_over_goes_on_after_what_its_client_has() -> None:
    two = Two(announce=False)
    mia = on_stream(two, "mia")
    ring = mia.room.ring
    assert ring is not None
    for text in ("one", "two", "three"):
        two.before.say(two.bob, text, 2.0)
    after = two.restart(3.0)
    session = two.named("mia").session
    assert session.is_away
    assert session.place is not None
    assert session.place.is_used
    assert after.registry.streams.next_deadline() == 3.0 + 120.0 + LATER
    successor = after.registry.seats.resume(session, b"new", mia.ip, 4.0 + LATER, stream=True)
    after.registry.streams.go_on(successor, ring.epoch, 1)
    reader = after.registry.streams.connect(successor, NoConnection(), 4.0 + LATER)
    assert reader is not None
    after.registry.streams.hear(reader, 4.0 + LATER)
    heard = reader.take(10_000)
    assert [word in heard for word in (b"one", b"two", b"three")] == [False, True, True]
    check_books(after)


def test_after_an_absence_a_stream_begins_anew_and_all_is_gone() -> None:
    two = Two(announce=False)
    mia = on_stream(two, "mia")
    two.before.say(two.bob, "one", 2.0)
    epoch = mia.room.ring.epoch if mia.room.ring else ""
    lines = [line for line in two.before.lines(3.0) if b'{"ring":' not in line]
    two.after = after = restored(lines, 60.0, like=two.before, handed_over=False)
    session = two.named("mia").session
    assert after.registry.streams.next_deadline() == 60.0 + 120.0 + LATER
    successor = after.registry.seats.resume(session, b"new", mia.ip, 61.0 + LATER, stream=True)
    after.registry.streams.go_on(successor, epoch, 1)
    reader = after.registry.streams.connect(successor, NoConnection(), 61.0 + LATER)
    assert reader is not None
    after.registry.streams.hear(reader, 61.0 + LATER)
    assert reader.take(10_000).startswith(b'{"gone"')


def test_who_was_away_waits_no_longer_than_it_would_have() -> None:
    two = Two()
    mia = on_stream(two, "mia")
    assert mia.session.reader is not None
    two.before.registry.streams.disconnect(mia.session.reader, 5.0)
    assert two.restart(15.0).registry.streams.next_deadline() == 125.0 + LATER


def test_ones_own_messages_in_a_ring_stay_ones_own() -> None:
    two = Two(announce=False)
    mia = on_stream(two, "mia")
    ring = mia.room.ring
    assert ring is not None
    ring.add(b'{"a":1}\n', mia, b'{"took":1}\n', is_message=True)
    ring.add(b'{"b":1}\n', two.eve, b'{"took":2}\n', is_message=False)
    two.before.registry.leave(two.eve, 1.0)
    two.before.join("eve")
    after = two.restart(2.0)
    first, second = after.ring_of(b"demo")
    assert (first.owner, first.own, second.owner, second.own) == (two.named("mia"), b'{"took":1}\n', None, b"")
    assert (first.messages, second.messages) == (1, 1)


def test_a_node_knows_its_seats_and_who_carries_whom() -> None:
    two = Two()
    mia = two.before.registry.create_room(
        b"far", "mia", b"t", parse_ip("10.3.0.1"), 1.0, residence=Residence(100, 120, takes_tickets_until=50.0)
    )
    edge = parse_ip("10.3.0.9")
    mia.session.abroad = Abroad(turn=3, carried_by=edge, follows=True)
    after = two.restart(2.0)
    there = two.named("mia")
    assert (there.seat, there.session.turn, there.session.source_ip) == (121, 3, edge)
    assert after.registry.edges == {edge}
    assert there.room.residence is not None
    assert there.room.residence.takes_tickets_until == 50.0 + LATER
    assert two.restart(2.0).registry.join_room(b"far", "zoe", b"z", edge, 3.0).seat == 122


def test_a_room_that_came_from_another_node_waits_for_its_members() -> None:
    before = StateCase(resume_seconds=30.0)
    before.registry.returning.open_room(replace(RECORD, ring=("epoch", 7)), 1000, 5.0)
    after = before.restored(10.0)
    room = after.registry.rooms[b"demo"]
    assert room.ring is not None
    assert (room.ring.epoch, room.ring.seq) == ("epoch", 7)
    assert after.registry.next_deadline() == 35.0 + LATER
    ann = after.registry.returning.take_seat(room, ANN, b"t", ANN.ip, 11.0 + LATER, encrypted=False, stream=False)
    assert room.host is ann.member
    again = after.restored(12.0 + LATER)
    assert again.registry.rooms[b"demo"].host is not None


def test_the_lobby_is_as_it_was() -> None:
    two = Two(silence_timeout_seconds=100.0)
    two.before.speak(LOU, "lou", "hi", 1.0)
    two.before.speak(LIZ, "liz", "hi", 2.0)
    after = two.restart(3.0)
    assert after.lobby.outbox == []
    assert after.speak(LIZ, "liz", "still here", 4.0 + LATER) == (b"\x03lizstill here", [LOU])
    check_books(after)
    assert after.lobby.next_deadline() == 101.0 + LATER


def test_nobody_else_listens_while_a_relay_is_restored() -> None:
    two = Two()
    after = two.restart()
    assert after.registry.changes._listeners == ()
    assert two.before.saving.changes(moment(1.0)) == []
