"""Whose address is whose: the families of a dual-stack socket (threat T12), and many behind one address (T14)."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from conformance import wire
from conformance.people import People, ask
from conformance.relays import OwnRelay, Relay
from e2e.relay_metrics import scrape
from faults.networks import own_network
from faults.relays import StartRelay
from faults.weakened import count_by_64_alone
from relay_server.core.limits import AROUND_FACTORS

ROOM = b"demo"
PER_ADDRESS = 64
"""What the relay takes from one address on its defaults."""
SAME_NETWORK = [f"2001:db8:1:1::{number:x}" for number in range(1, 6)]
OTHER_NETWORK = "2001:db8:1:2::1"
OF_56, OF_48 = AROUND_FACTORS
A_HOME = [f"2001:db8:2:{number:x}::1" for number in range(OF_56 + 1)]
A_SITE = [f"2001:db8:2:{number:x}00::1" for number in range(1, OF_48 - OF_56 + 2)]
ANOTHER_SITE = "2001:db8:3::1"

SPELLINGS = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")]
"""One address as it looks through a socket of either family."""


def join_by(relay: Relay, family: socket.AddressFamily, host: str, name: bytes) -> bytes:
    """Join over a socket of this family; returns the token."""
    with socket.socket(family) as connection:
        connection.settimeout(wire.WAIT_SECONDS)
        connection.connect((host, relay.tcp_port))
        connection.sendall(wire.frame(wire.JOIN, wire.REQUEST, ROOM, name))
        _, completion = wire.read_frames(connection)
    return completion.payload


@pytest.mark.needs("namespaces")  # a machine's own network may have no IPv6
@pytest.mark.usefixtures("ipv6_network")
def test_mapped_and_plain_ipv4_addresses_are_equal(start_relay: StartRelay) -> None:
    own = start_relay(RELAY_HOST="::")
    with People(own.relay) as people, ExitStack() as stack:
        ann = people.create(ROOM, b"ann")
        for number, (tcp, udp) in enumerate((tcp, udp) for tcp in SPELLINGS for udp in SPELLINGS):
            name = b"bob %d" % number
            token = join_by(own.relay, *tcp, name)
            bob = stack.enter_context(socket.socket(udp[0], socket.SOCK_DGRAM))
            bob.settimeout(wire.WAIT_SECONDS)
            bob.sendto(wire.chat(ROOM, token, b"hello"), (udp[1], own.relay.udp_port))
            assert ann.hear() == name + b": hello"
            ann.say(b"hello, too")
            while (heard := bob.recv(4096)) != b"ann: hello, too":
                assert heard.startswith((b"server: ", b"bob"))
        assert scrape(own).value("relay_datagrams_dropped_total", reason="address_mismatch") == 0


@pytest.mark.needs("namespaces")
@pytest.mark.usefixtures("ipv6_network")
def test_different_addresses_are_not_equal(start_relay: StartRelay) -> None:
    """The control: that all spellings match is no matching of everything."""
    own = start_relay(RELAY_HOST="::")
    with People(own.relay) as people:
        ann, bob = people.pair(ROOM)
        token = join_by(own.relay, socket.AF_INET6, "::1", b"eve")
        with socket.socket(type=socket.SOCK_DGRAM) as v4, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as v6:
            v4.sendto(wire.chat(ROOM, token, b"from another"), ("127.0.0.1", own.relay.udp_port))
            assert ann.heard_messages(after=bob) == []
            v6.sendto(wire.chat(ROOM, token, b"from here"), ("::1", own.relay.udp_port))
            assert ann.hear() == b"eve: from here"
        assert scrape(own).value("relay_datagrams_dropped_total", reason="address_mismatch") == 1


@pytest.mark.parametrize("limit", [PER_ADDRESS, PER_ADDRESS + 1], ids=["limited", "control"])
def test_an_address_may_have_64_members_and_no_more(start_relay: StartRelay, limit: int) -> None:
    own = start_relay(RELAY_MAX_MEMBERS_PER_ADDRESS=str(limit), RELAY_COMPLETION_PAUSE_SECONDS="0")
    with People(own.relay) as people:
        school = [people.create(ROOM, b"pupil 0")]
        school += [people.join(ROOM, b"pupil %d" % number) for number in range(1, PER_ADDRESS)]
        one_more = ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM, b"one more"))
        assert one_more[0].payload == bytes([wire.TOO_MANY if limit == PER_ADDRESS else wire.OK])
        if limit > PER_ADDRESS:
            return
        for number, speaker in enumerate(school):
            speaker.say(b"I am number %d" % number)
            said = b"pupil %d: I am number %d" % (number, number)
            while school[number - 1].hear() != said:
                pass
        people.join(ROOM, b"a neighbour", source="127.0.0.2")


@pytest.fixture
def ipv6_network() -> Iterator[None]:
    addresses = (*SAME_NETWORK, OTHER_NETWORK, *A_HOME, *A_SITE, ANOTHER_SITE)
    with own_network([f"{address}/128" for address in addresses]):
        yield


def status_from(own: OwnRelay, source: str, name: bytes, *, operation: int = wire.JOIN, room: bytes = ROOM) -> int:
    """Join, or create, from this IPv6 address and leave the place taken."""
    with socket.create_connection(("::1", own.relay.tcp_port), wire.WAIT_SECONDS, (source, 0)) as connection:
        connection.sendall(wire.frame(operation, wire.REQUEST, room, name))
        return wire.read_frames(connection)[0].payload[0]


@pytest.mark.needs("namespaces")
@pytest.mark.usefixtures("ipv6_network")
@pytest.mark.parametrize("limit", [4, 5], ids=["limited", "control"])
def test_ipv6_addresses_of_one_64_count_as_one(start_relay: StartRelay, limit: int) -> None:
    own = start_relay(RELAY_HOST="::", RELAY_MAX_MEMBERS_PER_ADDRESS=str(limit))
    with People(own.relay) as people:
        people.create(ROOM, b"ann")
        statuses = [status_from(own, source, b"bob %d" % number) for number, source in enumerate(SAME_NETWORK)]
        assert statuses == [wire.OK] * 4 + [wire.TOO_MANY if limit == 4 else wire.OK]
        assert status_from(own, OTHER_NETWORK, b"a neighbour") == wire.OK
        assert scrape(own).value("relay_member_addresses") == 3  # ann's, that /64, and the neighbour's


@pytest.mark.needs("namespaces")
@pytest.mark.usefixtures("ipv6_network")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_one_ipv6_site_cant_use_up_all_rooms(start_relay: StartRelay, guarded: bool) -> None:
    """Of a /48 with 65,536 networks only as many rooms are taken as some of them may have."""
    settings = {"RELAY_HOST": "::", "RELAY_MAX_ROOMS_PER_ADDRESS": "1", "RELAY_COMPLETION_PAUSE_SECONDS": "0"}
    own = start_relay(**settings) if guarded else start_relay.weakened(count_by_64_alone, **settings)

    def create(*sources: str) -> list[int]:
        return [status_from(own, source, b"ann", operation=wire.CREATE, room=source.encode()) for source in sources]

    too_many = wire.TOO_MANY if guarded else wire.OK
    assert create(*A_HOME) == [*[wire.OK] * OF_56, too_many]
    assert create(*A_SITE) == [*[wire.OK] * (OF_48 - OF_56), too_many]
    assert create(ANOTHER_SITE) == [wire.OK]
