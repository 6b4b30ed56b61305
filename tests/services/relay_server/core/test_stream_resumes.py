"""A stream that broke goes on, from another address or another way of chatting too (STR-05, RES-01 to RES-05)."""

from dataclasses import replace
from typing import Any

import pytest

from chatproto import EvictionReason, Status
from relay_server.answers import Granted, Waiting
from relay_server.core import events
from relay_server.core.counters import DropReason
from relay_server.core.ring import MAX_ENTRIES
from relay_server.core.seats import PATIENCE_SECONDS as TO_ANSWER_SECONDS
from relay_server.core.streams import PATIENCE_SECONDS
from services.relay_server.stream_case import (
    FEATURES,
    Client,
    StreamCase,
    after,
    names,
    peer,
    seqs,
    talk,
    texts,
)

KEPT_SECONDS = 30.0
RESUME_SECONDS = 120.0
GONE = {"gone": "all"}


# By its ticket.


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
