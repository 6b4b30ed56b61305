"""What becomes of one datagram (UDP-02 to UDP-11)."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatproto import encode_datagram
from relay_server.core import events
from relay_server.core.address import parse_ip
from relay_server.core.counters import DropReason
from relay_server.net.address import UdpAddress, locate, make_address
from services.relay_server.core.rooms_case import NOTHING_SAID, Case, at, delivered, home, relayed

LONGEST = 4094


@pytest.mark.requirement("UDP-04", "UDP-05")
def test_every_other_member_gets_a_message_once_and_its_sender_none() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.say(case.create("zoe", "other"))
    assert relayed(case.say(ann, "hello")) == ("ann: hello", [home(bob), home(eve)])
    assert relayed(case.say(eve, "hi")) == ("eve: hi", [home(ann), home(bob)])
    assert case.said() == []


@pytest.mark.requirement("UDP-04", "UDP-07")
def test_who_joined_but_has_no_address_is_no_target() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    zoe = case.join("zoe")
    assert relayed(case.say(ann, "one")) == ("ann: one", [home(bob), home(eve)])
    case.say(zoe)
    assert relayed(case.say(ann, "two")) == ("ann: two", [home(bob), home(eve), home(zoe)])
    case.registry.leave(eve, 1.0)
    assert relayed(case.say(ann, "three")) == ("ann: three", [home(bob), home(zoe)])


@pytest.mark.requirement("UDP-04")
def test_a_member_alone_speaks_to_nobody() -> None:
    case = Case()
    ann = case.create("ann")
    assert case.say(ann, "hello?") == (b"ann: hello?", [])
    assert case.registry.counters.fanout == {0: 1}


@pytest.mark.requirement("UDP-02")
def test_a_datagram_counts_only_from_the_ip_that_joined() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    assert case.say(ann, "hi", source=home(bob)) is DropReason.ADDRESS_MISMATCH
    assert case.say(ann, "hi", source=make_address(parse_ip("2001:db8::1"), 5000)) is DropReason.ADDRESS_MISMATCH
    assert relayed(case.say(ann, "hi"))[0] == "ann: hi"
    assert case.said() == []


@pytest.mark.requirement("UDP-02")
def test_a_datagram_from_where_nothing_can_be_sent_moves_nobody() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert case.say(ann, "hi", source=home(ann, port=0)) is DropReason.UNANSWERABLE
    assert case.say(ann, "hi", source=at("255.255.255.255")) is DropReason.UNANSWERABLE
    assert relayed(case.say(bob, "hi")) == ("bob: hi", [home(ann), home(eve)])
    late = case.join("late")
    assert case.say(late, "hi", source=home(late, port=0)) is DropReason.UNANSWERABLE
    assert late.session.address is None


@pytest.mark.requirement("UDP-02")
@pytest.mark.parametrize(("joined", "speaks"), [("192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1")])
def test_an_ipv4_address_is_the_same_in_ipv6s_spelling(joined: str, speaks: str) -> None:
    case = Case()
    ann = case.create("ann", ip=joined)
    assert case.say(ann, "hi", source=at(speaks)) == (b"ann: hi", [])


@pytest.mark.requirement("UDP-02")
def test_a_token_speaks_in_its_own_room_only() -> None:
    case = Case()
    ann, _, _ = case.trio()
    case.say(case.create("zoe", "other"))
    data = encode_datagram(b"other", case.tokens[ann], b"hi")
    assert case.relay.handle_datagram(data, home(ann), 0.0) is DropReason.ROOM_MISMATCH
    data = encode_datagram(b"nowhere", case.tokens[ann], b"hi")
    assert case.relay.handle_datagram(data, home(ann), 0.0) is DropReason.ROOM_MISMATCH


@pytest.mark.requirement("UDP-02", "CON-03")
def test_an_unknown_token_is_dropped_in_silence() -> None:
    case = Case()
    ann, _, _ = case.trio()
    data = encode_datagram(b"demo", b"guess", b"hi")
    assert case.relay.handle_datagram(data, home(ann), 0.0) is DropReason.UNKNOWN_TOKEN
    assert case.said() == []


@pytest.mark.requirement("UDP-01", "CON-01")
@pytest.mark.parametrize(
    "data", [b"", b"\1", b"\1\1", b"\1\1a", b"\0\0aa", b"\0\1ab", b"\1\0ab", b"\xff\xffab", b"\5\7demo"]
)
def test_a_malformed_datagram_is_dropped(data: bytes) -> None:
    case = Case()
    ann, _, _ = case.trio()
    assert case.relay.handle_datagram(data, home(ann), 0.0) is DropReason.MALFORMED
    case.assert_all_is_counted()


@pytest.mark.requirement("UDP-01")
@pytest.mark.parametrize("source", [home, lambda member: home(member, 6000)])
def test_a_datagram_of_more_than_4096_bytes_is_dropped_not_cut(source: Callable[..., UdpAddress]) -> None:
    case = Case(attribution=False)
    ann, _, _ = case.trio()
    whole = encode_datagram(b"demo", case.tokens[ann])
    whole += b"x" * (4096 - len(whole))
    assert case.relay.handle_datagram(whole + b"x", source(ann), 0.0) is DropReason.OVERSIZED
    assert relayed(delivered(case.relay.handle_datagram(whole, source(ann), 0.0)))[0] == "x" * (
        4096 - 6 - len(case.tokens[ann])
    )


@pytest.mark.requirement("UDP-03")
def test_a_member_hears_where_it_spoke_last() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.say(bob, "", 1.0, home(bob, 6000))
    assert relayed(case.say(ann, "hi", 1.0))[1] == [home(eve), home(bob, 6000)]
    assert case.registry.counters.address_changes == 1


@pytest.mark.requirement("UDP-03")
def test_a_port_changes_once_a_second_at_most() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    ports: list[tuple[float, UdpAddress]] = []
    for step in range(100):  # two sources take turns, ten datagrams a second (threat U13)
        now = 5.0 + step / 10
        said = relayed(case.say(bob, f"{step}", now, home(bob, 6000 + step % 2)))
        assert said == (f"bob: {step}", said[1])
        assert len(said[1]) == 2
        (heard,) = [address for address in relayed(case.say(ann, "hi", now))[1] if locate(address).ip == bob.ip]
        if not ports or ports[-1][1] != heard:
            ports.append((now, heard))
    assert case.registry.counters.address_changes == len(ports) <= 11
    assert all(later - sooner >= 1.0 - 1e-9 for (sooner, _), (later, _) in pairwise(ports))


@pytest.mark.requirement("UDP-05")
@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("hello", "ann: hello"),
        ("ann: hello", "ann: hello"),
        ("ann:hello", "ann:hello"),
        ("ann  : hello", "ann  : hello"),
        ("ann hello", "ann: ann hello"),
        ("anna: hello", "ann: anna: hello"),
        ("Ann: hello", "ann: Ann: hello"),
        ("bob: hello", "ann: bob: hello"),
        ("server: hello", "ann: server: hello"),
        (" ann: hello", "ann:  ann: hello"),
        ("ann", "ann: ann"),
    ],
)
def test_a_message_bears_its_senders_name_once(message: str, heard: str) -> None:
    case = Case()
    ann, _, _ = case.trio()
    assert relayed(case.say(ann, message))[0] == heard


@pytest.mark.requirement("UDP-05")
@pytest.mark.parametrize("message", [b"hello", b"bob: hello", b"\tx", "é漢😀".encode()])
def test_without_attribution_the_bytes_stay_as_they_are(message: bytes) -> None:
    case = Case(attribution=False)
    ann, _, _ = case.trio()
    assert relayed(case.say(ann, message))[0].encode() == message


@pytest.mark.requirement("UDP-09")
@pytest.mark.parametrize("message", ["server: hi", "server:hi", "SERVER: hi", " server : hi", "\tServer:", "server:"])
def test_without_attribution_nobody_speaks_as_the_relay(message: str) -> None:
    for sanitizes in (True, False):
        case = Case(attribution=False, sanitize=sanitizes)
        ann, _, _ = case.trio()
        assert case.say(ann, message) is DropReason.RESERVED_NAME


@pytest.mark.requirement("UDP-09")
@given(st.text() | st.text().map("server: ".__add__), st.booleans(), st.booleans())
@example("server: disconnected: kicked", False, False)
def test_no_members_message_begins_as_a_notice(message: str, attribution: bool, sanitizes: bool) -> None:
    case = Case(attribution=attribution, sanitize=sanitizes)
    ann, _, _ = case.trio()
    result = case.say(ann, message.encode("utf-8", "replace"))
    assert not isinstance(result, tuple) or not result[0].startswith(b"server:")


@pytest.mark.requirement("UDP-06")
def test_a_message_fits_with_its_name_or_is_dropped_and_its_sender_told() -> None:
    case = Case()
    name = "ann of the long name"
    ann = case.create(name)
    case.say(ann)
    longest = LONGEST - len(f"{name}: ")
    assert len(relayed(case.say(ann, "x" * longest, 1.0))[0]) == LONGEST
    assert case.say(ann, "x" * (longest + 1), 1.0) is DropReason.TOO_LONG
    assert case.say(ann, "x" * (longest + 1), 1.999) is DropReason.TOO_LONG
    assert case.said() == [("server: message too long by 1 bytes: it was not relayed", [home(ann)])]
    assert case.say(ann, "x" * (longest + 1), 2.0) is DropReason.TOO_LONG
    assert len(case.said()) == 1


@pytest.mark.requirement("UDP-06", "UDP-11")
def test_a_message_that_grows_too_long_by_sanitizing_is_dropped_as_well() -> None:
    case = Case(attribution=False)
    ann, bob, eve = case.trio()
    assert case.say(ann, "\x01" * 1364) == (("\ufffd" * 1364).encode(), sorted([home(bob), home(eve)]))
    assert case.say(ann, "\x01" * 1365) is DropReason.TOO_LONG


@pytest.mark.requirement("UDP-07")
def test_a_keep_alive_registers_the_address_and_is_not_relayed() -> None:
    case = Case()
    ann, _, _ = case.trio()
    zoe = case.join("zoe")
    assert case.say(zoe) == NOTHING_SAID
    assert home(zoe) in relayed(case.say(ann, "hi"))[1]


@pytest.mark.requirement("UDP-08")
@pytest.mark.parametrize("command", ["/leave", "/exit", "/quit"])
def test_a_command_leaves_the_room(command: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert case.say(bob, command) == NOTHING_SAID
    assert not case.knows(bob)
    assert case.said() == [("server: bob left", [home(ann), home(eve)])]
    assert case.events == [events.MemberLeft("demo", "bob")]
    assert case.say(bob, command) is DropReason.UNKNOWN_TOKEN


@pytest.mark.requirement("UDP-08")
@pytest.mark.parametrize("message", ["/leave ", " /leave", "/Leave", "/leaves", "/", "leave", "/bye"])
def test_what_is_nearly_a_command_is_a_message(message: str) -> None:
    case = Case()
    _, bob, _ = case.trio()
    assert relayed(case.say(bob, message))[0] == f"bob: {message}"
    assert case.knows(bob)


@pytest.mark.requirement("UDP-08")
def test_commands_can_be_turned_off() -> None:
    case = Case(leave_commands=False)
    _, bob, _ = case.trio()
    assert relayed(case.say(bob, "/leave"))[0] == "bob: /leave"


@pytest.mark.requirement("UDP-12")
def test_an_answer_to_a_challenge_is_relayed_to_nobody() -> None:
    case = Case(leave_commands=False)
    _, bob, _ = case.trio()
    assert case.say(bob, "/here 0123456789abcdef") == NOTHING_SAID
    assert relayed(case.say(bob, "/here I am"))[0] == "bob: /here I am"
    assert case.said() == []


@pytest.mark.requirement("UDP-11")
@pytest.mark.parametrize("message", [b"\xff", b"abc\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"ann: \x80"])
def test_what_is_not_utf8_is_dropped(message: bytes) -> None:
    case = Case()
    ann, _, _ = case.trio()
    assert case.say(ann, message) is DropReason.INVALID_UTF8
    assert case.said() == []


@pytest.mark.requirement("UDP-11")
@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("a\nserver: closed", "ann: a⏎server: closed"),
        ("a\r\nb", "ann: a⏎b"),
        ("\x1b[2J", "ann: \ufffd[2J"),
        ("\x7f\x9b", "ann: \ufffd\ufffd"),
        ("\u202egnp", "ann: \ufffdgnp"),
        ("a\tb", "ann: a\tb"),
        ("👩\u200d🔬 漢字", "ann: 👩\u200d🔬 漢字"),
    ],
)
def test_what_is_relayed_is_harmless(message: str, heard: str) -> None:
    case = Case()
    ann, _, _ = case.trio()
    assert relayed(case.say(ann, message))[0] == heard


@pytest.mark.requirement("UDP-11")
def test_sanitizing_can_be_turned_off() -> None:
    case = Case(sanitize=False)
    ann, bob, eve = case.trio()
    assert case.say(ann, b"\x1b\xff\n") == (b"ann: \x1b\xff\n", sorted([home(bob), home(eve)]))


@pytest.mark.slow
@pytest.mark.requirement("CON-01", "UDP-01")
@settings(max_examples=50)
@given(st.data())
def test_every_datagram_is_forwarded_or_dropped_and_counted(data: st.DataObject) -> None:
    case = Case(message_rate=5.0, message_burst=3, byte_rate=2000.0)
    members = case.trio()
    before = case.registry.counters.received
    valid = [encode_datagram(member.room.raw_name, case.tokens[member], b"hi") for member in members]
    datagrams = st.one_of(
        st.binary(max_size=40),
        st.sampled_from(valid).flatmap(lambda start: st.binary(max_size=30).map(start.__add__)),
        st.sampled_from(valid).flatmap(lambda whole: st.integers(0, len(whole)).map(lambda cut: whole[:cut])),
        st.binary(min_size=4090, max_size=4100),
    )
    sources = st.sampled_from([home(members[0]), home(members[1]), home(members[1], 6000), at("198.51.100.1")])
    now = 1.0
    sent = data.draw(st.lists(st.tuples(datagrams, sources, st.floats(0, 2)), max_size=20))
    for datagram, source, pause in sent:
        now += pause
        result = delivered(case.relay.handle_datagram(datagram, source, now))
        if not isinstance(result, DropReason):
            payload, targets = result
            assert len(payload) <= LONGEST
            assert set(targets) <= {home(member, port) for member in members for port in (5000, 6000)}
        case.assert_all_is_counted()
    assert case.registry.counters.received - before == len(sent)
    assert case.registry.counters.bytes_received >= sum(len(datagram) for datagram, _, _ in sent)
