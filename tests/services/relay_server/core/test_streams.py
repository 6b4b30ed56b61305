"""The life of a stream: it begins, waits, and ends with a word (STR-01, STR-04, STR-06, STR-07)."""

from typing import Any

import pytest

from chatproto import EvictionReason, Status
from relay_server.core.counters import StreamFailure
from relay_server.core.streams import PATIENCE_SECONDS, PING_SECONDS, TOGETHER_SECONDS
from services.relay_server.stream_case import (
    FEATURES,
    Client,
    StreamCase,
    after,
    host_of,
    names,
    peer,
    seqs,
    talk,
    texts,
)

KEPT_SECONDS = 30.0
RESUME_SECONDS = 120.0
GONE = {"gone": "all"}


# How it begins.


@pytest.mark.requirement("STR-01", "STR-03")
def test_a_newcomer_reads_what_comes_after_its_completion_and_the_topic() -> None:
    case = StreamCase()
    ann = case.join("ann")
    ann.say("/topic Tea")
    ann.say("before bob came")
    granted = case.enter("bob")
    assert (granted.completion.stream, granted.completion.epoch) == (True, case.ring.epoch)
    ann.say("while bob's connection was not yet open")
    bob = Client(case, granted)
    ann.say("after that")
    lines = bob.read()
    assert lines[0] == {"notice": "topic", "text": "Tea"}
    assert texts(lines) == ["ann: while bob's connection was not yet open", "ann: after that"]
    assert min(seqs(lines)) > granted.completion.seq  # its own coming it isn't told of
    case.check_books()


@pytest.mark.requirement("STR-01")
def test_a_room_without_a_topic_says_nothing_at_first() -> None:
    case = StreamCase()
    assert Client(case, case.enter("ann")).read() == []


@pytest.mark.requirement("STR-01")
def test_who_is_out_again_before_its_connection_opens_has_no_stream() -> None:
    case = StreamCase()
    case.join("ann")
    granted = case.enter("bob")
    case.registry.evict(granted.member, EvictionReason.KICKED, case.now)
    connection: Any = None
    assert case.registry.streams.connect(granted.session, connection, case.now) is None


@pytest.mark.requirement("STR-04")
def test_a_room_keeps_a_ring_while_somebody_chats_over_a_stream_or_is_away() -> None:
    case = StreamCase()
    plain = case.grant(1, b"zoe", peer("zoe"))
    room = plain.member.room
    assert room.ring is None
    ann = case.join("ann")
    first = case.ring.epoch
    case.over_udp(plain, "hello")
    assert len(case.ring) == 2
    ann.lose()
    assert case.ring.epoch == first
    after(case, RESUME_SECONDS)
    assert room.ring is None
    assert case.registry.streams.rings.kept_bytes == 0
    case.join("ann")
    assert case.ring.epoch != first


# How it waits.


@pytest.mark.requirement("STR-06")
def test_a_seat_waits_two_minutes_and_nobody_is_told() -> None:
    case = StreamCase(max_members_per_room=3)
    ann, bob, eve = case.trio()
    bob.lose()
    assert bob.granted.session.is_away
    ann.say("hello")
    assert case.registry.stream_counters.fanout == {1: 1}
    assert case.refuses(2, case.request("zoe"), peer("zoe"))[0] is Status.ROOM_FULL
    assert case.refuses(2, case.request("bob"), peer("bob"))[0] is not Status.OK
    for _ in range(6):
        after(case, 19.0)
        ann.send(pong=0)
        eve.send(pong=0)
    assert names(case) == ["ann", "bob", "eve"]
    eve.read()
    after(case, RESUME_SECONDS - 6 * 19.0)
    assert names(case) == ["ann", "eve"]
    assert [(line["notice"], line["reason"]) for line in eve.read() if "notice" in line] == [
        ("member_evicted", "silence")
    ]
    assert case.knock(bob) is Status.NO_SEAT
    assert case.registry.streams.away == 0
    case.check_books()


@pytest.mark.requirement("STR-06")
@pytest.mark.parametrize("grace", [0.0, 60.0])
def test_a_host_that_is_away_keeps_its_room_open_till_its_time_is_over(grace: float) -> None:
    case = StreamCase(host_grace_seconds=grace)
    ann, bob, _ = case.trio()
    ann.lose()
    after(case, 20.0)
    bob.send(pong=0)
    again = case.resume(ann)
    again.send(pong=0)
    assert host_of(case) == "ann"
    again.lose()
    for _ in range(5):
        after(case, 20.0)
        bob.send(pong=0)
    bob.read()
    after(case, 20.0)
    if grace:
        assert host_of(case) == ""
        for _ in range(3):
            bob.send(pong=0)
            after(case, 20.0)
    assert b"demo" not in case.registry.rooms
    assert bob.read()[-1] == {"bye": "host_left", "message": EvictionReason.HOST_LEFT.message}
    case.check_books()


@pytest.mark.requirement("STR-06")
def test_without_a_ticket_a_seat_is_free_at_once() -> None:
    case = StreamCase()
    ann = case.join("ann")
    bob = case.join("bob", features=[])
    bob.lose()
    assert names(case) == ["ann"]
    assert [line["notice"] for line in ann.read()] == ["member_joined", "member_left"]
    assert (case.registry.streams.away, case.registry.streams.total) == (0, 1)


@pytest.mark.requirement("STR-06")
def test_a_seat_that_waited_too_long_goes_to_the_connection_that_only_has_to_speak() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    epoch, heard = case.ring.epoch, case.ring.seq
    bob.lose()
    for _ in range(5):
        after(case, 20.0)
        ann.send(pong=0)
    talk(ann, "one")
    again = case.resume(bob, epoch=epoch, heard=heard)
    after(case, 20.0)
    assert "bob" in names(case)
    assert again.read() == []
    again.send(pong=0)
    assert texts(again.read())[:1] == ["ann: one"]
    assert case.registry.streams.away == 0
    case.check_books()


@pytest.mark.requirement("STR-06", "EVI-01", "ROOM-04", "EVI-07")
def test_the_times_of_udp_dont_apply() -> None:
    case = StreamCase(silence_timeout_seconds=50.0, pending_timeout_seconds=50.0, max_session_seconds=50.0)
    ann, bob, _ = case.trio()
    for _ in range(20):
        after(case, 25.0)
        for client in (ann, bob):
            client.send(pong=0)
    assert names(case)[:2] == ["ann", "bob"]
    assert case.heard() == []


# Who is there.


@pytest.mark.requirement("STR-07")
def test_who_says_nothing_is_asked_and_then_cut_and_its_seat_waits() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    after(case, PING_SECONDS)
    assert bob.read() == [{"ping": 0}]
    ann.send(pong=0)
    after(case, PATIENCE_SECONDS - PING_SECONDS)
    assert bob.read() == [{"bye": "unanswered", "message": "Nothing came from you for too long."}]
    assert not ann.reader.ended
    bob.lose()
    assert case.registry.streams.away == 1
    assert "bob" in names(case)
    assert case.registry.next_deadline() == case.now + PING_SECONDS
    case.check_books()


@pytest.mark.requirement("STR-07")
def test_who_came_within_a_second_of_another_is_asked_along_with_it() -> None:
    case = StreamCase()
    ann = case.join("ann")
    case.now += TOGETHER_SECONDS
    bob = case.join("bob")
    case.now += 0.1
    cid = case.join("cid")
    ann.send(pong=0)
    for one in (ann, bob, cid):
        one.read()
    after(case, PING_SECONDS - TOGETHER_SECONDS - 0.1)
    assert (ann.read(), bob.read(), cid.read()) == ([{"ping": 0}], [{"ping": 0}], [])
    after(case, TOGETHER_SECONDS + 0.1)
    assert (ann.read(), bob.read(), cid.read()) == ([], [], [{"ping": 0}])


@pytest.mark.requirement("STR-05", "STR-07")
def test_a_new_connection_that_says_nothing_is_not_asked_but_cut() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    bob.lose()
    again = case.resume(bob)
    after(case, PATIENCE_SECONDS - 1)
    assert again.read() == []
    after(case, 1.0)
    assert [line["bye"] for line in again.read()] == ["unanswered"]
    again.lose()
    assert case.registry.streams.away == 1


@pytest.mark.requirement("STR-07", "STR-08")
def test_who_leaves_too_much_unread_is_cut_and_may_come_back() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    heard = case.ring.seq
    ann.say("one")
    ann.say("two")
    case.registry.streams.cut_slow(bob.reader)
    assert bob.read() == [{"bye": "slow", "message": "You left too much unread."}]
    assert case.registry.stream_counters.send_failures[StreamFailure.SLOW] == 2
    bob.lose()
    again = case.resume(bob, epoch=case.ring.epoch, heard=heard)
    again.send(pong=0)
    assert texts(again.read()) == ["ann: one", "ann: two"]
    case.check_books()


# How it ends.


@pytest.mark.requirement("STR-03", "EVI-05")
@pytest.mark.parametrize(
    ("command", "bye"),
    [
        ("/kick bob", {"bye": "kicked", "message": EvictionReason.KICKED.message}),
        ("/ban bob", {"bye": "kicked", "message": "The host of this room has banned you.", "banned": True}),
        ("/leave", {"bye": "host_left", "message": EvictionReason.HOST_LEFT.message}),
    ],
)
def test_who_is_put_out_hears_what_was_said_before_and_why(command: str, bye: dict[str, object]) -> None:
    case = StreamCase()
    ann, bob, eve = case.trio()
    second = case.resume(eve)
    talk(ann, "last words")
    ann.say(command)
    lines = bob.read()
    assert texts(lines) == ["ann: last words"]
    assert lines[-1] == bye
    assert bob.reader.ended
    assert (second.read() != []) == (bye["bye"] == "host_left")  # a connection that was only to speak hears it, too
    bob.lose()
    assert case.registry.streams.away == 0
    assert case.knock(bob) is Status.NO_SEAT
    case.check_books()


@pytest.mark.requirement("STR-03", "EVI-06")
def test_a_relay_that_shuts_down_says_so_to_all() -> None:
    case = StreamCase()
    clients = case.trio()
    clients[1].lose()
    case.registry.shut_down()
    for client in (clients[0], clients[2]):
        assert client.read()[-1] == {"bye": "shutdown", "message": EvictionReason.SHUTDOWN.message}
        client.lose()
    assert (case.registry.streams.total, case.registry.streams.away, case.registry.sessions_by_token) == (0, 0, {})
    assert case.registry.streams.rings.kept_bytes == 0
    assert case.registry.next_deadline() == float("inf")
    case.check_books()


@pytest.mark.requirement("STR-07")
def test_a_stream_that_resumes_needs_no_second_place_and_one_from_udp_does() -> None:
    case = StreamCase(max_streams=2)
    case.join("ann")
    bob = case.join("bob")
    plain = {"username": "zoe", "reply": "json", "features": FEATURES}
    zoe = case.grant(2, plain, peer("zoe"))
    status, _ = case.refuses(2, {**plain, "chat": "stream", "resume": zoe.completion.ticket}, peer("zoe"))
    assert status is Status.TOO_MANY
    bob.lose()
    assert case.refuses(2, case.request("eve"), peer("eve"))[0] is Status.TOO_MANY  # a seat that waits counts
    again = case.resume(bob)
    again.send(pong=0)
    assert case.registry.streams.total == 2
    again.send(leave=True)
    case.grant(2, {**plain, "chat": "stream", "resume": zoe.completion.ticket}, peer("zoe"))


@pytest.mark.requirement("STR-05")
def test_an_epoch_means_nothing_to_who_goes_on_over_udp() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    plain = {"username": "bob", "reply": "json", "features": FEATURES, "resume": bob.granted.completion.ticket}
    udp = case.grant(2, {**plain, "epoch": "another", "heard": 1}, peer("bob"))
    case.over_udp(udp, "hello")
    assert texts(ann.read()) == ["bob: hello"]
