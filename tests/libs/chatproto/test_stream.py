"""The chat over one connection: JSON objects, one a line (STR-01 to STR-03)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import HostChanged, MalformedError, MemberJoined, Notice, Topic, UnknownNotice, sanitize
from chatproto.constants import MAX_DELIVERY_BYTES
from chatproto.receipts import MAX_NUMBER
from chatproto.stream import (
    MAX_LINE_BYTES,
    MAX_PING,
    Bye,
    Entry,
    Gone,
    Leave,
    LineDecoder,
    Ping,
    Pong,
    Refused,
    Say,
    Told,
    ToMember,
    Took,
    ToRelay,
    Unknown,
    encode_bye,
    encode_entry,
    encode_gone,
    encode_heartbeat,
    encode_refused,
    encode_to_relay,
    encode_told,
    encode_took,
    parse_to_member,
    parse_to_relay,
)
from libs.chatproto.strategies import split
from libs.chatproto.test_notice_codec import NOTICES

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
LINES = TEXTS.map(sanitize)
NUMBERS = st.integers(1, MAX_NUMBER)
PLACES = st.integers(0, MAX_PING)
BEATS = st.builds(Ping, PLACES) | st.builds(Pong, PLACES)
DEEP = b'{"say":' + b"[" * (MAX_LINE_BYTES - 7)


def to_member(line: bytes) -> ToMember:
    """Read what was written, which is one whole line."""
    return parse_to_member(only_line(line))


def only_line(written: bytes) -> bytes:
    (line,) = LineDecoder().feed(written)
    return line


@given(st.builds(Say, TEXTS, st.none() | NUMBERS) | st.just(Leave()) | BEATS)
def test_what_a_member_sends_survives_encoding(said: Say | Ping | Pong | Leave) -> None:
    assert parse_to_relay(only_line(encode_to_relay(said))) == said


@given(PLACES, LINES, LINES)
def test_an_entry_survives_encoding(seq: int, sender: str, text: str) -> None:
    assert to_member(encode_entry(seq, sender, text)) == Entry(seq, sender, text)


@given(st.one_of(NOTICES), st.none() | PLACES)
def test_a_notice_survives_encoding_with_a_place_or_without(notice: Notice, seq: int | None) -> None:
    assert to_member(encode_told(notice, seq)) == Told(notice, seq)


@given(PLACES, PLACES, LINES, LINES, BEATS)
def test_all_else_that_the_relay_sends_survives_encoding(
    n: int, seq: int, word: str, sentence: str, beat: Ping | Pong
) -> None:
    assert to_member(encode_took(n)) == Took(n)
    assert to_member(encode_took(n, seq)) == Took(n, seq)
    assert to_member(encode_refused(n, word, sentence)) == Refused(n, word, sentence)
    assert to_member(encode_gone(min(n, seq), max(n, seq))) == Gone(min(n, seq), max(n, seq))
    assert to_member(encode_gone()) == Gone()
    assert to_member(encode_bye(word, sentence)) == Bye(word, sentence)
    assert to_member(encode_bye(word, sentence, banned=True)) == Bye(word, sentence, banned=True)
    assert to_member(encode_heartbeat(beat)) == beat


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (encode_to_relay(Say("hé\n", 17)), '{"say":"hé\\n","n":17}'),
        (encode_to_relay(Say("/who")), '{"say":"/who"}'),
        (encode_to_relay(Leave()), '{"leave":true}'),
        (encode_to_relay(Ping(5)), '{"ping":5}'),
        (encode_heartbeat(Pong(7)), '{"pong":7}'),
        (encode_entry(812, "ann", 'say "hello"'), '{"seq":812,"from":"ann","text":"say \\"hello\\""}'),
        (encode_told(MemberJoined("bob"), 813), '{"seq":813,"notice":"member_joined","name":"bob"}'),
        (encode_told(Topic("snow")), '{"notice":"topic","text":"snow"}'),
        (encode_took(17, 814), '{"seq":814,"took":17}'),
        (encode_took(17), '{"took":17}'),
        (encode_refused(18, "message_rate", "Slow."), '{"n":18,"refused":"message_rate","message":"Slow."}'),
        (encode_gone(801, 811), '{"gone":[801,811]}'),
        (encode_gone(), '{"gone":"all"}'),
        (encode_bye("kicked", "Gone."), '{"bye":"kicked","message":"Gone."}'),
        (encode_bye("kicked", "No.", banned=True), '{"bye":"kicked","message":"No.","banned":true}'),
    ],
)
def test_lines_look_as_the_protocol_shows_them(written: bytes, line: str) -> None:
    assert written.decode() == line + "\n"


def test_a_topic_that_has_a_place_is_no_message() -> None:
    assert to_member(encode_told(Topic("snow"), 3)) == Told(Topic("snow"), 3)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b'{"seq":1,"text":"hi"}', Entry(1, "", "hi")),
        (b'{"seq":1,"from":"a\\u001bb","text":"a\\nb\\u202e\\ud800"}', Entry(1, "a?b".replace("?", "\ufffd"), "")),
        (b'{"text":"hi"}', Unknown()),
        (b'{"seq":1}', Unknown()),
        (b"{}\r", Unknown()),
        (b'{"future":[1,{"a":null}]}', Unknown()),
        (b'{"n":2,"refused":"muted"}', Refused(2, "muted", "")),
        (b'{"bye":"slow"}', Bye("slow", "")),
        (b'{"bye":"kicked","banned":"true"}', Bye("kicked", "")),
        (b'{"notice":"aurora","seq":4}', Told(UnknownNotice("aurora"), 4)),
        (b'{"notice":[],"seq":4}', Told(UnknownNotice(""), 4)),
        (b'{"took":1,"took":2}', Took(2)),
        (b'{"notice":"host_changed","name":"ann","later":1}', Told(HostChanged("ann"))),
    ],
)
def test_lines_of_the_relay_that_are_odd_but_legal(line: bytes, read: ToMember) -> None:
    found = parse_to_member(line)
    if isinstance(read, Entry) and not read.text:  # what is made harmless is another test's business
        assert isinstance(found, Entry)
        assert not set(found.sender + found.text) & set("\x1b\n\u202e\ud800")
    else:
        assert found == read


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b'{"say":"a\\nb\\u0000","n":4294967295}', Say("a\nb\0", MAX_NUMBER)),
        (b'{"say":"","n":null}\r', Say("")),
        (b' {"n":1,"say":"x","more":{}} ', Say("x", 1)),
        (b'{"say":"a","say":"b"}', Say("b")),
        (b'{"say":"\\ud83d\\ude00"}', Say("😀")),
        (b'{"say":"\\ud800!"}', Say("?!")),
        (b'{"leave":1}', Unknown()),
        (b'{"leave":false}', Unknown()),
        (b'{"ping":0,"pong":1}', Ping(0)),
        (b'{"n":1}', Unknown()),
    ],
)
def test_lines_of_a_member_that_are_odd_but_legal(line: bytes, read: ToRelay) -> None:
    assert parse_to_relay(line) == read


NO_OBJECTS = (
    *(b"", b"\r", b"null", b"[]", b'"say"', b"1", b"NaN", b"{", b'{"say":"a"', b"{'say':'a'}", b"\0", b'{"say":"\0"}'),
    *(b'\xef\xbb\xbf{"ping":1}', b'{"ping":1}{"ping":2}', b'{"ping":1} x', b"\xff", b'{"say":"\xed\xa0\x80"}'),
    *(DEEP, b'{"ping":' + b"1" * 5000 + b"}", b'{"a":' * 5000),
)
NO_BEATS = (
    *(b'{"ping":-1}', b'{"ping":9007199254740992}', b'{"ping":true}', b'{"ping":1.0}', b'{"ping":NaN}'),
    *(b'{"pong":"1"}', b'{"pong":null}', b'{"pong":1e400}', b'{"pong":[1]}'),
)


@pytest.mark.parametrize("line", NO_OBJECTS + NO_BEATS)
def test_what_is_no_line_is_refused_by_both_sides(line: bytes) -> None:
    for parse in (parse_to_relay, parse_to_member):
        with pytest.raises(MalformedError):
            parse(line)


@pytest.mark.parametrize(
    "line",
    [
        *(b'{"say":1}', b'{"say":null}', b'{"say":["a"]}', b'{"say":"a","n":0}', b'{"say":"a","n":4294967296}'),
        *(b'{"say":"a","n":"1"}', b'{"say":"a","n":true}', b'{"say":"a","n":1.0}', b'{"say":"a","n":-0.0}'),
    ],
)
def test_values_of_the_wrong_type_from_a_member_are_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_to_relay(line)


@pytest.mark.parametrize(
    "line",
    [
        *(b'{"seq":"1","text":"a"}', b'{"seq":-1,"text":"a"}', b'{"seq":1,"text":2}', b'{"seq":1,"from":2,"text":"a"}'),
        *(b'{"took":null}', b'{"took":true}', b'{"seq":9007199254740992,"took":1}', b'{"refused":"muted"}'),
        *(b'{"n":1,"refused":2}', b'{"n":1,"refused":"a","message":[]}', b'{"bye":1}', b'{"bye":"a","message":null}'),
        *(b'{"gone":"some"}', b'{"gone":null}', b'{"gone":[]}', b'{"gone":[1]}', b'{"gone":[1,2,3]}'),
        *(b'{"gone":[2,1]}', b'{"gone":[null,1]}', b'{"gone":["1",2]}', b'{"seq":true,"notice":"muted"}'),
    ],
)
def test_values_of_the_wrong_type_from_the_relay_are_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_to_member(line)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["say", "n", "ping", "pong", "leave", "seq", "from", "text", "notice", "name", "took", "refused", "gone", "bye"]
)


@pytest.mark.slow
@given(st.dictionaries(KEYS | st.text(max_size=6), JSON_VALUES, max_size=4).map(json.dumps))
def test_any_object_is_read_or_refused_and_can_be_written_again(line: str) -> None:
    for parse in (parse_to_relay, parse_to_member):
        read: Any
        try:
            read = parse(line.encode())
        except MalformedError:
            continue
        assert str(read).encode()


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    for parse in (parse_to_relay, parse_to_member):
        try:
            parse(line)
        except MalformedError:
            continue


@given(st.data(), st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=6))
def test_lines_are_the_same_however_the_bytes_are_split(data: st.DataObject, lines: list[bytes]) -> None:
    decoder, found = LineDecoder(), []
    for piece in data.draw(split(b"".join(line + b"\n" for line in lines) + b"rest")):
        found += decoder.feed(piece)
    assert (found, decoder.rest) == (lines, b"rest")
    assert (decoder.feed(b"\n"), decoder.rest) == ([b"rest"], b"")


@pytest.mark.parametrize("bites", [1, 1000, MAX_LINE_BYTES + 1])
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(bites: int) -> None:
    longest = b"x" * MAX_LINE_BYTES
    for line, legal in ((longest, True), (longest + b"x", False)):
        for end in (b"\n", b""):
            decoder, whole = LineDecoder(), line + end
            pieces = [whole[at : at + bites] for at in range(0, len(whole), bites)]
            if legal:
                assert [found for piece in pieces for found in decoder.feed(piece)] == [line][: len(end)]
            else:
                with pytest.raises(MalformedError, match="32768"):
                    list(map(decoder.feed, pieces))


def test_who_reads_something_else_may_have_another_limit() -> None:
    decoder = LineDecoder(max_line_bytes=3)
    assert (decoder.feed(b"one\ntwo"), decoder.rest) == ([b"one"], b"two")
    with pytest.raises(MalformedError, match="more than 3 bytes"):
        decoder.feed(b"!")


def test_a_long_line_among_others_is_refused() -> None:
    with pytest.raises(MalformedError):
        LineDecoder().feed(b"{}\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n{}\n")


@pytest.mark.parametrize("character", ["\0", '"', "é", "漢", "😀", "\x7f"])
def test_the_longest_text_fits_into_a_line_whatever_it_is_made_of(character: str) -> None:
    text = character * (MAX_DELIVERY_BYTES // len(character.encode()))
    name = "漢" * 85
    for line in (encode_entry(MAX_PING, name, text), encode_to_relay(Say(text, MAX_NUMBER))):
        assert len(only_line(line)) <= MAX_LINE_BYTES
