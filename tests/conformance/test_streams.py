"""Chats over the connections that members joined by (STR-01 to STR-03, STR-07, STR-08)."""

import contextlib
import json
from functools import partial

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Member, People, ask, call
from conformance.relays import Relay
from conformance.stream_rooms import Join, grants_stream, joining, pair, refusal
from conformance.streams import Line, StreamMember
from conformance.tls import Authority, call_secure, secure

pytestmark = pytest.mark.level("extension")


@pytest.mark.requirement("STR-01")
def test_the_connection_goes_on_as_the_chat(join: Join) -> None:
    ann, bob = pair(join)
    assert (ann.completion["chat"], ann.completion["seq"]) == ("stream", 0)
    assert ann.completion["epoch"] == bob.completion["epoch"] != ""
    assert bob.seq == 1
    text = "a" * bob.completion["max_message_bytes"]
    bob.send(say=text, color="red", n=1)
    assert ann.line() == {"seq": 2, "from": "bob", "text": text}
    assert bob.line() == {"seq": 2, "took": 1}


@pytest.mark.requirement("STR-01")
@pytest.mark.parametrize("fields", [{"reply": "text"}, {"reply": None}, {"chat": "datagrams"}, {"chat": None}])
def test_who_doesnt_ask_for_it_in_json_chats_over_udp(relay: Relay, fields: Line) -> None:
    asked = {"reply": "json", "chat": "stream", **fields}
    assert not grants_stream(relay, {key: value for key, value in asked.items() if value is not None})


@pytest.mark.requirement("STR-01", "TCP-12")
@pytest.mark.parametrize("streams", ["tls", "off"])
def test_a_relay_says_who_is_granted_a_stream(
    start_relay: StartRelay, tmp_path_factory: pytest.TempPathFactory, room: bytes, streams: str
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    own = start_relay(**authority.settings, streams=streams)
    assert not grants_stream(own.relay, {"reply": "json", "chat": "stream"})
    if streams == "tls":
        shake = partial(secure, context=authority.context())
        with StreamMember(own.relay, wire.CREATE, room, "ann", tls=shake) as ann:
            assert ann.ask() == []


@pytest.mark.requirement("STR-01")
@pytest.mark.parametrize("encrypted", [True, False])
def test_who_wants_nothing_but_a_stream_gives_its_place_back_where_none_is_granted(
    start_relay: StartRelay, tmp_path_factory: pytest.TempPathFactory, room: bytes, *, encrypted: bool
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    own = start_relay(**authority.settings, streams="off")
    request = json.dumps({"username": "ann", "reply": "json", "chat": "stream"}).encode()
    for _ in range(3):
        with call_secure(own.relay, authority.context()) if encrypted else call(own.relay) as connection:
            connection.sendall(wire.frame(wire.CREATE, wire.REQUEST, room, request))
            frames = [wire.read_frame(connection), wire.read_frame(connection)]
            assert frames[1] is not None, frames  # else the room was still there
            assert b'"stream"' not in frames[1].payload
            connection.sendall(b'{"leave":true}\n')
            assert wire.read_frame(connection) is None  # the connection ends


@pytest.mark.requirement("STR-02")
def test_pings_are_answered_and_a_message_without_a_number_isnt(join: Join) -> None:
    ann, bob = pair(join)
    bob.say("hello")
    assert bob.ask(5) == []
    assert ann.line() == {"seq": 2, "from": "bob", "text": "hello"}
    bob.send(pong=3)
    bob.send(future={"say": "x"})
    bob.send_bytes(b"{}\n")
    assert bob.ask(2**53 - 1) == []


@pytest.mark.requirement("STR-02")
@pytest.mark.parametrize(
    "line",
    [b"hello", b"[1]", b'"say"', b"", b'{"say":1}', b'{"say":"x","n":0}', b'{"say":"x","n":4294967296}',
     b'{"say":"x","n":"1"}', b'{"ping":"1"}', b"\xff\xfe", b"x" * 33_000],
)  # fmt: skip
def test_a_line_of_the_wrong_kind_ends_the_stream(join: Join, line: bytes) -> None:
    ann, bob = pair(join)
    with contextlib.suppress(OSError):
        bob.send_bytes(line + b"\n")
    bye = bob.rest()[-1]
    assert (bye["bye"], isinstance(bye["message"], str)) == ("malformed", True)
    assert ann.ask() == []


@pytest.mark.requirement("STR-02", "UDP-08")
@pytest.mark.parametrize("fields", [{"leave": True}, {"say": "/leave"}])
def test_who_leaves_is_gone(join: Join, room: bytes, relay: Relay, fields: Line) -> None:
    ann, bob = pair(join)
    bob.send(**fields)
    assert ann.line() == {"seq": 2, "notice": "member_left", "name": "bob"}
    assert [line for line in bob.rest() if "bye" not in line] == []
    assert refusal(relay, room, bob)["status"] == wire.NO_SEAT


@pytest.mark.requirement("STR-03")
def test_everybody_reads_the_same_in_the_same_order(join: Join) -> None:
    ann, bob = pair(join)
    eve = join("eve")
    for n in range(1, 11):
        bob.say(f"bob {n}", n)
        ann.say(f"ann {n}", n)
    bob.await_notice("member_joined")
    ann.await_notice("member_joined")
    everything = {line["seq"]: line for line in eve.lines(20)}
    assert sorted(everything) == [*range(eve.seq + 1, eve.seq + 21)]
    for member in (ann, bob):
        lines = member.lines(20)
        assert [line["seq"] for line in lines] == sorted(everything)
        assert [line["took"] for line in lines if "took" in line] == list(range(1, 11))
        for line in lines:
            assert "took" in line or line == everything[line["seq"]]


@pytest.mark.requirement("STR-03", "UDP-05", "UDP-11")
def test_a_name_is_told_once_and_text_is_harmless(join: Join) -> None:
    ann, bob = pair(join)
    for text in ("bob: hello", "bobby: hello", "a\x1b[1mb\nc"):
        bob.say(text)
    heard = [ann.line() for _ in range(3)]
    assert [line["from"] for line in heard] == ["bob"] * 3
    assert [line["text"] for line in heard][:2] == ["hello", "bobby: hello"]
    assert not set("\x1b\n") & set(heard[2]["text"])


@pytest.mark.requirement("STR-03", "RCP-01")
def test_what_isnt_relayed_is_refused_with_its_reason(join: Join) -> None:
    ann, bob = pair(join)
    bob.say("x" * (bob.completion["max_message_bytes"] + 100), 1)
    refused = bob.line()
    assert (refused["n"], refused["refused"]) == (1, "too_long")
    assert "{" not in refused["message"]
    ann.say("/mute bob", 1)
    while "took" not in ann.line():
        pass
    bob.say("psst", 2)
    while (line := bob.line()).get("n") != 2:
        pass
    assert line["refused"] == "muted"
    bob.say("x" * 30_000)
    while (line := bob.line()).get("notice") != "dropped":
        pass
    assert line["reason"] == "muted"


@pytest.mark.requirement("STR-03", "FEAT-03", "MOD-01")
def test_notices_are_objects_with_a_place_if_they_are_for_the_room(join: Join) -> None:
    ann, bob = pair(join)
    ann.say("/topic Tea", 1)
    assert bob.line() == {"seq": 2, "notice": "topic", "text": "Tea"}
    assert {"took": 1} in ann.ask()
    bob.say("/who", 2)
    lines = bob.ask()
    members = [line for line in lines if line.get("notice") == "members"]
    assert [each["name"] for each in members[0]["members"]] == ["ann", "bob"]
    assert "seq" not in members[0]
    assert {"took": 2} in lines
    eve = join("eve", features=[])  # whoever is on a stream reads them so
    assert eve.ask() == [{"notice": "topic", "text": "Tea"}]
    assert ann.line() == {"seq": 3, "notice": "member_joined", "name": "eve"}


@pytest.mark.requirement("STR-03", "EVI-05", "MOD-03", "MOD-04")
@pytest.mark.parametrize(("command", "banned"), [("/kick bob", {}), ("/ban bob", {"banned": True})])
def test_an_eviction_is_told_as_the_last_word(join: Join, command: str, banned: dict[str, bool]) -> None:
    ann, bob = pair(join)
    ann.say("before", 1)
    ann.say(command)
    *before, bye = bob.rest()
    assert [line["text"] for line in before if "text" in line] == ["before"]
    assert bye == {"bye": "kicked", "message": bye["message"], **banned}
    assert ann.await_notice("member_evicted")["reason"] == "kicked"


@pytest.mark.requirement("STR-03")
def test_streams_and_datagrams_share_a_room(join: Join, people: People, room: bytes) -> None:
    ann, bob = pair(join)
    zoe = people.join(room, b"zoe")
    assert ann.await_notice("member_joined")["name"] == "zoe"
    zoe.say(b"over UDP")
    assert ann.line()["text"] == "over UDP"
    bob.say("over a stream")
    assert zoe.hear() == b"bob: over a stream"
    zoe.leave()
    assert ann.await_notice("member_left")["name"] == "zoe"


@pytest.mark.requirement("STR-07")
def test_who_doesnt_read_is_cut_and_may_come_back(start_relay: StartRelay, room: bytes) -> None:
    with joining(start_relay().relay, room) as join:
        ann, bob = pair(join)
        text = "x" * 4000
        for n in range(1, 201):
            ann.say(text, n)
            assert ann.line()["took"] == n
        *before, bye = bob.rest()
        assert bye["bye"] == "slow"
        again = join("bob", epoch=bob.completion["epoch"], heard=before[-1]["seq"], **bob.ticket)
        texts = [line for line in before + again.ask() if "text" in line]
        assert [line["seq"] for line in texts] == list(range(2, 202))


@pytest.mark.requirement("STR-07", "LIM-01")
def test_the_limits_are_those_of_udp_and_everything_is_answered(start_relay: StartRelay, room: bytes) -> None:
    with joining(start_relay(message_rate=1, message_burst=5).relay, room) as join:
        ann, bob = pair(join)
        for n in range(1, 9):
            bob.say("x", n)
        lines = bob.lines(8)
        assert [line.get("took", line.get("n")) for line in lines] == list(range(1, 9))
        assert {line["refused"] for line in lines if "refused" in line} == {"message_rate"}
        assert ann.line()["text"] == "x"


@pytest.mark.requirement("STR-07")
def test_one_stream_over_the_limit_is_refused(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(max_streams=1)
    with joining(own.relay, room) as join:
        join("ann")
        request = json.dumps({"username": "bob", "reply": "json", "chat": "stream"}).encode()
        (reply,) = ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))
        assert json.loads(reply.payload)["status"] == wire.TOO_MANY
        with Member(own.relay, wire.JOIN, room, b"bob") as bob:
            bob.keep_alive()
            bob.leave()


@pytest.mark.requirement("STR-08", "CON-01", "CON-02")
def test_what_streams_say_is_not_counted_among_datagrams(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay()
    counted = ("relay_datagrams_received_total", "relay_datagrams_accepted_total", "relay_datagrams_sent_total")

    def figures() -> list[str]:
        return [line for line in own.ops("/metrics").splitlines() if line.split("{")[0].split(" ")[0] in counted]

    with joining(own.relay, room) as join:
        ann, bob = pair(join)
        before = figures()
        for n in range(1, 11):
            bob.say("hello", n)
        ann.lines(10)
        assert figures() == before != []
