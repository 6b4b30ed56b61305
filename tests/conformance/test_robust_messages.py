"""What a careful relay does with datagrams that the exercise's text doesn't foresee."""

from contextlib import closing

import pytest

from conformance.plain import Clients, Talker, new_word, reaches, shown
from conformance.relays import Relay

pytestmark = pytest.mark.level("robust")

MALFORMED = [b"", b"\0", b"\0\0", b"\xff\xff", b"\xff\x01x", b"\x01\xff" + b"x" * 200, b"\5\0" + b"x" * 200]


@pytest.fixture
def pair(clients: Clients, room: bytes) -> tuple[Talker, Talker]:
    return clients.pair(room)


def check_undisturbed(ann: Talker, bob: Talker, stranger: Talker) -> None:
    """Check that members hear one another still, and that somebody else was told nothing."""
    assert reaches(ann, bob, new_word()), "expected that members still hear one another, saw no message come"
    answer = stranger.waiting()
    assert answer is None, f"expected no answer, saw {shown(answer)}"


@pytest.mark.requirement("UDP-01", "CON-03")
@pytest.mark.parametrize("datagram", MALFORMED, ids=repr)
def test_a_malformed_datagram_is_dropped_without_an_answer(
    relay: Relay, clients: Clients, pair: tuple[Talker, Talker], datagram: bytes
) -> None:
    ann, bob = pair
    stranger = clients.anybody(relay.udp_port)
    stranger.send(datagram)
    ann.send(datagram)
    check_undisturbed(ann, bob, stranger)


@pytest.mark.requirement("UDP-02", "CON-03")
def test_a_stranger_gets_no_answer(relay: Relay, clients: Clients, pair: tuple[Talker, Talker], room: bytes) -> None:
    ann, bob = pair
    stranger = clients.anybody(relay.udp_port)
    stranger.send(bytes([len(room), 5]) + room + b"guess" + b"let me in")
    check_undisturbed(ann, bob, stranger)


@pytest.mark.requirement("UDP-01")
@pytest.mark.parametrize("size", [4097, 9000])
def test_a_datagram_over_4096_bytes_is_dropped_not_truncated(pair: tuple[Talker, Talker], size: int) -> None:
    ann, bob = pair
    word, last_word = new_word(), new_word()
    ann.say(word + b"x" * (size - len(ann.head) - len(word)))
    ann.say(last_word)
    cut = [data for data in bob.hear_up_to(last_word) if word in data]
    assert not cut, f"expected nothing, saw {len(cut[0])} bytes"


@pytest.mark.requirement("UDP-04")
def test_messages_come_once_each_in_the_order_of_their_arrival(pair: tuple[Talker, Talker]) -> None:
    ann, bob = pair
    words = [new_word() for _ in range(20)]
    for word in words:
        ann.say(word)
    heard = b" ".join(bob.hear_up_to(words[-1]))
    places = [heard.find(word) for word in words]
    assert -1 not in places, f"expected {len(words)} messages, saw {len(words) - places.count(-1)}"
    assert places == sorted(places), "expected messages in the order of their arrival, saw another"
    assert max(map(heard.count, words)) == 1, "expected each message once, saw one more often"


@pytest.mark.requirement("UDP-03")
def test_messages_follow_a_member_to_its_newest_port(pair: tuple[Talker, Talker]) -> None:
    ann, bob = pair
    with closing(Talker(bob.head, bob.local, bob.remote)) as moved:
        assert reaches(ann, moved, new_word()), "expected messages where the member speaks from now, saw none come"


@pytest.mark.requirement("LOB-05", "CON-03")
def test_malformed_datagrams_in_the_lobby_are_dropped_without_an_answer(lobby: Relay) -> None:
    with Clients(lobby) as clients:
        ann, bob = clients.lobby(b"ann"), clients.lobby(b"bob")
        for datagram in (b"", b"\0", b"\0hello", b"\xff", b"\5ann"):
            stranger = clients.anybody(lobby.lobby_port)
            stranger.send(datagram)
            check_undisturbed(ann, bob, stranger)
