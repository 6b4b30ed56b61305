"""What the exercise's text demands of chatting in a room over UDP."""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from conformance.plain import Clients, Talker, meet, new_word, shown
from conformance.relays import Relay

pytestmark = pytest.mark.level("text")


class Company(NamedTuple):
    """Three members of a room who hear one another, and one of another room."""

    ann: Talker
    bob: Talker
    eve: Talker
    dora: Talker


@pytest.fixture(scope="module")
def company(relay: Relay) -> Iterator[Company]:
    """Bring them together once: a relay may be slow, and if nobody can get in, that is said soon."""
    room = new_word("room")
    with Clients(relay) as clients:
        ann, bob, eve = clients.create(room, b"ann"), clients.join(room, b"bob"), clients.join(room, b"eve")
        meet(ann, bob, eve)
        dora, _ = clients.pair(room + b"2")
        yield Company(ann, bob, eve, dora)


def check_unheard(word: bytes, listener: Talker, speaker: Talker) -> None:
    """Check that this word doesn't come; whatever the relay did with it, it has done when the next one is heard."""
    last_word = new_word("last")
    speaker.say(last_word)
    heard = [data for data in listener.hear_up_to(last_word) if word in data]
    assert not heard, f"expected nothing, saw {shown(heard[0])}"


@pytest.mark.requirement("UDP-01", "UDP-04")
def test_all_other_members_receive_a_message(company: Company) -> None:
    word = new_word()
    company.ann.say(word)
    company.bob.hear(word)
    company.eve.hear(word)


@pytest.mark.requirement("UDP-04")
def test_the_sender_gets_no_copy(company: Company) -> None:
    word = new_word()
    company.ann.say(word)
    company.bob.hear(word)
    check_unheard(word, company.ann, company.bob)


@pytest.mark.requirement("UDP-04")
def test_other_rooms_receive_nothing(company: Company) -> None:
    word = new_word()
    company.dora.say(word)
    check_unheard(word, company.bob, company.ann)


@pytest.mark.requirement("UDP-05")
def test_a_message_arrives_unchanged(company: Company) -> None:
    message = new_word() + " こんにちは, é 😀: 漢字".encode()
    company.ann.say(message)
    company.bob.hear(message)


@pytest.mark.requirement("UDP-05")
def test_a_message_arrives_without_its_header_and_token(company: Company) -> None:
    word = new_word()
    company.ann.say(word)
    heard = company.bob.hear(word)
    head = company.ann.head
    token = head[2 + head[0] :]
    assert not heard.startswith(head[:2]), f"expected the message alone, saw the header too: {shown(heard)}"
    assert token not in heard, f"expected the message alone, saw its sender's token too: {shown(heard)}"


@pytest.mark.requirement("UDP-01", "UDP-05")
def test_a_packet_has_up_to_4096_bytes(company: Company) -> None:
    word = new_word()
    message = word + b"x" * (4096 - len(company.ann.head) - len(word))
    company.ann.say(message)
    heard = company.bob.hear(word)
    assert message in heard, f"expected a message of {len(message)} bytes, saw {len(heard)} bytes of it"
    assert len(heard) <= 4094, f"expected a packet of at most 4094 bytes, saw {len(heard)}"


@pytest.mark.requirement("UDP-02")
def test_a_message_with_an_unknown_token_is_not_relayed(company: Company) -> None:
    word, ann = new_word(), company.ann
    ann.send(ann.head[:-1] + bytes([ann.head[-1] ^ 1]) + word)
    check_unheard(word, company.bob, ann)


@pytest.mark.requirement("UDP-02", "ROOM-02")
def test_a_message_with_a_token_of_another_room_is_not_relayed(company: Company) -> None:
    word, head = new_word(), company.dora.head
    token = head[2 + head[0] :]
    room = company.ann.head[2 : 2 + company.ann.head[0]]
    company.dora.send(bytes([len(room), len(token)]) + room + token + word)
    check_unheard(word, company.bob, company.ann)


@pytest.mark.requirement("UDP-02")
def test_a_message_with_a_token_from_another_ip_address_is_not_relayed(relay: Relay, company: Company) -> None:
    if not relay.is_loopback_v4:
        pytest.skip("needs a second local address: the target is not on 127.0.0.x")
    word = new_word()
    with closing(Talker(company.ann.head, "127.0.0.2", company.ann.remote)) as thief:
        thief.say(word)
        check_unheard(word, company.bob, company.ann)
