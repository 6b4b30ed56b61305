"""What becomes of each line of a stream: words, commands, signs of life, and nonsense (STR-02, STR-03, STR-07)."""

import json

import pytest

from chatproto import EvictionReason, sanitize
from chatproto.constants import MAX_DELIVERY_BYTES
from relay_server.core.counters import DropReason, StreamFailure
from relay_server.core.judge import STRIKE_PAUSE_SECONDS, STRIKES_TO_EVICT
from relay_server.core.limits import SMALL_AUDIENCE
from relay_server.core.moderation import Moderation
from services.relay_server.stream_case import Client, Line, StreamCase, peer, texts


def kinds(lines: list[Line]) -> list[str]:
    return [line["notice"] for line in lines if "notice" in line]


@pytest.mark.requirement("STR-01", "STR-02", "STR-03")
def test_a_message_reaches_all_at_one_place_and_its_sender_as_its_number() -> None:
    case = StreamCase()
    ann, bob, eve = case.trio()
    seq = case.ring.seq
    assert bob.say("hello", 17) is None
    entry = {"seq": seq + 1, "from": "bob", "text": "hello"}
    assert (ann.read(), eve.read(), bob.read()) == ([entry], [entry], [{"seq": seq + 1, "took": 17}])
    assert case.registry.stream_counters.fanout == {2: 1}
    case.check_books()


@pytest.mark.requirement("STR-02", "RCP-02")
def test_without_a_number_nothing_answers_it() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.say("hello")
    bob.say("hello")
    assert (texts(ann.read()), bob.read()) == (["bob: hello"] * 2, [])
    case.check_books()


@pytest.mark.requirement("STR-05")
def test_a_number_that_was_said_is_answered_again_and_not_relayed_again() -> None:
    case = StreamCase(message_rate=1.0, message_burst=5)
    ann, bob, _ = case.trio()
    bob.say("hello", 1)
    ann.read()
    bob.read()
    results = [bob.say("something else", 1) for _ in range(50)]
    assert results == [None] * 3 + [DropReason.MESSAGE_RATE] * 47  # which makes it wait, and is answered all the same
    assert (ann.read(), bob.read()) == ([], [{"took": 1}] * 50)
    counters = case.registry.stream_counters
    assert (counters.received, counters.accepted, counters.repeated) == (51, 51, 50)
    case.check_books()


@pytest.mark.requirement("STR-05")
def test_the_last_1024_numbers_are_remembered_and_lower_ones_are_stale() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    for n in range(10, 10 + 2 * 1024, 2):
        bob.say("x", n)
    bob.read()
    assert bob.say("x", 10) is None
    bob.say("in between", 13)  # 10 gives way
    assert bob.say("x", 11) is None
    assert bob.say("x", 12) is None
    told = bob.read()
    assert [line for line in told if "seq" not in line] == [
        {"took": 10}, {"n": 11, "refused": "stale", "message": "The message was not relayed."}, {"took": 12}
    ]  # fmt: skip
    assert texts(ann.read())[-1] == "bob: in between"
    case.check_books()


@pytest.mark.requirement("STR-03")
@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("bob: hello", "hello"), ("bob : hello", "hello"), ("bob:hello", "hello"), ("bob:", ""), ("bob:  x", " x"),
        ("bobby: hello", "bobby: hello"), ("bob hello", "bob hello"), ("ann: hello", "ann: hello"), ("x", "x"),
        ("a\x1b[1m\nb", sanitize("a\x1b[1m\nb")),
    ],
)  # fmt: skip
def test_who_says_it_is_told_once_and_text_is_made_harmless(said: str, text: str) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.say(said)
    assert [(line["from"], line["text"]) for line in ann.read()] == [("bob", text)]
    assert "\x1b" not in text


@pytest.mark.requirement("STR-03", "UDP-09")
@pytest.mark.parametrize("text", ["bob: hello", "bobby: hello", "hello", "ann: hello", "bob hello: x"])
def test_a_relay_that_adds_no_names_says_nothing_of_who_says_it(text: str) -> None:
    case = StreamCase(attribution=False)
    ann, bob, _ = case.trio()
    udp = case.grant(2, {"username": "zoe", "reply": "json"}, peer("zoe"))
    case.over_udp(udp)
    ann.read()
    bob.say(text)
    case.over_udp(udp, text)
    assert [(line["from"], line["text"]) for line in ann.read()] == [("", text)] * 2
    assert bob.say("server: hello", 3) is DropReason.RESERVED_NAME


@pytest.mark.requirement("STR-03", "RCP-01")
def test_what_isnt_relayed_is_refused_with_its_reason() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    Moderation(case.registry).mute(case.registry.rooms[b"demo"].members_by_key["eve"])
    ann.read()
    bob.read()
    room_for = MAX_DELIVERY_BYTES - len("bob: ")
    assert bob.say("x" * (room_for + 3), 1) is DropReason.TOO_LONG
    assert bob.say("x" * room_for, 1) is None
    assert [line for line in bob.read() if "seq" not in line] == [
        {"n": 1, "refused": "too_long", "message": "message too long by 3 bytes: it was not relayed"},
    ]
    case.check_books()


@pytest.mark.requirement("STR-02", "STR-03", "UDP-06")
def test_who_gives_no_number_is_advised_at_most_once_a_second() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    for _ in range(3):
        assert bob.say("x" * 5000) is DropReason.TOO_LONG
    (advice,) = bob.read()
    assert (advice["notice"], advice["reason"], "seq" in advice) == ("dropped", "too_long", False)
    assert "by 911 bytes" in advice["message"]


@pytest.mark.requirement("STR-02", "MOD-01")
def test_a_command_is_a_text_and_is_taken_without_a_place() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.say("/who", 5)
    bob.say("/who")
    lines = bob.read()
    assert [line for line in lines if "took" in line] == [{"took": 5}]
    assert kinds(lines)[0] == "members"
    assert all("seq" not in line for line in lines)
    ann.say("/topic Tea", 1)
    seq = case.ring.seq
    assert bob.read() == [{"seq": seq, "notice": "topic", "text": "Tea"}]
    assert [("seq" in line, "took" in line) for line in ann.read()][-1] == (False, True)
    assert case.registry.stream_counters.fanout == {}


@pytest.mark.requirement("STR-02", "MOD-05")
def test_who_is_muted_may_ask_whether_the_relay_is_there_and_use_commands() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    ann.say("/mute bob")
    bob.read()
    ann.read()
    assert bob.say("psst", 1) is DropReason.MUTED
    bob.send(ping=5)
    bob.say("/topic", 2)
    lines = bob.read()
    assert {"n": 1, "refused": "muted", "message": "You are muted: what you say is not relayed."} in lines
    assert {"pong": 5} in lines
    assert {"took": 2} in lines
    assert ann.read() == []


@pytest.mark.requirement("STR-02", "STR-07")
@pytest.mark.parametrize("fields", [{"ping": 1}, {"pong": 1}, {"anything": "else"}, {}])
def test_lines_of_every_kind_count_and_whoever_sends_too_many_waits(fields: Line) -> None:
    case = StreamCase(message_rate=1.0, message_burst=5)
    _, bob, _ = case.trio()
    results = [bob.send(**fields) for _ in range(7)]
    assert results == [None] * 4 + [DropReason.MESSAGE_RATE] * 3  # he said one thing before
    assert bob.read() == [{"pong": 1}] * 7 if "ping" in fields else True
    case.now = 10.0
    assert bob.send(**fields) is None
    assert case.registry.stream_counters.received == 0
    case.check_books()


@pytest.mark.requirement("STR-07", "LIM-01")
def test_the_limits_of_bytes_are_those_of_udp() -> None:
    case = StreamCase(byte_rate=1000.0)
    _, bob, _ = case.trio()
    results = [bob.say("x" * 4000, n) for n in range(1, 5)]
    assert results == [None, None, DropReason.BYTE_RATE, DropReason.BYTE_RATE]
    assert [line["refused"] for line in bob.read() if "refused" in line] == ["byte_rate"] * 2


@pytest.mark.requirement("STR-03", "EVI-03")
def test_who_breaks_the_limit_on_and_on_is_evicted() -> None:
    case = StreamCase(message_rate=0.001, message_burst=3)
    ann, bob, _ = case.trio()
    for strike in range(STRIKES_TO_EVICT + 2):
        case.now = strike * (STRIKE_PAUSE_SECONDS - 3)
        bob.say("again", strike + 1)
    assert bob.reader.ended
    *_, bye = bob.read()
    assert bye == {"bye": "abuse", "message": EvictionReason.ABUSE.message}
    assert {"notice": "member_evicted", "name": "bob", "reason": "abuse"} in [without_seq(one) for one in ann.read()]
    assert bob.say("late") is None
    case.check_books()


def without_seq(line: Line) -> Line:
    return {key: value for key, value in line.items() if key != "seq"}


@pytest.mark.requirement("STR-07", "LIM-01")
@pytest.mark.parametrize(("others", "relayed"), [(SMALL_AUDIENCE, 9), (SMALL_AUDIENCE + 1, 3)])
@pytest.mark.parametrize("over_udp", [False, True])
def test_streams_and_addresses_count_alike_where_a_message_makes_many_copies(
    others: int, relayed: int, over_udp: bool
) -> None:
    case = StreamCase(message_rate=1.0, message_burst=1)  # so 250 copies at once
    ann = case.join("ann")
    for number in range(others - over_udp):
        if number % 2:
            case.over_udp(case.grant(2, f"guest {number}".encode(), peer("guest")))
        else:
            Client(case, case.enter(f"reader {number}"))
    speaker = case.grant(2, {"username": "zoe", "reply": "json"}, peer("zoe")) if over_udp else ann.granted
    if over_udp:
        case.over_udp(speaker)
    speaker.member.limit = None
    results = [case.over_udp(speaker, "x") if over_udp else ann.say("x") for _ in range(9)]
    assert [result is not DropReason.COPY_RATE for result in results] == [True] * relayed + [False] * (9 - relayed)
    case.check_books()


@pytest.mark.requirement("STR-02")
@pytest.mark.parametrize(
    "line",
    [b"", b"nonsense", b"[]", b"1", b'{"say":1}', b'{"say":"x","n":0}', b'{"say":"x","n":"1"}', b'{"ping":"x"}',
     b'{"pong":-1}', b"\xff", b'{"say":"x"', b'{"say":"x","n":4294967296}', b'{"say":"x","n":true}'],
)  # fmt: skip
def test_a_line_that_cant_be_read_ends_the_stream(line: bytes) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.say("before")
    assert bob.line(line) is None
    *_, bye = bob.read()
    assert (bye["bye"], bob.reader.ended) == ("malformed", True)
    assert bob.say("after") is None
    assert texts(ann.read()) == ["bob: before"]
    bob.lose()
    assert case.registry.streams.away == 1
    case.check_books()


@pytest.mark.requirement("STR-01", "STR-02", "FEAT-03")
def test_objects_and_keys_that_nobody_knows_are_ignored() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    for line in ('{"new":{"say":"x"}}', "{}", '{"say":"hi","n":1,"color":"red"}'):
        bob.line(line.encode())
    assert texts(ann.read()) == ["bob: hi"]
    assert bob.read() == [{"seq": case.ring.seq, "took": 1}]


@pytest.mark.requirement("STR-02")
@pytest.mark.parametrize("fields", [{"leave": True}, {"say": "/leave"}, {"say": "/quit", "n": 3}])
def test_who_leaves_is_gone_for_good_and_nothing_more_is_said_to_it(fields: Line) -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.send(**fields)
    assert (bob.reader.ended, bob.read()) == (True, [])
    assert [without_seq(line) for line in ann.read()] == [{"notice": "member_left", "name": "bob"}]
    bob.lose()
    assert (case.registry.streams.away, case.registry.streams.total) == (0, 2)
    case.check_books()


@pytest.mark.requirement("STR-03")
def test_streams_and_datagrams_share_a_room() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    zoe = case.grant(2, {"username": "zoe", "reply": "json", "features": ["receipts", "resume"]}, peer("zoe"))
    case.over_udp(zoe)
    assert kinds(bob.read()) == ["member_joined"]
    case.heard()
    assert case.over_udp(zoe, "hello") == (b"zoe: hello", [])
    assert case.over_udp(zoe, "/say 7 numbered")[0] == b"zoe: numbered"
    assert case.over_udp(zoe, "/say 7 numbered") == (b"", [])
    assert texts(bob.read()) == ["zoe: hello", "zoe: numbered"]
    audience, sender, payload = bob.say("hello zoe", 1)
    assert (list(audience.addresses), sender, payload) == ([zoe.session], bob.reader.session, b"bob: hello zoe")
    assert case.registry.counters.fanout[1] == 1
    assert case.registry.stream_counters.fanout == {3: 2, 2: 1}
    ann.read()
    # In a stream instead of datagrams: what was said by number over UDP is known.
    again = Client(case, case.grant(2, case.request("zoe", resume=zoe.completion.ticket), peer("zoe")))
    again.say("numbered", 7)
    assert {"took": 7} in again.read()
    assert texts(ann.read()) == []
    case.check_books()


@pytest.mark.requirement("STR-03", "EVI-03")
def test_words_over_streams_are_sampled_where_members_listen_over_udp() -> None:
    case = StreamCase()
    _, bob, _ = case.trio()
    zoe = case.grant(2, {"username": "zoe", "reply": "json"}, peer("zoe"))
    case.over_udp(zoe)
    case.now = 100.0
    bob.say("one")
    bob.say("two")
    log = case.registry.rooms[b"demo"].sent
    assert (log.holds(b"bob: one"), log.holds(b"bob: two")) == (True, False)


@pytest.mark.requirement("STR-03", "UDP-10")
def test_notices_stand_at_their_places_and_nobody_hears_of_itself() -> None:
    case = StreamCase()
    ann, bob, eve = case.trio()
    bob.say("one", 1)
    zoe = case.join("zoe")
    bob.say("two", 2)
    zoe.send(leave=True)
    bob.say("three", 3)
    seqs = [line["seq"] for line in eve.read()]
    assert seqs == list(range(seqs[0], seqs[0] + 5))
    ann_reads = [line.get("text") or line["notice"] for line in ann.read()]
    assert ann_reads == ["one", "member_joined", "two", "member_left", "three"]
    assert [line.get("took") or line["notice"] for line in bob.read()] == [1, "member_joined", 2, "member_left", 3]
    assert zoe.read() == [{"seq": seqs[2], "from": "bob", "text": "two"}]


@pytest.mark.requirement("STR-08", "CON-01")
def test_nothing_of_it_is_counted_among_datagrams() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    bob.say("hello", 1)
    bob.say("x" * 5000, 2)
    counters = case.registry.counters
    assert (counters.received, counters.accepted, sum(counters.dropped.values()), dict(counters.fanout)) == (
        0,
        0,
        0,
        {},
    )
    own = case.registry.stream_counters
    assert (own.received, own.accepted, own.bytes_received) == (2, 1, 5005)
    ann.reader.stop(StreamFailure.CLOSED)
    assert own.send_failures[StreamFailure.CLOSED] == 1
    case.check_books()


@pytest.mark.requirement("STR-01")
def test_text_in_other_scripts_and_quotes_is_written_as_json() -> None:
    case = StreamCase()
    ann, bob, _ = case.trio()
    said = 'quo"te \\ back, Ελληνικά 😀 </script>'
    bob.line(json.dumps({"say": said}).encode())
    assert [line["text"] for line in ann.read()] == [said]
