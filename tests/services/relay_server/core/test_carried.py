"""Members whom a node carries to their rooms: whose datagrams go on, for how long, and who is dead (CLU-04)."""

from dataclasses import replace
from typing import Any, cast

import pytest

from chatproto import Disconnected, EvictionReason, Server, encode_datagram, encode_notice
from chatproto.receipts import encode_numbered
from relay_server.core.address import parse_ip
from relay_server.core.carried import LEAVING_SECONDS, CarriedMember, CarriedMembers
from relay_server.core.counters import DropReason
from relay_server.core.errors import TooManyError
from relay_server.core.places import Node
from relay_server.core.reachability import FAILING_SECONDS, HEARD_SECONDS
from relay_server.net.address import UdpAddress
from services.relay_server.core.rooms_case import Case, at, delivered, new_nonces, take_out

ROOM, TOKEN = b"far", b"token-of-another-node"
IP = "10.0.0.1"


class Homeward:
    """Notes what goes to the home."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = 0

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed += 1


class Carrying(Case):
    """A relay that carries members."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(**policy)
        self.carried = CarriedMembers(self.registry, self.policy, new_nonces())
        self.relay._carried = self.carried
        self.ways: dict[CarriedMember, Homeward] = {}

    def carry(
        self, token: bytes = TOKEN, room: bytes = ROOM, *, ip: str = IP, silence: float = 100.0, now: float = 0.0
    ) -> CarriedMember:
        """Let somebody join elsewhere."""
        member = self.carried.admit(parse_ip(ip))
        self.ways[member] = Homeward()
        self.carried.begin(member, room, token, self.ways[member], silence, now)
        return member

    def speak(
        self, member: CarriedMember, message: bytes = b"", now: float = 0.0, *, source: UdpAddress | None = None,
        room: bytes | None = None,
    ) -> object:  # fmt: skip
        """Send a datagram of somebody's."""
        data = encode_datagram(room or member.room, member.token, message)
        return delivered(self.relay.handle_datagram(data, source or at(), now))

    def sent(self, member: CarriedMember) -> list[bytes]:
        """Return the messages that went to the home."""
        head = len(encode_datagram(member.room, member.token))
        return [data[head:] for data in self.ways[member].sent]

    def fails(self, member: CarriedMember, quoted: bytes, now: float, *, source: UdpAddress | None = None) -> None:
        """Let an ICMP error come back for what was sent to a member."""
        assert member.address is not None
        self.carried.note_undelivered(source or at(), quoted, now)

    def asked(self) -> list[bytes]:
        """Take out the challenges."""
        return [payload for payload, _ in take_out(self.registry.outbox)]


@pytest.mark.requirement("CLU-04", "CON-01", "UDP-02")
def test_a_datagram_goes_on_if_room_token_and_address_are_the_joins() -> None:
    case = Carrying()
    member = case.carry()
    assert case.speak(member, b"hello") == (b"", [])
    assert case.speak(member, b"x", source=at("10.0.0.2")) is DropReason.ADDRESS_MISMATCH
    assert case.speak(member, b"x", room=b"near") is DropReason.ROOM_MISMATCH
    assert case.speak(CarriedMember(b"", ROOM, b"guessed"), b"x") is DropReason.UNKNOWN_TOKEN
    assert case.sent(member) == [b"hello"]
    assert (case.registry.counters.carried, case.registry.counters.accepted) == (1, 0)
    case.assert_all_is_counted()


@pytest.mark.requirement("CLU-04")
def test_rooms_of_this_node_are_judged_here_all_the_same() -> None:
    case = Carrying()
    far = case.carry()
    _, bob, _ = case.trio()
    assert case.say(bob, "hello") != (b"", [])
    assert case.speak(far, b"hello") == (b"", [])
    assert case.sent(far) == [b"hello"]
    case.assert_all_is_counted()


@pytest.mark.requirement("CLU-04", "RES-02")
def test_who_gets_the_same_token_once_more_is_carried_once() -> None:
    case = Carrying(pending_timeout_seconds=30.0)
    before, again = case.carry(), case.carry(now=10.0)
    assert (len(case.carried), case.ways[before].closed) == (1, 1)
    case.speak(again, b"hello", now=20.0)
    case.carried.expire(40.0)
    case.speak(again, b"I'm here", now=41.0)
    assert (case.sent(before), case.sent(again)) == ([], [b"hello", b"I'm here"])
    case.carried.end(before)
    case.carried.end(again)
    assert len(case.carried) == 0


@pytest.mark.requirement("CLU-04", "UDP-03")
def test_a_carried_member_is_answered_where_it_spoke_from_last() -> None:
    case = Carrying()
    member = case.carry()
    addresses = [member.address]
    for now, port in ((1.0, 5000), (1.5, 6000), (3.0, 6000)):  # 1.5 is too soon for another port
        case.speak(member, now=now, source=at(port=port))
        addresses.append(member.address)
    assert addresses == [None, at(), at(), at(port=6000)]
    assert len(case.sent(member)) == 3


@pytest.mark.requirement("CLU-04", "LEN-02")
def test_who_supposes_the_address_of_a_carried_member_gets_nothing_there() -> None:
    case = Carrying(provisional_address=True)
    member = case.carry()
    ann = case.create("ann", ip=IP, port=at())
    assert ann.room.audience_of(ann.session) is not None
    case.speak(member)
    assert ann.room.audience_of(ann.session) is None
    bob = case.join("bob", ip=IP, port=at())
    assert bob.room.audience_of(bob.session) is None
    case.carried.end(member)
    tom = case.join("tom", ip=IP, port=at())
    assert tom.room.audience_of(tom.session) is not None


@pytest.mark.requirement("CLU-04", "EVI-01")
def test_who_is_silent_is_carried_no_more() -> None:
    case = Carrying(pending_timeout_seconds=30.0)
    quiet, never = case.carry(), case.carry(b"another", now=10.0)
    case.speak(quiet, now=20.0)
    assert case.carried.next_deadline() == 40.0
    case.carried.expire(39.9)
    assert len(case.carried) == 2
    case.carried.expire(40.0)
    assert len(case.carried) == 1
    assert case.speak(never, now=41.0) is DropReason.UNKNOWN_TOKEN
    case.speak(quiet, now=100.0)
    case.carried.expire(199.9)
    assert case.ways[quiet].closed == 0
    case.carried.expire(200.0)
    assert (len(case.carried), case.ways[quiet].closed) == (0, 1)
    assert case.carried.next_deadline() == float("inf")
    case.carried.end(quiet)
    assert len(case.carried) == 0


@pytest.mark.requirement("CLU-04", "UDP-08")
@pytest.mark.parametrize("word", [b"/leave", encode_numbered(7, b"/leave")])
def test_who_leaves_is_forgotten_soon(word: bytes) -> None:
    case = Carrying()
    member = case.carry()
    case.speak(member, b"hello", now=1.0)
    case.speak(member, word, now=2.0)
    assert len(case.sent(member)) == 2
    case.carried.expire(2.0 + LEAVING_SECONDS)
    assert len(case.carried) == 0


@pytest.mark.requirement("CLU-04", "EVI-02")
@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("reason", EvictionReason)
def test_who_is_evicted_by_its_home_is_forgotten_at_once(reason: EvictionReason, json: bool) -> None:
    case = Carrying(max_members_per_address=1)
    member = case.carry()
    case.speak(member, b"hello", now=1.0)
    case.carried.note_sent(member, b"ann: " + encode_notice(Disconnected(reason), json=json), 1.5)
    with pytest.raises(TooManyError):
        case.carried.admit(parse_ip(IP))
    case.carried.note_sent(member, encode_notice(Disconnected(reason), json=json), 2.0)
    assert (len(case.carried), case.ways[member].closed) == (0, 1)
    case.carried.admit(parse_ip(IP))


@pytest.mark.requirement("CLU-04", "UDP-08")
def test_whose_home_is_gone_is_told_so_and_carried_no_more() -> None:
    case = Carrying()
    bob, eve, mute, other = (
        case.carry(b"token of " + name, ip="10.0.0.1") for name in (b"bob", b"eve", b"mute", b"other")
    )
    bob.home = eve.home = mute.home = home("oslo", started_at=1.0)
    other.home = home("oslo", started_at=2.0)  # it was started anew
    eve.follows = True
    places = {bob: at(IP, 9000), eve: at(IP, 9001), other: at(IP, 9002)}
    for member, source in places.items():
        case.speak(member, source=source)
    case.carried.lose_home(home("oslo", started_at=1.0))
    assert take_out(case.registry.outbox) == [  # where the mute one is, nobody knows
        (b"server: disconnected: shutdown", [places[bob]]),
        (b"server: disconnected: moved", [places[eve]]),
    ]
    assert (len(case.carried), case.ways[bob].closed, case.ways[other].closed) == (1, 1, 0)


@pytest.mark.requirement("CLU-04")
def test_who_is_carried_by_a_process_that_ends_is_told() -> None:
    case = Carrying()
    bob, mute = case.carry(), case.carry()
    case.speak(bob, source=at(IP, 9000))
    case.carried.let_go()
    assert take_out(case.registry.outbox) == [(b"server: disconnected: shutdown", [at(IP, 9000)])]
    assert (len(case.carried), case.ways[bob].closed, case.ways[mute].closed) == (0, 1, 1)


@pytest.mark.requirement("CLU-04")
def test_who_is_taken_over_is_as_before() -> None:
    before, case = Carrying(pending_timeout_seconds=30.0), Carrying(max_members_per_address=2)
    bob, mute = before.carry(silence=50.0), before.carry(b"mute", now=10.0)
    before.speak(bob, source=at(IP, 9000), now=20.0)
    assert list(before.carried) == [bob, mute]
    for member in before.carried:
        again = replace(member, homeward=Homeward())
        case.ways[again] = cast("Homeward", again.homeward)
        case.carried.take_over(again)
    bob, mute = case.carried
    with pytest.raises(TooManyError):
        case.carried.admit(parse_ip(IP))
    assert case.speak(bob, b"hello", source=at(IP, 9000), now=21.0) == (b"", [])
    assert case.sent(bob) == [b"hello"]
    assert case.speak(bob, source=at("10.0.0.2"), now=21.0) is DropReason.ADDRESS_MISMATCH
    case.carried.expire(39.9)
    assert len(case.carried) == 2
    case.carried.expire(40.0)  # who never spoke has as long as it had
    assert (len(case.carried), case.ways[mute].closed) == (1, 1)
    case.carried.expire(71.0)
    assert len(case.carried) == 0


def home(name: str, *, started_at: float) -> Node:
    return Node(name, Server(f"{name}:9000"), name, 9001, 9004, "", started_at)


def test_where_nobody_leaves_by_a_word_it_is_a_word() -> None:
    case = Carrying(leave_commands=False)
    member = case.carry()
    case.speak(member, b"/leave", now=2.0)
    case.carried.expire(50.0)
    assert len(case.carried) == 1


@pytest.mark.requirement("CLU-04", "ROOM-05")
def test_a_node_carries_so_many_and_so_many_of_an_address() -> None:
    case = Carrying(max_members=3, max_members_per_address=2)
    first, _ = case.carry(b"1"), case.carry(b"2")
    with pytest.raises(TooManyError, match="Your address"):
        case.carried.admit(parse_ip(IP))
    case.carry(b"3", ip="10.0.0.2")
    with pytest.raises(TooManyError, match="The relay"):
        case.carried.admit(parse_ip("10.0.0.3"))
    case.carried.end(first)
    waiting = case.carried.admit(parse_ip(IP))
    assert len(case.carried) == 3
    case.carried.end(waiting)  # it was refused
    assert len(case.carried) == 2


@pytest.mark.requirement("CLU-04", "EVI-03")
def test_who_provably_hears_nothing_is_cut_off_from_its_home() -> None:
    case = Carrying()
    member = case.carry()
    case.speak(member, now=0.0)
    case.carried.note_sent(member, b"ann: hello", 1.0)
    case.carried.note_sent(member, b"ann: too soon for a sample", 1.0)
    case.fails(member, b"ann: hello", HEARD_SECONDS / 2)
    case.fails(member, b"ann: too soon for a sample", 10.0)
    assert case.asked() == []  # it was heard just now; it was never sent
    case.fails(member, b"ann: hello", 10.0)
    (challenge,) = case.asked()
    assert case.ways[member].closed == 0  # who quotes what was said to all may be anybody
    case.fails(member, challenge, 10.1)
    assert (case.ways[member].closed, case.registry.counters.challenges) == (1, 1)
    case.carried.expire(11.0)
    (again,) = case.asked()
    case.fails(member, again, 11.1)
    assert case.ways[member].closed == 1
    case.speak(member, b"I am there", now=12.0)
    assert case.sent(member)[-1] == b"I am there"
    case.carried.expire(13.0)
    assert case.asked() == []


@pytest.mark.requirement("CLU-04", "EVI-03")
def test_who_hears_nothing_for_long_stays_cut_off_until_it_speaks() -> None:
    case = Carrying()
    member = case.carry(silence=1000.0)
    case.speak(member)
    case.carried.note_sent(member, b"ann: hello", 1.0)
    case.fails(member, b"ann: hello", 10.0)
    now = 10.0
    while now < 10.0 + 2 * FAILING_SECONDS:
        for challenge in case.asked():
            case.fails(member, challenge, now)
        now += 1.0
        case.carried.expire(now)
    case.carried.expire(now + 60.0)
    assert case.ways[member].closed == 1
    assert len(case.carried) == 1


@pytest.mark.requirement("CLU-04", "EVI-03")
def test_all_who_share_a_socket_are_cut_off_together() -> None:
    case = Carrying()
    one, other = case.carry(b"1"), case.carry(b"2")
    for member in (one, other):
        case.speak(member)
    case.carried.note_sent(one, b"ann: hello", 1.0)
    case.fails(one, b"ann: hello", 10.0)
    (challenge,) = case.asked()
    case.fails(one, challenge, 10.1)
    assert [way.closed for way in case.ways.values()] == [1, 1]
    case.fails(one, b"anything", 10.2, source=at(port=7000))  # nobody is there
    case.carried.end(one)
    case.speak(other, now=11.0)
    assert case.sent(other) == [b"", b""]
    case.carried.end(other)
    assert case.carried._by_remote == {}


@pytest.mark.requirement("CLU-04", "LIM-01")
def test_a_node_that_carries_many_is_no_guesser() -> None:
    case = Carrying()
    case.registry.edges.add(parse_ip(IP))
    stranger = CarriedMember(b"", ROOM, b"gone")
    for _ in range(100):
        assert case.speak(stranger, source=at()) is DropReason.UNKNOWN_TOKEN
    reasons = {case.speak(stranger, source=at("10.0.0.2")) for _ in range(100)}
    assert reasons == {DropReason.UNKNOWN_TOKEN, DropReason.GUESSING}
