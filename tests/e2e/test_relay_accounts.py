"""What the relay tells its operators: books that balance, and nobody's secrets."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.joining import join_members
from conformance import wire
from conformance.people import Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import Metrics, await_metrics, scrape
from e2e.streaming import StreamMember

SETTINGS = {"RELAY_LOG_LEVEL": "debug", "RELAY_MESSAGE_RATE": "20", "RELAY_MESSAGE_BURST": "40"}


one_loop = pytest.mark.parametrize("relay", ["uvloop"], indirect=True)
"""For what no loop has to do with."""


@pytest.fixture(params=["uvloop", "asyncio"])
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRelay]:
    relay = OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": request.param, **SETTINGS})
    yield relay
    assert relay.stop() == 0


@pytest.fixture
def unlimited_relay(tmp_path: Path) -> Iterator[OwnRelay]:
    relay = OwnRelay(tmp_path / "log", {"RELAY_MESSAGE_RATE": "0", "RELAY_BYTE_RATE": "0"})
    yield relay
    assert relay.stop() == 0


@pytest.fixture
def people(relay: OwnRelay) -> Iterator[People]:
    with People(relay.relay) as people:
        yield people


def wrong_datagrams(ann: Member) -> dict[str, bytes]:
    """Return a datagram for most reasons to drop one."""
    return {
        "malformed": b"\x04\x04demo",
        "oversized": wire.chat(ann.room, ann.token, b"x" * 4096),
        "unknown_token": wire.chat(ann.room, secrets.token_urlsafe(16).encode(), b"hi"),
        "room_mismatch": wire.chat(b"elsewhere", ann.token, b"hi"),
        "invalid_utf8": wire.chat(ann.room, ann.token, b"\xff\xfe"),
    }


def test_counters_are_consistent_after_mixed_traffic(relay: OwnRelay, people: People) -> None:
    ann, bob, eve = people.trio(b"demo")
    before = scrape(relay)
    wrong = wrong_datagrams(ann)
    for datagram in wrong.values():
        ann.send(datagram)
    people.listener(relay.relay.udp_port, "127.0.0.2").send(wire.chat(bob.room, bob.token, b"hi"))
    for number in range(60):  # over the burst
        eve.say(b"message %d" % number)
    for member in (ann, bob, eve):
        member.keep_alive()
    lobby = people.listener(relay.relay.lobby_port, people.local)
    for datagram in (wire.lobby(b"ann"), wire.lobby(b"ann", b"hi"), b"", b"\x09ann"):
        lobby.send(datagram)
    eve.leave()
    sent = len(wrong) + 1 + 60 + 3 + 1
    after = await_metrics(
        relay,
        lambda now: (
            now.total("relay_datagrams_received_total") == before.total("relay_datagrams_received_total") + sent
            and now.total("relay_lobby_datagrams_received_total") == 4
        ),
    )
    after.check_books()
    assert after.total("relay_fanout_members_sum") > before.total("relay_fanout_members_sum")
    for reason in (*wrong, "address_mismatch", "message_rate"):
        assert after.value("relay_datagrams_dropped_total", reason=reason) > 0, reason
    assert after.value("relay_lobby_datagrams_dropped_total", reason="malformed") == 2
    assert after.series == before.series


@pytest.mark.requirement("STR-08", "CON-02")
def test_books_balance_where_streams_and_datagrams_meet(relay: OwnRelay, people: People) -> None:
    ann, bob = people.pair(b"demo")
    before = scrape(relay).value("relay_fanout_members_sum")
    with StreamMember(relay.relay, "demo", "eve") as eve, StreamMember(relay.relay, "demo", "zoe") as zoe:
        for member in (eve, zoe):
            member.speak_up()
        ann.say(b"from UDP")
        assert [member.hear("text")["text"] for member in (eve, zoe)] == ["from UDP"] * 2
        assert bob.hear() == b"ann: from UDP"
        eve.send(say="from a stream", n=1)
        eve.send(say="from a stream", n=1)  # once more, as if its answer were lost
        assert [eve.hear("took")["took"] for _ in range(2)] == [1, 1]
        assert zoe.hear("text")["from"] == "eve"
        assert [member.hear() for member in (ann, bob)] == [b"eve: from a stream"] * 2
        eve.send(say="x" * 4094, n=2)  # which is too long with a name before it
        assert eve.hear("refused")["refused"] == "too_long"
        zoe.close()
        await_metrics(relay, lambda now: now.value("relay_streams_away") == 1)
        bob.say(b"to who is there")
        assert eve.hear("text")["text"] == "to who is there"
        ticket = zoe.granted["resume"]
        with StreamMember(relay.relay, "demo", "zoe", ticket=ticket) as back:
            back.send_raw(b"no JSON\n")
            assert back.hear("bye")["bye"] == "malformed"
        counted = await_metrics(relay, lambda now: now.value("relay_streams") == 1)
    counted.check_books()
    assert counted.value("relay_streams_away") == 1
    values = {
        "messages_received": 3, "messages_accepted": 2, "messages_repeated": 1, "copies_sent": 4, "entries_gone": 0,
    }  # fmt: skip
    assert {name: counted.value(f"relay_stream_{name}_total") for name in values} == values
    assert counted.value("relay_stream_messages_dropped_total", reason="too_long") == 1
    assert counted.value("relay_stream_cuts_total", reason="malformed") == 1
    assert counted.value("relay_stream_fanout_members_sum") == 4
    # Among these are the two of the message that a stream brought.
    assert counted.value("relay_fanout_members_sum") == before + 4
    assert 0 < counted.value("relay_ring_bytes") < counted.value("relay_ring_limit_bytes")


@pytest.mark.requirement("STR-07", "STR-08")
def test_what_a_slow_reader_leaves_is_accounted_for_before_it_is_cut_and_after(unlimited_relay: OwnRelay) -> None:
    own = unlimited_relay
    waited = 0.0
    with People(own.relay) as people, StreamMember(own.relay, "demo", "eve", create=True) as eve:
        eve.take_little()
        eve.speak_up()
        ann = people.join(b"demo", b"ann")
        await_metrics(own, accepted(1))
        for number in range(2, 500):
            ann.say(b"x" * 4000)
            counted = await_metrics(own, accepted(number))
            counted.check_books()
            waited = max(waited, counted.value("relay_stream_copies_waiting"))
            if counted.value("relay_stream_cuts_total", reason="slow"):
                break
        assert waited > 0
        assert counted.value("relay_stream_copies_waiting") == 0
        assert counted.value("relay_stream_send_failures_total", reason="slow") >= waited


def accepted(count: int) -> Callable[[Metrics], bool]:
    return lambda now: now.total("relay_datagrams_accepted_total") == count


@one_loop
def test_names_addresses_and_tokens_stay_in_the_relay(relay: OwnRelay, people: People) -> None:
    room, user = b"the-room-of-" + secrets.token_hex(4).encode(), b"somebody-special"
    ann, bob = people.create(room, user), people.join(room, b"bob")
    ann.say(b"hi")
    assert bob.hear() == user + b": hi"
    for datagram in wrong_datagrams(bob).values():
        bob.send(datagram)
    metrics = scrape(relay)
    for word in (room.decode(), user.decode(), "127.0.0.1", ann.token.decode(), bob.token.decode()):
        assert word not in metrics.text
    ann.leave()
    bob.await_notice(b"disconnected: host_left")
    relay.stop()
    log = relay.said()
    assert room.decode() in log  # at this level the log has much to say
    assert user.decode() in log
    for token in (ann.token.decode(), bob.token.decode()):
        assert token not in log


@one_loop
def test_no_token_comes_twice(relay: OwnRelay) -> None:
    tokens = {member.token for member in join_members(relay.relay.tcp_port, 200, 10)}
    assert len(tokens) == 2000
    for token in tokens:
        assert 22 <= len(token) <= 255  # 128 bits in characters of 6 bits each (ROOM-02)
        assert token.isascii()
        assert token.isprintable()
        assert not set(token) & set(",:")
    assert scrape(relay).value("relay_members") == 2000
