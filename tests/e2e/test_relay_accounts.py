"""What the relay tells its operators: books that balance, and nobody's secrets."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.joining import join_members
from conformance import wire
from conformance.people import Member, People
from conformance.relays import OwnRelay
from e2e.relay_metrics import await_metrics, scrape

SETTINGS = {"RELAY_LOG_LEVEL": "debug", "RELAY_MESSAGE_RATE": "20", "RELAY_MESSAGE_BURST": "40"}


one_loop = pytest.mark.parametrize("relay", ["uvloop"], indirect=True)
"""For what no loop has to do with."""


@pytest.fixture(params=["uvloop", "asyncio"])
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRelay]:
    relay = OwnRelay(tmp_path / "log", {"RELAY_EVENT_LOOP": request.param, **SETTINGS})
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
