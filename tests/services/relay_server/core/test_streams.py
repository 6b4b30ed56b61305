"""The life of a stream: it begins, breaks, waits and goes on, or ends with a word (STR-01, STR-04 to STR-07)."""

from dataclasses import replace
from typing import Any

import pytest

from chatproto import EvictionReason, Status
from relay_server.answers import Granted, Waiting
from relay_server.core import events
from relay_server.core.counters import DropReason, StreamFailure
from relay_server.core.ring import MAX_ENTRIES
from relay_server.core.seats import PATIENCE_SECONDS as TO_ANSWER_SECONDS
from relay_server.core.streams import PATIENCE_SECONDS, PING_SECONDS, TOGETHER_SECONDS
from services.relay_server.stream_case import FEATURES, Client, Line, StreamCase, peer, texts

KEPT_SECONDS = 30.0
RESUME_SECONDS = 120.0
GONE = {"gone": "all"}


def after(case: StreamCase, seconds: float) -> None:
    """Let time pass; whatever is due happens."""
    until = case.now + seconds
    while (due := case.registry.next_deadline()) <= until:
        case.now = max(case.now, due)
        case.registry.expire(case.now)
    case.now = until


def talk(speaker: Client, *words: str) -> None:
    for word in words:
        speaker.say(word)


def names(case: StreamCase) -> list[str]:
    room = case.registry.rooms.get(b"demo")
    return [member.name for member in room.members] if room else []


def host_of(case: StreamCase) -> str:
    host = case.registry.rooms[b"demo"].host
    return host.name if host else ""


def seqs(lines: list[Line]) -> list[int]:
    return [line["seq"] for line in lines if "seq" in line]


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


# How it goes on.


@pytest.mark.requirement("STR-05", "RES-01")
def test_a_resume_goes_on_where_it_was_and_nothing_is_lost_nor_comes_twice() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    talk(ann, "one")
    bob.say("mine", 1)
    heard = seqs(bob.read())[-1]
    talk(ann, "two")
    bob.say("lost on its way back", 2)
    bob.lose()
    talk(ann, "three")
    again = case.resume(bob, epoch=case.ring.epoch, heard=heard)
    talk(ann, "four")
    assert (again.read(), again.woken) == ([], 0)  # its client speaks first
    assert case.registry.streams.away == 1
    again.send(ping=4)
    lines = again.read()
    assert lines == [
        {"seq": heard + 1, "from": "ann", "text": "two"},
        {"seq": heard + 2, "took": 2},
        {"seq": heard + 3, "from": "ann", "text": "three"},
        {"seq": heard + 4, "from": "ann", "text": "four"},
        {"pong": 4},
    ]
    again.say("lost on its way back", 2)
    assert again.read() == [{"took": 2}]
    talk(ann, "five")
    assert texts(again.read()) == ["ann: five"]
    assert case.registry.stream_counters.replayed == 4
    assert case.registry.streams.away == 0
    assert events.MemberResumed("demo", "bob", moved=False) in case.events
    case.check_books()


@pytest.mark.requirement("STR-05")
@pytest.mark.parametrize("known", [{}, {"heard": 1}, {"epoch": "another", "heard": 1}])
def test_who_names_no_epoch_or_another_reads_what_comes_after_the_completion(known: dict[str, Any]) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    ann.say("/topic Tea")
    bob.lose()
    talk(ann, "one")
    again = case.resume(bob, **known)
    talk(ann, "two")
    again.send(ping=1)
    lines = again.read()
    assert [line for line in lines if "gone" in line] == ([GONE] if "epoch" in known else [])
    assert {"notice": "topic", "text": "Tea"} in lines
    assert texts(lines) == ["ann: two"]
    assert again.seq == seqs(lines)[0] - 1


@pytest.mark.requirement("STR-05")
def test_who_says_that_it_has_more_than_there_is_has_another_numbering() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    bob.lose()
    beyond, newest = (case.ring.seq + more for more in (1, 0))
    for heard, told in ((beyond, [GONE, {"pong": 1}]), (newest, [{"pong": 1}])):
        bob = case.resume(bob, epoch=case.ring.epoch, heard=heard)
        bob.send(ping=1)
        assert bob.read() == told


@pytest.mark.requirement("STR-04", "STR-05")
def test_what_the_ring_keeps_no_more_is_told_as_gone() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    heard = case.ring.seq
    bob.lose()
    for number in range(MAX_ENTRIES + 7):
        ann.say(str(number))
    again = case.resume(bob, epoch=case.ring.epoch, heard=heard)
    again.send(pong=1)
    lines = again.read()
    assert lines[0] == {"gone": [heard + 1, heard + 7]}
    assert seqs(lines) == list(range(heard + 8, heard + 8 + MAX_ENTRIES))
    assert case.registry.stream_counters.gone == 7
    case.check_books()


@pytest.mark.requirement("STR-04", "STR-05")
def test_long_entries_are_gone_sooner_and_those_of_other_rooms_too() -> None:
    case = StreamCase(ring_bytes=3 * 2**20)
    ann, bob, _ = case.trio()
    heard = case.ring.seq
    bob.lose()
    for number in range(400):
        ann.say(f"{number} " + "x" * 4000)
    assert len(case.ring) < 270
    talker = Client(case, case.grant(1, case.request("zoe"), peer("zoe"), b"other"))
    case.registry.streams.rings.max_bytes = 2**20
    for _ in range(60):
        talker.say("y" * 4000)
    again = case.resume(bob, epoch=case.ring.epoch, heard=heard)
    again.send(pong=1)
    lines = again.read()
    assert lines[0] == {"gone": [heard + 1, case.ring.first - 1]}
    assert seqs(lines) == list(range(case.ring.first, case.ring.seq + 1))
    assert case.registry.streams.rings.kept_bytes <= 2**20
    case.check_books()


@pytest.mark.requirement("STR-05", "RES-05")
def test_till_its_first_line_the_old_connection_goes_on_and_then_it_is_told() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    again = case.resume(bob)
    talk(ann, "to the old one")
    bob.say("from the old one", 1)
    assert (texts(bob.read()), again.read()) == (["ann: to the old one"], [])
    again.line(b"{}")
    assert bob.read()[-1] == {"bye": "resumed_elsewhere", "message": EvictionReason.RESUMED_ELSEWHERE.message}
    assert bob.say("too late") is None
    talk(ann, "to the new one")
    assert texts(again.read())[-1] == "ann: to the new one"
    bob.lose()
    assert (case.registry.streams.away, case.registry.streams.total, names(case)) == (0, 3, ["ann", "bob", "eve"])
    case.check_books()


@pytest.mark.requirement("STR-05", "STR-06", "RES-02")
@pytest.mark.parametrize("attempt", ["", "0123456789abcdef"])
def test_a_new_connection_that_breaks_before_its_first_line_leaves_all_as_it_was(attempt: str) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    again = case.resume(bob, attempt=attempt)
    again.lose()
    talk(ann, "hello")
    assert texts(bob.read()) == ["ann: hello"]
    assert case.registry.streams.total == (4 if attempt else 3)  # it may ask once more
    after(case, KEPT_SECONDS)
    for client in (ann, bob):
        client.send(pong=0)
    assert (case.registry.streams.total, names(case)) == (3, ["ann", "bob", "eve"])
    case.check_books()


@pytest.mark.requirement("RES-01", "STR-05")
def test_a_ticket_of_a_stream_that_was_never_used_is_its_first_use() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    epoch, heard = case.ring.epoch, case.ring.seq
    middle = case.resume(bob, epoch=epoch, heard=heard)
    talk(ann, "one")
    last = case.resume(middle, epoch=epoch, heard=heard)
    assert bob.read()[-1]["bye"] == "resumed_elsewhere"
    talk(ann, "two")
    case.registry.ask(bob.granted.member.session, None)  # type: ignore[arg-type]
    assert middle.read() == last.read() == []
    middle.lose()
    last.send(ping=1)
    assert [line.get("text") for line in last.read()] == ["one", "two", None]
    assert case.knock(middle) is Status.NO_SEAT
    case.check_books()


@pytest.mark.requirement("RES-01")
def test_of_two_new_connections_the_newer_counts_and_the_other_is_told() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    first, second = case.resume(bob), case.resume(bob)
    assert [line["bye"] for line in first.read()] == ["resumed_elsewhere"]
    assert first.say("hello") is None
    second.send(ping=2)
    assert second.read() == [{"pong": 2}]
    case.check_books()


@pytest.mark.requirement("RES-02", "STR-05")
@pytest.mark.parametrize("broken", [False, True])
def test_an_attempt_again_takes_the_place_over_and_misses_nothing(broken: bool) -> None:
    case = StreamCase()
    ann, _, _ = case.trio()
    attempt = "0123456789abcdef"
    first = Client(case, case.enter("zoe", attempt=attempt))
    talk(ann, "one")
    if broken:
        first.lose()
    talk(ann, "two")
    case.now = KEPT_SECONDS - 1
    granted = case.enter("zoe", attempt=attempt)
    assert granted is first.granted
    second = Client(case, granted)
    assert texts(second.read()) == ["ann: one", "ann: two"]
    if not broken:
        assert first.read()[-1]["bye"] == "resumed_elsewhere"
        first.lose()
    talk(ann, "three")
    assert texts(second.read()) == ["ann: three"]
    after(case, 10.0)
    assert "zoe" in names(case)
    case.check_books()


@pytest.mark.requirement("RES-02", "TCP-09", "STR-06")
@pytest.mark.parametrize("attempt", ["", "0123456789abcdef"])
@pytest.mark.parametrize("how", ["lost", "silent"])
def test_who_never_sent_a_line_is_taken_back_like_a_lost_join(attempt: str, how: str) -> None:
    case = StreamCase()
    ann = case.join("ann")
    bob = Client(case, case.enter("bob", attempt=attempt))
    if how == "silent":
        case.now = PATIENCE_SECONDS - 1
        ann.send(pong=0)
        after(case, 1.0)
        assert bob.read()[-1]["bye"] == "unanswered"
    bob.lose()
    assert ("bob" in names(case)) == bool(attempt)
    assert bob.granted.session.is_away == bool(attempt)
    ann.send(pong=0)
    after(case, KEPT_SECONDS - 1)
    ann.send(pong=0)
    after(case, 1.0)
    assert names(case) == ["ann"]
    assert [line["notice"] for line in ann.read() if "notice" in line] == ["member_joined", "member_left"]
    case.check_books()


# Between streams and UDP.


@pytest.mark.requirement("STR-05", "RES-01")
def test_from_udp_to_a_stream_by_a_ticket() -> None:
    case = StreamCase()
    ann = case.join("ann")
    plain = {"username": "bob", "reply": "json", "features": FEATURES}
    bob = case.grant(2, plain, peer("bob"))
    case.over_udp(bob)
    ann.say("/topic Tea")
    ann.say("over UDP")
    case.heard()
    again = Client(case, case.grant(2, {**plain, "chat": "stream", "resume": bob.completion.ticket}, peer("bob")))
    assert case.over_udp(bob, "still over UDP")[0] == b"bob: still over UDP"
    again.send(ping=1)
    ((told, _),) = case.heard()
    assert b"resumed_elsewhere" in told
    assert case.over_udp(bob, "late") is DropReason.UNKNOWN_TOKEN
    assert again.read()[0] == {"notice": "topic", "text": "Tea"}
    ann.say("over the stream")
    assert texts(again.read()) == ["ann: over the stream"]
    assert not case.registry.rooms[b"demo"].gather().addresses
    case.check_books()


@pytest.mark.requirement("STR-03", "UDP-10")
def test_who_was_never_heard_over_udp_is_announced_when_its_stream_speaks() -> None:
    case = StreamCase()
    ann = case.join("ann")
    plain = {"username": "bob", "reply": "json", "features": FEATURES}
    bob = case.grant(2, plain, peer("bob"))
    ticket = bob.completion.ticket
    again = Client(case, case.grant(2, {**plain, "chat": "stream", "resume": ticket}, peer("bob")))
    assert ann.read() == []
    again.send(ping=1)
    again.say("hello", 1)
    joined, said = ann.read()
    assert (joined["notice"], joined["name"], said["text"]) == ("member_joined", "bob", "hello")
    again.send(leave=True)
    assert [line["notice"] for line in ann.read()] == ["member_left"]
    case.check_books()


@pytest.mark.requirement("STR-05", "RES-01")
def test_from_a_stream_to_udp_by_a_ticket_and_back_to_where_it_was() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    epoch, heard = case.ring.epoch, case.ring.seq
    ticket = bob.granted.completion.ticket
    plain = {"username": "bob", "reply": "json", "features": FEATURES, "resume": ticket}
    udp = case.grant(2, plain, peer("bob"))
    assert not udp.completion.stream
    bob.say("still here", 1)
    case.over_udp(udp, "/say 2 over UDP")
    assert bob.read()[-1]["bye"] == "resumed_elsewhere"
    bob.lose()
    assert texts(ann.read()) == ["bob: still here", "bob: over UDP"]
    assert (case.registry.streams.total, case.registry.streams.away) == (2, 0)
    back = Client(
        case,
        case.grant(
            2, {**plain, "resume": udp.completion.ticket, "chat": "stream", "epoch": epoch, "heard": heard}, peer("bob")
        ),
    )
    back.send(pong=0)
    assert back.read() == [{"seq": heard + 1, "took": 1}, {"seq": heard + 2, "took": 2}]
    case.check_books()


@pytest.mark.requirement("STR-06")
def test_a_token_of_a_stream_is_good_for_nothing_over_udp() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    assert case.over_udp(bob.granted, "hello") is DropReason.UNKNOWN_TOKEN
    bob.lose()
    assert case.over_udp(bob.granted, "hello") is DropReason.UNKNOWN_TOKEN
    assert texts(ann.read()) == []


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


# From elsewhere.


@pytest.mark.requirement("RES-03")
def test_from_elsewhere_a_seat_whose_stream_says_anything_is_contested() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    case.now = 5.0
    waiting = case.knock(bob, peer("zoe"))
    assert isinstance(waiting, Waiting)
    assert bob.read() == [{"ping": 0}]
    case.now += 0.5
    bob.send(pong=0)
    case.now = waiting.until
    answer = waiting.finish(case.now)
    assert isinstance(answer, bytes)
    bob.say("mine", 1)
    assert bob.read() == [{"seq": case.ring.seq, "took": 1}]
    assert isinstance(case.knock(bob), Granted)


@pytest.mark.requirement("RES-03", "STR-06")
@pytest.mark.parametrize("away", [False, True])
def test_from_elsewhere_a_silent_seat_moves_after_two_seconds(away: bool) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    heard = case.ring.seq
    if away:
        bob.lose()
    talk(ann, "one")
    waiting = case.knock(bob, peer("zoe"), epoch=case.ring.epoch, heard=heard)
    for _ in range(2):
        assert isinstance(waiting, Waiting)
        case.now = waiting.until
        waiting = waiting.finish(case.now)
    assert (case.now, isinstance(waiting, Granted)) == (2 * TO_ANSWER_SECONDS, True)
    moved = Client(case, waiting)
    moved.send(pong=0)
    assert texts(moved.read()) == ["ann: one"]
    assert moved.granted.member.ip == peer("zoe").ip
    assert bob.reader.ended
    case.check_books()


@pytest.mark.requirement("RES-03")
def test_from_elsewhere_a_ticket_that_tls_carried_moves_a_stream_at_once() -> None:
    case = StreamCase()
    case.join("ann")
    bob = case.join("bob", peer("bob", encrypted=True))
    moved = case.resume(bob, replace(peer("zoe"), encrypted=True))
    moved.send(pong=0)
    assert bob.read()[-1]["bye"] == "resumed_elsewhere"
    assert events.MemberResumed("demo", "bob", moved=True) in case.events


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
    ("command", "reason", "message"),
    [
        ("/kick bob", "kicked", EvictionReason.KICKED.message),
        ("/ban bob", "kicked", "The host of this room has banned you."),
        ("/leave", "host_left", EvictionReason.HOST_LEFT.message),
    ],
)
def test_who_is_put_out_hears_what_was_said_before_and_why(command: str, reason: str, message: str) -> None:
    case = StreamCase()
    ann, bob, eve = case.trio()
    second = case.resume(eve)
    talk(ann, "last words")
    ann.say(command)
    lines = bob.read()
    assert texts(lines) == ["ann: last words"]
    assert lines[-1] == {"bye": reason, "message": message}
    assert bob.reader.ended
    assert (second.read() != []) == (reason == "host_left")  # a connection that was only to speak hears it, too
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
