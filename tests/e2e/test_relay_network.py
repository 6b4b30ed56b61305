"""Where the relay listens and answers from: both address families, wildcards, no lobby."""

import secrets
import socket
from collections.abc import Callable
from typing import Any

import pytest

from conformance import wire
from conformance.people import People
from conformance.relays import CommonRelays, OwnRelay, Relay


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            return False
        return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 (no ::1)")


@pytest.fixture(params=["::", "0.0.0.0"])
def wildcard(request: pytest.FixtureRequest, common_relays: CommonRelays) -> OwnRelay:
    return common_relays.get(host=request.param)


def at(host: str, relay: OwnRelay) -> Relay:
    """Return the relay as it is reached at another of its addresses."""
    ports = relay.relay
    return Relay(host, ports.tcp_port, ports.udp_port, ports.lobby_port)


@needs_ipv6
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_both_address_families_meet_in_one_room(loop: str, common_relays: CommonRelays) -> None:
    relay = common_relays.get(host="::", event_loop=loop)
    room = secrets.token_hex(8).encode()
    with People(at("127.0.0.1", relay)) as old, People(at("::1", relay)) as new:
        ann, bob, eve = old.create(room, b"ann"), new.join(room, b"bob"), old.join(room, b"eve")
        assert (ann.local, bob.local) == ("127.0.0.1", "::1")
        ann.heard(after=bob)
        eve.heard(after=ann)
        bob.say(b"from IPv6")
        assert (ann.hear(), eve.hear()) == (b"bob: from IPv6", b"bob: from IPv6")
        bob.heard(after=eve)
        ann.say(b"from IPv4")
        assert (bob.hear(), eve.receive_until(lambda data: b"IPv4" in data)) == (b"ann: from IPv4", b"ann: from IPv4")


def test_a_wildcard_host_answers_from_the_address_spoken_to(wildcard: OwnRelay) -> None:
    room = secrets.token_hex(8).encode()
    with People(at("127.0.0.2", wildcard)) as second, People(at("127.0.0.1", wildcard)) as first:
        ann, bob = second.create(room, b"ann"), first.join(room, b"bob")
        # A connected socket hears its peer's address alone.
        ann.udp.connect(("127.0.0.2", wildcard.relay.udp_port))
        bob.udp.connect(("127.0.0.1", wildcard.relay.udp_port))
        for speaker, listener, message in ((ann, bob, b"one"), (bob, ann, b"two"), (ann, bob, b"three")):
            speaker.udp.send(wire.chat(room, speaker.token, message))
            assert listener.hear().endswith(b": " + message)


def test_a_wildcard_lobby_answers_from_the_address_spoken_to(wildcard: OwnRelay) -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as ann,
        socket.socket(type=socket.SOCK_DGRAM) as bob,
    ):
        for host, name, sock in (("127.0.0.2", b"ann", ann), ("127.0.0.1", b"bob", bob)):
            sock.settimeout(wire.WAIT_SECONDS)
            sock.connect((host, wildcard.relay.lobby_port))
            sock.send(wire.lobby(name))
        bob.send(wire.lobby(b"bob", b"hi"))
        assert ann.recv(4096) == wire.lobby(b"bob", b"hi")


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_without_a_lobby_the_rooms_work(start_relay: Callable[..., Any], loop: str) -> None:
    relay = start_relay(RELAY_LOBBY_PORT="0", RELAY_EVENT_LOOP=loop)
    with People(Relay("127.0.0.1", relay.tcp_port, relay.udp_port, relay.lobby_port)) as people:
        ann, bob = people.pair(b"demo")
        ann.say(b"hi")
        assert bob.hear() == b"ann: hi"
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(wire.WAIT_SECONDS)
        udp.connect(("127.0.0.1", relay.lobby_port))
        udp.send(wire.lobby(b"ann"))
        with pytest.raises(ConnectionRefusedError):
            udp.recv(4096)
